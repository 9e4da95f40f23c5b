"""What a board is narrowed to, from its address: which office and service, and which periods."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, Literal, cast
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.portal.boards.views import Says

Unit = Literal["month", "quarter", "year"]
UNITS: Final[Mapping[str, Unit]] = {"bulan": "month", "triwulan": "quarter", "tahun": "year"}
"""As they stand in addresses."""
_MONTHS_SHOWN: Final = 12
_YEARS: Final = (1950, 2200)
"""Those that statistics know."""
_CODE_CHARS: Final = 200


class Chosen(Struct, frozen=True, kw_only=True):
    """What is asked for. `begin` and `end` are the first days of months; `end` is the last month shown."""

    service: str = ""
    office: str = ""
    unit: Unit = "month"
    begin: date
    end: date

    @property
    def common(self) -> dict[str, str]:
        """The part that narrows every search."""
        return {name: value for name, value in (("service", self.service), ("office", self.office)) if value}

    @property
    def statistics(self) -> dict[str, str]:
        """Parameters of the statistics."""
        return {"period": self.unit, "from": self.begin.isoformat(), "to": _month_after(self.end).isoformat()} | (
            {"office": self.office} if self.office else {}
        )


def read(query: Mapping[str, str], today: date, visit: Says, own_office: str = "") -> tuple[Chosen, dict[str, str]]:
    """What the query asks for, and what in it makes no sense (by the name of the field); that is left out.

    `own_office`: what is shown where the query names no office.
    """
    errors: dict[str, str] = {}
    this_month = today.replace(day=1)
    begin = _month("dari", query, errors, visit) or _months_before(this_month, _MONTHS_SHOWN - 1)
    end = _month("sampai", query, errors, visit) or max(this_month, begin)
    if begin > end and not errors:
        errors["sampai"] = visit._("Bulan terakhir lebih awal daripada bulan pertama: tukarkan keduanya.")
        begin, end = end, begin
    unit = UNITS.get(query.get("satuan", "bulan"))
    if unit is None:
        errors["satuan"] = visit._("Pilih bulan, triwulan, atau tahun.")
    codes = {
        name: text[:_CODE_CHARS].replace("\0", "")
        for name, text in (("layanan", query.get("layanan", "")), ("kantor", query.get("kantor", own_office)))
    }
    chosen = Chosen(service=codes["layanan"], office=codes["kantor"], unit=unit or "month", begin=begin, end=end)
    return chosen, errors


def _month(name: str, query: Mapping[str, str], errors: dict[str, str], visit: Says) -> date | None:
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        month = date.min
    if _YEARS[0] <= month.year < _YEARS[1]:
        return month
    errors[name] = visit._("Tulis bulan sebagai tahun dan bulan, misalnya 2026-03.")
    return None


def _months_before(month: date, count: int) -> date:
    number = month.year * 12 + month.month - 1 - count
    return date(number // 12, number % 12 + 1, 1)


def _month_after(month: date) -> date:
    return _months_before(month, -1)


def period_ends(period: str, zone: ZoneInfo, until: datetime) -> tuple[datetime, datetime]:
    """When a month (`2026-03`), quarter (`2026-Q1`) or year (`2026`) of statistics begins and ends; not after `until`."""
    year, _, part = period.partition("-")
    if part.startswith("Q"):
        first, months = date(int(year), int(part[1:]) * 3 - 2, 1), 3
    else:
        first, months = date(int(year), int(part or 1), 1), 1 if part else 12
    last = _months_before(first, -months)
    begin, end = (datetime(day.year, day.month, 1, tzinfo=zone) for day in (first, last))
    return begin, min(end, until.astimezone(zone))


def period_name(period: str, visit: Says) -> str:
    """`Mar 2026`, `triwulan I 2026`, `2026`."""
    year, _, part = period.partition("-")
    if not part:
        return year
    if part.startswith("Q"):
        return visit._("triwulan %(number)s %(year)s", number=part[1:], year=year)
    months = visit.speech.locale.months["stand-alone"]["abbreviated"]
    return f"{cast(str, months[int(part)])} {year}"
