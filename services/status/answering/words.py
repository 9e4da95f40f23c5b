"""Finds and fills the words of `words.yaml`, and says times, sums and codes in both languages."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from pathlib import Path
from string import Formatter
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from contracts.catalogue import Catalogue, Language, body_labels, reason_words
from contracts.facts import Labels
from contracts.facts import Reason as FactReason
from contracts.facts import Remedy as FactRemedy
from services.status.folding.reading import Reason, Remedy

LANGUAGES: Final[tuple[Language, Language]] = ("id", "en")
_DAYS: Final = {
    "id": ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS: Final = {
    "id": (
        "Januari", "Februari", "Maret", "April", "Mei", "Juni",
        "Juli", "Agustus", "September", "Oktober", "November", "Desember",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Text(Struct, frozen=True):
    """The same words in Indonesian and English."""

    id: str
    en: str

    def fill(self, **values: "Text | str") -> "Text":
        """A sentence with `{name}` replaced by its value, in each language by the value's own words."""
        return Text(_tidy(_filled(self.id, "id", values)), _tidy(_filled(self.en, "en", values)))

    def fill_in_place(self, **values: "Text | str") -> "Text":
        """As `fill`, for a piece of a sentence: its leading space is kept."""
        return Text(_filled(self.id, "id", values), _filled(self.en, "en", values))


class Templates(Struct, frozen=True, forbid_unknown_fields=True):
    """`words.yaml`."""

    situations: dict[str, dict[str, Text]]
    waiting: dict[str, Text]
    waited: dict[str, dict[str, Text]]
    next: dict[str, Text]
    facts: dict[str, dict[str, Text]]
    deviations: dict[str, Text]
    past: dict[str, Text]
    corrections: dict[str, Text]
    differences: dict[str, Text]
    parties: dict[str, Text]
    roles: dict[str, Text]
    terms: dict[str, Text]
    expected: dict[str, Text]
    clocks: dict[str, Text]
    place: dict[str, Text]
    fee: dict[str, Text]


@cache
def templates() -> Templates:
    """The words, read once."""
    return msgspec.yaml.decode(Path(__file__).with_name("words.yaml").read_bytes(), type=Templates)


def _filled(template: str, language: Language, values: Mapping[str, Text | str]) -> str:
    """`template` with what it names put in; most of what a sentence may be filled with is not in it."""
    filling = {}
    for name in _names(template):
        value = values[name]
        filling[name] = value if isinstance(value, str) else getattr(value, language)
    return template.format(**filling)


@lru_cache(maxsize=4_096)
def _names(template: str) -> tuple[str, ...]:
    return tuple(name for _, name, _, _ in Formatter().parse(template) if name is not None)


def _tidy(sentence: str) -> str:
    """Without the gaps that empty values leave."""
    return " ".join(sentence.split()).replace(" .", ".")


def text_of(labels: Labels | None, otherwise: str) -> Text:
    """Labels of the catalogue; where it has none, a term of ours (never a bare code)."""
    return Text(labels.id, labels.en) if labels else templates().terms[otherwise]


def joined(texts: list[Text]) -> Text:
    """Several words as a list in a sentence."""
    return Text("; ".join(text.id for text in texts), "; ".join(text.en for text in texts))


def day(us: int, zone: ZoneInfo) -> Text:
    """A day at the office: *Jumat, 6 Maret 2026* / *Friday, 6 March 2026*."""
    return _day(_local(us, zone).date())


def instant(us: int, zone: ZoneInfo) -> Text:
    """A moment of the office's day: *Jumat, 6 Maret 2026 pukul 14.00 WIB* / *Friday, 6 March 2026, 14:00 WIB*."""
    local = _local(us, zone)
    said, hour, minute, name = _day(local.date()), local.hour, local.minute, local.tzname()
    return Text(f"{said.id} pukul {hour:02d}.{minute:02d} {name}", f"{said.en}, {hour:02d}:{minute:02d} {name}")


def _local(us: int, zone: ZoneInfo) -> datetime:
    return (_EPOCH + timedelta(microseconds=us)).astimezone(zone)


