"""Times, sums and lengths in the reader's words: Indonesian and English."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from contracts.catalogue import Text
from contracts.facts import Labels
from services.notify.domain import Language

_DAYS: Final[dict[Language, tuple[str, ...]]] = {
    "id": ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS: Final[dict[Language, tuple[str, ...]]] = {
    "id": (
        "Januari", "Februari", "Maret", "April", "Mei", "Juni",
        "Juli", "Agustus", "September", "Oktober", "November", "Desember",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip
_UNITS: Final[dict[str, Labels]] = {
    "working_days": Labels(id="hari kerja", en="working days"),
    "calendar_days": Labels(id="hari kalender", en="calendar days"),
}


def pick(words: Labels | Text, language: Language) -> str:
    """The words in `language`."""
    return words.id if language == "id" else words.en


def in_days(day: date, language: Language) -> str:
    """*Jumat, 6 Maret 2026* / *Friday, 6 March 2026*."""
    weekday, month = _DAYS[language][day.weekday()], _MONTHS[language][day.month - 1]
    return f"{weekday}, {day.day} {month} {day.year}"


def moment(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """An instant in local time, the zone named: *Jumat, 6 Maret 2026 pukul 14.00 WIB*."""
    local = at.astimezone(zone)
    day = in_days(local.date(), language)
    if language == "id":
        return f"{day} pukul {local:%H.%M} {local.tzname()}"
    return f"{day}, {local:%H:%M} {local.tzname()}"


def limit(at: datetime, zone: ZoneInfo, language: Language) -> str:
    """An instant as a time limit: where it is the end of a day (24:00 local), the day alone says it better."""
    local = at.astimezone(zone)
    if (local.hour, local.minute, local.second) == (0, 0, 0):
        return in_days(local.date() - timedelta(days=1), language)
    return moment(at, zone, language)


def sum_of_money(amount: int, currency: str, language: Language) -> str:
    """*Rp650.000* / *IDR 650,000*."""
    grouped = f"{amount:,}"
    if language == "en":
        return f"{currency} {grouped}"
    grouped = grouped.replace(",", ".")
    return f"Rp{grouped}" if currency == "IDR" else f"{currency} {grouped}"


def duration(length: timedelta, language: Language) -> str:
    """A length of time in whole hours, from two days on in whole days: *18 jam* / *18 hours*."""
    hours = max(1, round(length / timedelta(hours=1)))
    if hours >= 48:
        return f"{hours // 24} hari" if language == "id" else f"{hours // 24} days"
    if language == "id":
        return f"{hours} jam"
    return "1 hour" if hours == 1 else f"{hours} hours"


def unit(code: str, language: Language) -> str:
    """The unit of a time limit."""
    return pick(_UNITS[code], language)
