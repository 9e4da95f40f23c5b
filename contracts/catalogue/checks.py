"""What must hold in the catalogue beyond the shape of its files. Each check yields a `Fault` for what is wrong."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from itertools import combinations
from typing import Any, Final, Protocol, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.calendar import NoCalendar, calendar_of
from contracts.catalogue.checks_asking import faults_of_questions
from contracts.catalogue.checks_visiting import faults_of_visiting
from contracts.catalogue.lookup import PLACEHOLDER
from contracts.catalogue.reading import Entry, Fault, Place, bilingual
from contracts.catalogue.schema import DeadlineRule, Fee, Names, Office, ReasonWords, Service
from contracts.facts import FACTS

FACT_NAMES: Final = frozenset(type_.split(".")[-2] for type_ in FACTS)
OWN_STAGE: Final = "stage_recorded"
_T = TypeVar("_T")


class _Valid(Protocol):
    @property
    def valid_from(self) -> dt.date: ...
    @property
    def valid_until(self) -> dt.date | None: ...


def faults_of_service(entry: Entry[Service]) -> Iterator[Fault]:
    """Faults of one service definition."""
    service = entry.value
    yield from _file_name(entry, service.code)
    yield from faults_of_words(entry, placeholders=False)
    yield from _repeated("requirements", service.requirements, lambda requirement: requirement.code)
    yield from _repeated("stages", service.stages, lambda stage: stage.code)
    yield from _repeated("stages", service.stages, lambda stage: stage.reached_by)
    yield from _repeated("deadlines", service.deadlines, lambda rule: (rule.code, rule.version))
    for position, requirement in enumerate(service.requirements):
        if not requirement.mandatory and requirement.help is None:
            yield Fault(("requirements", position), "is not mandatory; say in `help` in which case it is needed")
    if not service.stages:
        yield Fault(("stages",), "is empty; declare the stages that an application goes through")
    for position, stage in enumerate(service.stages):
        yield from _fact(("stages", position, "reached_by"), stage.reached_by)
    yield from faults_of_questions(service)
    yield from _fees(service.fees)
    yield from _deadlines(service.deadlines)


def faults_of_office(entry: Entry[Office]) -> Iterator[Fault]:
    """Faults of one office."""
    office = entry.value
    yield from _file_name(entry, office.code)
    yield from faults_of_words(entry, placeholders=False)
    try:
        ZoneInfo(office.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        yield Fault(("time_zone",), f"`{office.time_zone}` is no time zone; use one such as `Asia/Jakarta`")
    yield from _calendar(("holidays",), office.holidays)
    if not re.fullmatch(r"//[a-z0-9.-]+(/[a-z0-9.-]+)*", office.source):
        yield Fault(("source",), "is written `//` and a host name in lower case, without a slash at the end")
    if office.visiting is not None:
        yield from faults_of_visiting(office.visiting)


def faults_of_words(entry: Entry[Any], *, placeholders: bool) -> Iterator[Fault]:
    """Placeholders are allowed in reasons only, and are then the same in both languages."""
    for place, words in bilingual(entry.raw):
        names = {language: set(PLACEHOLDER.findall(text)) for language, text in words.items()}
        for language, text in words.items():
            rest = PLACEHOLDER.sub("", text)
            if not placeholders and names[language]:
                yield Fault((*place, language), "has a placeholder, but only the words of reasons are filled in")
            if "{" in rest or "}" in rest:
                yield Fault((*place, language), "has a brace that is no placeholder such as `{name}`")
        if placeholders and names["id"] != names["en"]:
            odd = ", ".join(sorted(f"`{{{name}}}`" for name in names["id"] ^ names["en"]))
            yield Fault(place, f"has {odd} in one language only; use the same placeholders in `id` and `en`")


def faults_between(
    services: Sequence[Entry[Service]],
    offices: Sequence[Entry[Office]],
    reasons: Sequence[Entry[ReasonWords]],
    names: Sequence[Entry[Names]],
) -> Iterator[str]:
    """Faults that only the files together have, each described in full."""
    yield from _taken(services, "code", lambda service: [(("code",), service.code)])
    yield from _taken(offices, "code", lambda office: [(("code",), office.code)])
    yield from _taken(offices, "prefix", lambda office: [(("prefix",), office.prefix)])
    yield from _taken(offices, "source", lambda office: [(("source",), office.source)])
    yield from _taken(reasons, "reason", _reason_codes)
    for section in Names.__struct_fields__:
        yield from _taken(names, "name", partial(_codes_of, section=section))
    known = {entry.value.code for entry in services}
    for entry in offices:
        for position, code in enumerate(entry.value.services):
            if code not in known:
                fault = Fault(("services", position), f"`{code}` is no service; add services/{code}.yaml or remove it")
                yield entry.describe(fault)


def _file_name(entry: Entry[Any], code: str) -> Iterator[Fault]:
    if entry.path.stem != code:
        yield Fault(("code",), f"`{code}` is not the file's name; name the file {code}.yaml")


def _repeated(section: str, items: Sequence[_T], key: Callable[[_T], Hashable]) -> Iterator[Fault]:
    counts = Counter(key(item) for item in items)
    for position, item in enumerate(items):
        if counts[key(item)] > 1:
            words = key(item)
            shown = words if isinstance(words, str) else " version ".join(map(str, words))  # type: ignore[call-overload]
            yield Fault((section, position), f"`{shown}` stands here {counts[words]} times; it must be there once")


def _fact(place: Place, name: str) -> Iterator[Fault]:
    fact, _, stage = name.partition(":")
    if fact not in FACT_NAMES:
        yield Fault(place, f"`{fact}` is no fact; the facts are {', '.join(sorted(FACT_NAMES))}")
    elif (fact == OWN_STAGE) is not bool(stage):
        yield Fault(place, f"`{name}`: a stage is named after `{OWN_STAGE}:`, and only there")


def _fees(fees: Sequence[Fee]) -> Iterator[Fault]:
    yield from _validity("fees", fees, lambda fee: fee.code)
    for position, fee in enumerate(fees):
        place: Place = ("fees", position)
        if not fee.legal_basis.strip():
            yield Fault((*place, "legal_basis"), "is empty; name the regulation that sets the fee")
        if fee.charged == "when_applicable" and fee.condition is None:
            yield Fault(place, "is charged when applicable; say in `condition` when that is")
        if fee.currency != fees[0].currency:
            yield Fault((*place, "currency"), "differs from the first fee's; the fees of a service are added up")
        fellows = [other for other in fees if other.group == fee.group]
        if fee.group and len({other.code for other in fellows}) == 1:
            yield Fault((*place, "group"), f"`{fee.group}` has no other fee; alternatives are at least two")
        if fee.group and len({other.charged for other in fellows}) > 1:
            yield Fault((*place, "charged"), f"differs within the group `{fee.group}`; alternatives agree in it")
        if any(other.code == fee.code and other.group != fee.group for other in fees):
            yield Fault((*place, "group"), f"differs between the versions of `{fee.code}`")


def _deadlines(rules: Sequence[DeadlineRule]) -> Iterator[Fault]:
    yield from _validity("deadlines", rules, lambda rule: rule.code)
    for position, rule in enumerate(rules):
        place: Place = ("deadlines", position)
        yield from _fact((*place, "start"), rule.start)
        yield from _fact((*place, "end"), rule.end)
        if not rule.legal_basis.strip():
            yield Fault((*place, "legal_basis"), "is empty; name the regulation or standard that sets the time limit")
        if rule.start == rule.end:
            yield Fault((*place, "end"), "is also the start; the clock could never run")
        for pause in {rule.start, rule.end}.intersection(rule.paused_by):
            yield Fault((*place, "paused_by"), f"`{pause}` starts or ends this clock, so it cannot pause it")
        if rule.holidays is not None:
            yield from _calendar((*place, "holidays"), rule.holidays)


def _calendar(place: Place, country: str) -> Iterator[Fault]:
    try:
        calendar_of(country)
    except NoCalendar as error:
        yield Fault(place, str(error))


def _validity(section: str, items: Sequence[Any], code: Callable[[Any], str]) -> Iterator[Fault]:
    """Ranges run forward, and two of the same code have no day in common (both ends belong to the range)."""
    for position, item in enumerate(items):
        if item.valid_until is not None and item.valid_until < item.valid_from:
            yield Fault((section, position, "valid_until"), f"is before valid_from ({item.valid_from})")
    for (_, earlier), (position, later) in combinations(enumerate(items), 2):
        if code(earlier) == code(later) and _overlap(earlier, later):
            yield Fault(
                (section, position, "valid_from"),
                f"`{code(later)}` is valid twice on the same day; end the earlier one with `valid_until`",
            )


def _overlap(one: _Valid, other: _Valid) -> bool:
    return one.valid_from <= (other.valid_until or dt.date.max) and other.valid_from <= (one.valid_until or dt.date.max)


def _taken(entries: Iterable[Entry[_T]], what: str, keys: Callable[[_T], Iterable[tuple[Place, str]]]) -> Iterator[str]:
    """A key that another file already has."""
    first: dict[str, Entry[_T]] = {}
    for entry in entries:
        for place, key in keys(entry.value):
            if key in first:
                also = "this file" if first[key] is entry else str(first[key].path)
                yield entry.describe(Fault(place, f"the {what} `{key}` is already taken in {also}; choose another"))
            first.setdefault(key, entry)


def _reason_codes(words: ReasonWords) -> Iterator[tuple[Place, str]]:
    for use in ReasonWords.__struct_fields__:
        yield from _codes_of(words, section=use)


def _codes_of(file: ReasonWords | Names, *, section: str) -> Iterator[tuple[Place, str]]:
    for code in getattr(file, section):
        yield (section, code), code
