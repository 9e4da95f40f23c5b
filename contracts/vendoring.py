"""Makes the files of `contracts/calendars` from the `holidays` library: at development time, never at run time.

A file that is there is not written again, unless its year is named with `--renew`: deadlines of the past were reckoned
by it. What the library says otherwise today is reported, for people to judge.
"""

import argparse
import datetime as dt
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

import holidays
import msgspec
import yaml

from contracts.calendar import FOLDER, Calendar, DayOff, Leave, Year, read_year

_ESTIMATED: Final = {"id": " (perkiraan)", "en": " (estimated)"}
_HEAD: Final = "# Made by `make calendars`. A year that has passed stays as it is: deadlines were reckoned by it.\n"


def year_of(country: str, year: int) -> Year:
    """What the library knows of one year. Raises `ValueError` for a country whose weekend is another one."""
    known = holidays.country_holidays(country, years=[year])
    if known.weekend != {5, 6}:
        raise ValueError(f"the weekend of {country} is not Saturday and Sunday; the clocks know no other")
    days = {day.date: day for day in _days(country, year, "government", "collective_leave")}
    days |= {day.date: day for day in _days(country, year, "public", "holiday")}  # a holiday is one before it is leave
    return Year(
        country=country,
        year=year,
        source=f"holidays {version('holidays')}",
        collective_leave=_leave(country, year),
        days=[days[date] for date in sorted(days)],
    )


def _leave(country: str, year: int) -> Leave:
    if "government" not in holidays.country_holidays(country).supported_categories:
        return "unknown_here"
    later = range(year, year + 10)
    decreed = any(holidays.country_holidays(country, years=[one], categories=("government",)) for one in later)
    return "decreed" if decreed else "undecided"


def _days(country: str, year: int, category: str, kind: str) -> Iterator[DayOff]:
    supported = holidays.country_holidays(country)
    if category not in supported.supported_categories:
        return
    languages = supported.supported_languages or ()
    own = "id" if "id" in languages else supported.default_language
    english = "en_US" if "en_US" in languages else own
    named = {
        language: dict(holidays.country_holidays(country, years=[year], categories=(category,), language=code))
        for language, code in (("id", own), ("en", english))
    }
    for date in sorted(named["id"]):
        texts = {language: named[language][date] for language in named}
        yield DayOff(
            date=date,
            kind="collective_leave" if kind == "collective_leave" else "holiday",
            id=texts["id"].replace(_ESTIMATED["id"], ""),
            en=texts["en"].replace(_ESTIMATED["en"], ""),
            estimated=any(_ESTIMATED[language] in text for language, text in texts.items()),
        )


def written(year: Year) -> str:
    """The text of a year's file: a line a day."""
    lines = [_HEAD.rstrip("\n")]
    lines += [f"{field}: {getattr(year, field)}" for field in ("country", "year", "source", "collective_leave")]
    lines.append("days:" if year.days else "days: []")
    for day in year.days:
        fields = {key: value for key, value in msgspec.to_builtins(day).items() if key != "date"}
        line = yaml.safe_dump(fields, default_flow_style=True, sort_keys=False, allow_unicode=True, width=1_000)
        lines.append(f"  - {{date: {day.date}, {line.strip()[1:]}")
    return "\n".join(lines) + "\n"


def drift(vendored: Year, found: Year) -> list[str]:
    """What the library says today and the file does not, and the other way round; one line each."""
    lines = []
    if vendored.collective_leave != found.collective_leave:
        lines.append(f"{found.year}: collective leave is {found.collective_leave}, was {vendored.collective_leave}")
    here, there = (Calendar(year.country, [year]) for year in (vendored, found))
    for date in sorted({day.date for day in (*vendored.days, *found.days)}):
        before, now = here.day_off(date), there.day_off(date)
        if before != now:
            lines.append(f"{date}: {_name(now)} now, {_name(before)} in the file")
    return lines


def _name(day: DayOff | None) -> str:
    return f"{day.en} ({day.kind}{', estimated' if day.estimated else ''})" if day else "no day off"


def vendor(country: str, years: range, renew: frozenset[int], *, check: bool, folder: Path = FOLDER) -> Iterator[str]:
    """Write the files that are missing or to be renewed (none with `check`); yields what there is to say, by line."""
    for year in years:
        path = folder / country / f"{year}.yaml"
        found = year_of(country, year)
        if path.exists() and year not in renew:
            yield from (f"drift: {country} {line}" for line in drift(read_year(path), found))
        elif check:
            yield f"missing: {country} {year}"
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(written(found), encoding="utf-8")
            yield f"written: {country} {year}, {len(found.days)} days off, collective leave {found.collective_leave}"


def _years(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def main() -> None:
    """The command line. Exit code 0 also when there is drift: the vendored past wins."""
    parser = argparse.ArgumentParser(
        prog="python -m contracts.calendar", description="Vendor the calendar of a country."
    )
    parser.add_argument("--country", required=True, help="ISO 3166, e.g. ID")
    parser.add_argument("--years", required=True, type=_years, help="2000-2035, or one year")
    parser.add_argument("--renew", default=range(0), type=_years, help="years whose files are to be written anew")
    parser.add_argument("--check", action="store_true", help="write nothing, report what is different")
    given = parser.parse_args()
    if past := [year for year in given.renew if year < dt.datetime.now(dt.UTC).year]:
        print(f"renewing {past[0]}: deadlines were reckoned by what stands there", file=sys.stderr)  # noqa: T201
    try:
        for line in vendor(given.country, given.years, frozenset(given.renew), check=given.check):
            print(line)  # noqa: T201
    except (ValueError, NotImplementedError) as error:
        parser.error(str(error))
