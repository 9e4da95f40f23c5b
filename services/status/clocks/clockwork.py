"""The rules that legal clocks run by, prepared: as data that can be sent to the workers of a rebuild, and ready to run."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec
from msgspec import Struct

from contracts.clock import CalendarDays, Counting, LocalDays, Unit, WorkingDays

if TYPE_CHECKING:  # the workers of a rebuild are given rules, and start faster without the catalogue
    from contracts.catalogue import Catalogue, DeadlineRule

PauseKind = Literal["documents_requested", "paused", "transferred"]
_NO_OFFICE: Final = ("UTC", "")


class Rule(Struct, frozen=True, array_like=True, gc=False):
    """A deadline rule in one version. Days are ordinals."""

    code: str
    version: int
    start: str
    end: str
    length: int
    unit: Unit
    paused_by: tuple[PauseKind, ...]
    restarts: bool
    valid_from: int
    valid_until: int | None
    country: str
    """Whose calendar it counts by; empty: the office's."""

    def holds_on(self, day: int) -> bool:
        """Whether this version is the valid one on `day`."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class ClockRules(Struct, frozen=True):
    """All that clocks need of the catalogue and the calendars."""

    rules: dict[str, tuple[Rule, ...]] = {}
    """By service, in the order of the catalogue."""
    offices: dict[str, tuple[str, str]] = {}
    """By office: its time zone, and the country whose calendar it keeps."""
    days_off: dict[str, tuple[int, ...]] = {}
    """By country."""


def clock_rules(catalogue: Catalogue) -> ClockRules:
    """The rules of `catalogue`, with the calendars that they count by."""
    from contracts.calendar import calendar_of  # noqa: PLC0415 - the workers do without

    offices = {code: (office.time_zone, office.holidays) for code, office in catalogue.offices.items()}
    rules = {
        code: tuple(_rule(rule) for rule in service.deadlines)
        for code, service in catalogue.services.items()
        if service.deadlines
    }
    countries = {country for _, country in offices.values()}
    countries |= {rule.country for some in rules.values() for rule in some if rule.country}
    days_off = {country: tuple(calendar_of(country).days_off()) for country in sorted(countries)}
    return ClockRules(rules, offices, days_off)


def fingerprint(rules: ClockRules) -> str:
    """Eight hexadecimal digits that change whenever a deadline could."""
    return hashlib.sha256(msgspec.json.encode(rules, order="sorted")).hexdigest()[:8]


def _rule(rule: DeadlineRule) -> Rule:
    return Rule(
        code=rule.code,
        version=rule.version,
        start=rule.start,
        end=rule.end,
        length=rule.length,
        unit=rule.unit,
        paused_by=rule.paused_by,
        restarts=rule.restarts,
        valid_from=rule.valid_from.toordinal(),
        valid_until=rule.valid_until.toordinal() if rule.valid_until else None,
        country=rule.holidays or "",
    )


class Ready(NamedTuple):
    """A rule, and what it counts by at one office."""

    rule: Rule
    days: LocalDays
    counting: Counting


class Clockwork:
    """`ClockRules` ready to run: what is costly to make is made when it is first asked for, and kept."""

    def __init__(self, rules: ClockRules) -> None:
        self.rules = rules
        self._days: dict[str, LocalDays] = {}
        self._working: dict[str, WorkingDays] = {}
        self._ready: dict[tuple[str, str], list[list[Ready]]] = {}

    @cached_property
    def versions(self) -> dict[str, dict[str, list[Rule]]]:
        """Service → rule code → its versions, in the order of the catalogue."""
        found: dict[str, dict[str, list[Rule]]] = {}
        for service, rules in self.rules.rules.items():
            for rule in rules:
                found.setdefault(service, {}).setdefault(rule.code, []).append(rule)
        return found

    def ready(self, service: str, office: str) -> list[list[Ready]]:
        """The rules of a service at an office with what they count by: the versions of each rule together."""
        ready = self._ready.get((service, office))
        if ready is None:
            days = self.days(office)
            ready = self._ready[service, office] = [
                [Ready(rule, days, self.counting(rule, office)) for rule in choices]
                for choices in self.versions.get(service, {}).values()
            ]
        return ready

    def days(self, office: str) -> LocalDays:
        """The days of an office; of one that the catalogue does not have, those of UTC."""
        days = self._days.get(office)
        if days is None:
            days = self._days[office] = LocalDays(self.rules.offices.get(office, _NO_OFFICE)[0])
        return days

    def country(self, rule: Rule, office: str) -> str:
        """Whose calendar `rule` counts by at an office; empty where nobody knows: then only weekends are known."""
        return rule.country or self.rules.offices.get(office, _NO_OFFICE)[1]

    def counting(self, rule: Rule, office: str) -> Counting:
        """Which days count."""
        if rule.unit == "calendar_days":
            return _EVERY_DAY
        country = self.country(rule, office)
        working = self._working.get(country)
        if working is None:
            working = self._working[country] = WorkingDays(self.rules.days_off.get(country, ()))
        return working


_EVERY_DAY: Final = CalendarDays()
WITHOUT_DEADLINES: Final = Clockwork(ClockRules())
"""For who folds events and wants no deadlines."""
