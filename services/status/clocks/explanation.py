"""Why a clock stands where it stands: each day from day 0 to the deadline, counted or why not; hours by their stretches.

Pure. What is said of a past day depends on the vendored calendars (`contracts.calendar`), never on a library's release.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Final, Literal

from msgspec import Struct

from contracts.calendar import Calendar, DayOff
from contracts.clock import LocalDays
from services.status.clocks.legal import Clock
from services.status.clocks.pauses import Pause

Why = Literal["start", "counted", "weekend", "holiday", "collective_leave", "paused"]
LONGEST_RUN: Final = 62
"""Days of one pause that are listed one by one; of a longer one, which may last years, the first and the last are named."""

_YEARS: Final = 20
"""Of a clock that a pause stretches over more years than that, the later ones are not looked at."""


class Day(Struct, frozen=True):
    """One day of a clock; with `until`, all the days from `date` to it."""

    date: dt.date
    why: Why
    until: dt.date | None = None
    day_off: DayOff | None = None
    """The holiday or leave on that day, also where it is a weekend or the clock was paused."""
    pause: Pause | None = None
    number: int | None = None
    """Which counted day it is, from 1."""


class Stretch(Struct, frozen=True):
    """Time in which a clock of hours ran, or was paused; from `since` to before `until`, `None` while it lasts."""

    since: int
    until: int | None
    pause: Pause | None = None


def explain_days(clock: Clock, days: LocalDays, calendar: Calendar | None) -> Iterator[Day]:
    """The days of a started clock of days, to its deadline; of one that is paused, to the first day that waits.

    `calendar`: whose working days count; none where every day does.
    """
    if clock.started_at is None or clock.rule.unit == "hours":
        return
    day = days.of(clock.started_at)
    yield Day(dt.date.fromordinal(day), "start", day_off=_day_off(calendar, day))
    last = _last_day(clock, days)
    number = 0
    while day < last:
        day += 1
        pause = _pause_at(clock, days.end(day))
        until = _end_of_run(pause, day, last, days)
        if until is not None:
            yield Day(dt.date.fromordinal(day), "paused", until=dt.date.fromordinal(until), pause=pause)
            day = until
            continue
        why = _why(day, pause, calendar)
        number += why == "counted"
        yield Day(
            dt.date.fromordinal(day),
            why,
            day_off=_day_off(calendar, day),
            pause=pause if why == "paused" else None,
            number=number if why == "counted" else None,
        )


def _last_day(clock: Clock, days: LocalDays) -> int:
    if clock.deadline is not None:
        return days.of(clock.deadline - 1)
    if clock.paused is not None and clock.started_at is not None:
        return max(days.of(clock.paused.since - 1), days.of(clock.started_at) + 1)
    return 0


def _why(day: int, pause: Pause | None, calendar: Calendar | None) -> Why:
    """A day that would not have counted anyhow was not lost to a pause."""
    if calendar is not None:
        off = _day_off(calendar, day)
        if off is not None:
            return off.kind
        if not calendar.is_working_day(dt.date.fromordinal(day)):
            return "weekend"
    return "counted" if pause is None else "paused"


def _day_off(calendar: Calendar | None, day: int) -> DayOff | None:
    return calendar.day_off(dt.date.fromordinal(day)) if calendar is not None else None


def _pause_at(clock: Clock, end: int) -> Pause | None:
    """The pause in which the clock was at the end of a day; the one that began first."""
    return next(
        (pause for pause in clock.pauses if pause.since <= end and (pause.until is None or end < pause.until)), None
    )


def _end_of_run(pause: Pause | None, day: int, last: int, days: LocalDays) -> int | None:
    """The last day of a pause that is too long for a line a day."""
    if pause is None or pause.until is None:
        return None
    until = min(days.of(pause.until - 1) - 1, last)
    return until if until - day >= LONGEST_RUN else None


def explain_hours(clock: Clock) -> Iterator[Stretch]:
    """The running and the paused stretches of a started clock of hours, to its deadline or to the pause that lasts."""
    if clock.started_at is None or clock.rule.unit != "hours":
        return
    at = clock.started_at
    for pause in clock.pauses:
        since = max(pause.since, at)
        if clock.deadline is not None and since >= clock.deadline:
            break
        if pause.until is not None and pause.until <= at:
            continue
        if since > at:
            yield Stretch(at, since)
        yield Stretch(since, pause.until, pause)
        if pause.until is None:
            return
        at = pause.until
    if clock.deadline is not None and at < clock.deadline:
        yield Stretch(at, clock.deadline)


def uncertain_years(clock: Clock, days: LocalDays, calendar: Calendar | None) -> dict[int, str]:
    """The years between start and deadline of which the calendar does not know all: `unknown_year`, `undecided_leave`."""
    if calendar is None or clock.started_at is None or clock.rule.unit != "working_days":
        return {}
    first = dt.date.fromordinal(days.of(clock.started_at)).year
    last = dt.date.fromordinal(max(_last_day(clock, days), days.of(clock.started_at))).year
    unsure = {year: calendar.uncertainty(dt.date(year, 1, 1)) for year in range(first, min(last, first + _YEARS) + 1)}
    return {year: why for year, why in unsure.items() if why}
