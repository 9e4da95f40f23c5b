"""When an office is open: arithmetic over weekdays, other hours of one day, holidays and leave. Pure."""

import datetime as dt
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from contracts.calendar import Calendar
from contracts.catalogue.visiting import Visiting, Week
from contracts.facts import Labels

HORIZON_DAYS: Final = 60
"""How far ahead the next opening is looked for."""


class Opening(NamedTuple):
    """One stretch of opening hours; `closes` does not belong to it."""

    opens: dt.datetime
    closes: dt.datetime


class Day(NamedTuple):
    """One day of an office: its hours in order (none: closed), and why they are not the weekday's."""

    date: dt.date
    openings: list[Opening]
    because: Labels | None


class Now(NamedTuple):
    """Whether it is open at an instant, and what comes next.

    `until`: when the current opening ends. `next`: the next one that begins after the instant, within `HORIZON_DAYS`.
    """

    today: Day
    until: dt.datetime | None
    next: Opening | None

    @property
    def is_open(self) -> bool:
        """Someone can walk in."""
        return self.until is not None


def minutes(span: str) -> tuple[int, int]:
    """`08:00-12:00` as minutes after midnight."""
    opens, closes = (int(time[:2]) * 60 + int(time[3:]) for time in span.split("-"))
    return opens, closes


def hours_of(week: Week, weekday: int) -> list[str]:
    """The spans of a weekday, Monday is 0."""
    spans: list[str] = getattr(week, Week.__struct_fields__[weekday])
    return spans


def day_of(visiting: Visiting, date: dt.date, zone: ZoneInfo, calendar: Calendar) -> Day:
    """What holds on `date`: the office's own word for that day, else a holiday or leave (closed), else the weekday."""
    for other in visiting.exceptions:
        if other.date == date:
            return Day(date, _openings(other.hours, date, zone), other.labels)
    if off := calendar.day_off(date):
        return Day(date, [], off.labels)
    return Day(date, _openings(hours_of(visiting.hours, date.weekday()), date, zone), None)


def now_of(visiting: Visiting, at: dt.datetime, zone: ZoneInfo, calendar: Calendar) -> Now:
    """What holds at the instant `at`. An opening that ends at midnight goes on where the next day opens at midnight."""
    date = at.astimezone(zone).date()
    days = [day_of(visiting, date + dt.timedelta(ahead), zone, calendar) for ahead in range(HORIZON_DAYS)]
    openings = _joined([opening for day in days for opening in day.openings])
    until = next((one.closes for one in openings if one.opens <= at < one.closes), None)
    return Now(days[0], until, next((one for one in openings if one.opens > at), None))


def _openings(spans: list[str], date: dt.date, zone: ZoneInfo) -> list[Opening]:
    midnight = dt.datetime(date.year, date.month, date.day)  # noqa: DTZ001 - wall-clock time, zoned below
    return [
        Opening(*((midnight + dt.timedelta(minutes=minute)).replace(tzinfo=zone) for minute in minutes(span)))
        for span in spans
    ]


def _joined(openings: list[Opening]) -> list[Opening]:
    joined: list[Opening] = []
    for opening in openings:
        if joined and joined[-1].closes == opening.opens:
            joined[-1] = Opening(joined[-1].opens, opening.closes)
        else:
            joined.append(opening)
    return joined
