"""An office as its page shows it: open or not, the week, days that are different. Pure."""

import datetime as dt
from itertools import groupby
from typing import Final, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from contracts.calendar import calendar_of
from contracts.catalogue import Office, Position, Visiting, Week
from contracts.catalogue.hours import Day, Now, day_of, hours_of, now_of

AHEAD_DAYS: Final = 35
"""How far ahead days are told that are not like others."""


class Weekdays(NamedTuple):
    """Weekdays in a row (Monday is 0) with the same hours."""

    first: int
    last: int
    spans: list[str]


class Open(NamedTuple):
    """An office at an instant."""

    now: Now
    today: dt.date
    next_is_today: bool
    next_is_tomorrow: bool


class OfficeView(NamedTuple):
    """Everything about a visit. `weekday`: today's; `different`: the coming days whose hours are not the weekday's."""

    office: Office
    visiting: Visiting
    open: Open
    week: list[Weekdays]
    weekday: int
    different: list[Day]
    map_link: str


def office_view(office: Office, at: dt.datetime) -> OfficeView | None:
    """The page of an office at the instant `at`; nothing, where the office does not tell about visits."""
    visiting = office.visiting
    if visiting is None:
        return None
    zone, calendar = ZoneInfo(office.time_zone), calendar_of(office.holidays)
    today = at.astimezone(zone).date()
    days = [day_of(visiting, today + dt.timedelta(ahead), zone, calendar) for ahead in range(AHEAD_DAYS)]
    return OfficeView(
        office,
        visiting,
        opening(visiting, office, at),
        grouped(visiting.hours),
        today.weekday(),
        [day for day in days if day.because and (day.openings or hours_of(visiting.hours, day.date.weekday()))],
        map_link(visiting.position) if visiting.position else "",
    )


def opening(visiting: Visiting, office: Office, at: dt.datetime) -> Open:
    """Whether the office is open at the instant `at`, and when it opens next."""
    zone = ZoneInfo(office.time_zone)
    now = now_of(visiting, at, zone, calendar_of(office.holidays))
    today = at.astimezone(zone).date()
    next_day = now.next.opens.date() if now.next else None
    return Open(now, today, next_day == today, next_day == today + dt.timedelta(days=1))


def grouped(week: Week) -> list[Weekdays]:
    """The week with days of equal hours put together."""
    rows = []
    for spans, days in groupby(range(7), key=lambda day: hours_of(week, day)):
        numbers = list(days)
        rows.append(Weekdays(numbers[0], numbers[-1], spans))
    return rows


def map_link(position: Position) -> str:
    """Where OpenStreetMap shows the place."""
    place = {"mlat": f"{position.latitude:.5f}", "mlon": f"{position.longitude:.5f}"}
    return f"https://www.openstreetmap.org/?{urlencode(place)}#map=16/{position.latitude:.5f}/{position.longitude:.5f}"