@lru_cache(maxsize=4_096)
def _day(local: date) -> Text:
    said = {
        language: f"{_DAYS[language][local.weekday()]}, {local.day} {_MONTHS[language][local.month - 1]} {local.year}"
        for language in LANGUAGES
    }
    return Text(said["id"], said["en"])


def limit(us: int, zone: ZoneInfo) -> Text:
    """A moment as a time limit: where it is the end of a day (24:00 local), the day alone says it better."""
    local = _local(us, zone)
    return day(us - 1, zone) if local.time() == time.min else instant(us, zone)


def money(amount: int, currency: str) -> Text:
    """A sum: *Rp650.000* / *IDR 650,000*."""
    grouped = f"{amount:,}"
    dotted = grouped.replace(",", ".")
    return Text(f"Rp{dotted}" if currency == "IDR" else f"{currency} {dotted}", f"{currency} {grouped}")


def count(number: int) -> Text:
    """A number of things: *1.250* / *1,250*."""
    grouped = f"{number:,}"
    return Text(grouped.replace(",", "."), grouped)


def duration(us: int) -> Text:
    """A length of time: minutes below one hour, hours below two days, then days, with the hours up to ten days."""
    minutes = us // 60_000_000
    if not minutes:
        return Text("kurang dari semenit", "less than a minute")
    if minutes < 60:
        return _counted(minutes, "menit", "minute")
    hours = round(us / 3_600_000_000)
    if hours < 48:
        return _counted(hours, "jam", "hour")
    days, rest = divmod(hours, 24)
    if not rest or days >= 10:
        return _counted(round(hours / 24), "hari", "day")
    of_days, of_hours = _counted(days, "hari", "day"), _counted(rest, "jam", "hour")
    return Text(f"{of_days.id} {of_hours.id}", f"{of_days.en} {of_hours.en}")


def _counted(count: int, of_id: str, of_en: str) -> Text:
    return Text(f"{count} {of_id}", f"{count} {of_en}{'' if count == 1 else 's'}")


def length(us: int) -> Text:
    """A length of time to the minute: *1 hari 4 jam 5 menit* / *1 day 4 hours 5 minutes*; less than one: *0 minutes*."""
    minutes = us // 60_000_000
    parts = [(minutes // 1_440, "hari", "day"), (minutes // 60 % 24, "jam", "hour"), (minutes % 60, "menit", "minute")]
    told = [part for part in parts if part[0]] or parts[-1:]
    return Text(
        " ".join(f"{count} {name}" for count, name, _ in told),
        " ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, _, name in told),
    )


def reasons(catalogue: Catalogue, given: Iterable[Reason | FactReason]) -> Text:
    """Reasons as sentences."""
    as_facts = [FactReason(code=reason.code, parameters=reason.parameters) for reason in given]
    return Text(
        " ".join(reason_words(catalogue, reason, "id") for reason in as_facts),
        " ".join(reason_words(catalogue, reason, "en") for reason in as_facts),
    )


def remedy(catalogue: Catalogue, given: Remedy | FactRemedy | None) -> Text:
    """What can be done against a decision; empty where nothing was said."""
    if given is None:
        return Text("", "")
    terms = templates().terms
    named = text_of(catalogue.names.remedies.get(given.code), "product")
    if given.within_days is None:
        return terms["remedy_open"].fill(remedy=named, basis=given.legal_basis)
    within = terms[given.unit].fill(count=str(given.within_days))
    return terms["remedy"].fill(remedy=named, within=within, basis=given.legal_basis)


def body(catalogue: Catalogue, code: str | None) -> Text:
    """The office or agency of this code."""
    return text_of(body_labels(catalogue, code) if code else None, "body")


def deviation(code: str, stages: Mapping[str, Labels]) -> Text:
    """A deviation in words; `stages` are the labels of the service's stages."""
    kind, _, stage = code.partition(":")
    words = templates().deviations[kind]
    labels = stages.get(stage)
    return words.fill(stage=Text(labels.id, labels.en) if labels else _fact_title(stage))


def _fact_title(fact: str) -> Text:
    """What a fact is called, for stages that the service does not declare."""
    words = templates().facts.get(fact)
    return (
        words["title"]
        if words
        else Text(fact.rpartition(":")[2].replace("_", " "), fact.rpartition(":")[2].replace("_", " "))
    )
