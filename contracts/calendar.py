"""The calendars of countries: which days are no working days, and what they are called. Vendored data, a file a year.

`contracts/calendars/<country>/<year>.yaml` says for each year what was known when the file was made, so that a later
release of a library does not change the past. Of a year without a file only the weekends are known.

python -m contracts.calendar --country ID --years 2000-2035 [--check]      (or `make calendars`)
"""

import datetime as dt
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from contracts.clock import WorkingDays
from contracts.facts import Labels

FOLDER: Final[Path] = Path(__file__).parent / "calendars"
Country = Annotated[str, Meta(pattern=r"^[A-Z]{2}$", description="ISO 3166 country.")]
Leave = Literal["decreed", "undecided", "unknown_here"]


class DayOff(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A day on which offices are closed; it may also be a Saturday or Sunday."""

    date: dt.date
    kind: Literal["holiday", "collective_leave"]
    id: str
    """What it is called in Indonesian; of a country whose holidays have no Indonesian name, in its own language."""
    en: str
    estimated: bool = False
    """The day follows the moon and was not announced yet when the file was made."""

    @property
    def labels(self) -> Labels:
        """Its name."""
        return Labels(id=self.id, en=self.en)


class Year(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One year of a country."""

    country: Country
    year: int
    source: str
    """The release of the library that it was made from."""
    collective_leave: Leave
    """`decreed`: the year's collective leave is among the days (there may be none); `undecided`: the government had not
    decreed it when the file was made; `unknown_here`: the country has none, or the source does not know it."""
    days: list[DayOff]


class NoCalendar(LookupError):
    """There is no calendar of a country; the message says how to make one."""


class Calendar:
    """The days off of one country, over the years that are known."""

    def __init__(self, country: str, years: Iterable[Year]) -> None:
        self.country = country
        self.years = {year.year: year for year in years}
        self._off = {day.date: day for year in self.years.values() for day in year.days}
        self.working_days = WorkingDays(self.days_off())

    def days_off(self) -> list[int]:
        """The ordinals of all days off, in order."""
        return sorted(day.toordinal() for day in self._off)

    def day_off(self, day: dt.date) -> DayOff | None:
        """The holiday or leave on that day; a plain weekend is none."""
        return self._off.get(day)

    def is_working_day(self, day: dt.date) -> bool:
        """Monday to Friday, no holiday, no collective leave."""
        return day.weekday() < 5 and day not in self._off

    def uncertainty(self, day: dt.date) -> Literal["unknown_year", "undecided_leave", ""]:
        """What the calendar does not know about a day: the whole year, or its collective leave."""
        year = self.years.get(day.year)
        if year is None:
            return "unknown_year"
        return "undecided_leave" if year.collective_leave == "undecided" else ""


def read_year(path: Path) -> Year:
    """The year in one file. Raises `msgspec.DecodeError` for one that is none."""
    return msgspec.yaml.decode(path.read_bytes(), type=Year)


def countries(folder: Path = FOLDER) -> list[str]:
    """The countries that have a calendar."""
    return sorted(path.name for path in folder.iterdir() if any(path.glob("*.yaml")))


@cache
def calendar_of(country: str, folder: Path = FOLDER) -> Calendar:
    """The calendar of a country, read once. Raises `NoCalendar`."""
    files = sorted((folder / country).glob("*.yaml"))
    if not files:
        raise NoCalendar(
            f"no calendar of `{country}`: make one with `python -m contracts.calendar --country {country} "
            "--years 2000-2035`"
        )
    return Calendar(country, [read_year(path) for path in files])


if __name__ == "__main__":
    from contracts.vendoring import main

    main()
