"""The arithmetic of legal clocks: pure, without a clock of its own, in microseconds since 1970 and ordinals of days.

A day is a day of the office's zone. The day of the start is day 0; a day counts when the clock ran at its end (24:00
local) and, for working days, it is one; the deadline is the end of the last counted day. Hours are running time. While
a clock is paused it has no deadline. Nothing here goes day by day: a pause takes a few steps, however long it lasts.
"""

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo

Unit = Literal["working_days", "calendar_days", "hours"]
Span = tuple[int, int | None]
"""From an instant until before another; `None` while it lasts."""

SECOND_US: Final = 1_000_000
HOUR_US: Final = 3_600 * SECOND_US
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY_US: Final = 24 * HOUR_US
_EPOCH_DAY: Final = _EPOCH.toordinal()
_LAST_DAY: Final = dt.date.max.toordinal()
_FIRST_US: Final = (dt.datetime.min.replace(tzinfo=dt.UTC) - _EPOCH) // dt.timedelta(microseconds=1)
_LAST_US: Final = (dt.datetime.max.replace(tzinfo=dt.UTC) - _EPOCH) // dt.timedelta(microseconds=1)


class Counting(Protocol):
    """Which days count. Counted days are numbered in order; `number(day)` is that of the last one up to `day`."""

    def number(self, day: int) -> int:
        """How many days count up to and with the day of this ordinal."""
        ...

    def day(self, number: int) -> int:
        """The ordinal of the counted day of this number."""
        ...


class CalendarDays:
    """Every day counts."""

    def number(self, day: int) -> int:
        """The day itself."""
        return day

    def day(self, number: int) -> int:
        """The day itself."""
        return number


class WorkingDays:
    """Monday to Friday without the days off count; both questions cost O(log of the days off)."""

    def __init__(self, days_off: Iterable[int]) -> None:
        """`days_off`: ordinals of holidays and leave; those on a weekend change nothing."""
        self._off = sorted({day for day in days_off if day % 7 not in _WEEKEND})
        self._before = [_weekdays(day) - place - 1 for place, day in enumerate(self._off)]
        """How many days count before each day off."""

    def number(self, day: int) -> int:
        """How many working days there are from the year 1 up to and with `day`."""
        return _weekdays(day) - bisect_right(self._off, day)

    def day(self, number: int) -> int:
        """The working day of this number."""
        return _weekday(number + bisect_left(self._before, number))


_WEEKEND: Final = (6, 0)
"""Ordinals modulo 7 of Saturday and Sunday: ordinal 1 is a Monday."""


def _weekdays(day: int) -> int:
    """How many Mondays to Fridays there are up to and with `day`."""
    weeks, rest = divmod(day, 7)
    return weeks * 5 + min(rest, 5)


def _weekday(number: int) -> int:
    """The day that is the Monday to Friday of this number."""
    weeks, rest = divmod(number - 1, 5)
    return weeks * 7 + rest + 1


class LocalDays:
    """The days of a zone. At the ends of the calendar, which an offset may leave, its last days stand in."""

    def __init__(self, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self._ends: dict[int, int] = {}

    def of(self, us: int) -> int:
        """The ordinal of the local day of an instant."""
        day = us // _DAY_US + _EPOCH_DAY  # in UTC; of no zone is it further off than a day
        if us >= (self._ends.get(day) or self.end(day)):
            return day + 1 if day < _LAST_DAY else day
        return day - 1 if us < (self._ends.get(day - 1) or self.end(day - 1)) else day

    def end(self, day: int) -> int:
        """The instant at which a day ends, 24:00 local."""
        end = self._ends.get(day)
        if end is None:
            end = self._ends[day] = self._find_end(day)
        return end

    def _find_end(self, day: int) -> int:
        if day >= _LAST_DAY or day < 1:
            return _LAST_US if day > 0 else _FIRST_US
        midnight = dt.datetime.fromordinal(day + 1).replace(tzinfo=self.zone)
        return (midnight - _EPOCH) // dt.timedelta(microseconds=1)


class Reckoning(NamedTuple):
    """What became of a clock: its deadline, or, while it is paused, what is left of its length."""

    deadline: int | None
    remaining: int = 0
    """Days, or microseconds of running time."""


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time, in order and without overlap; empty spans are gone."""
    found: list[Span] = []
    for since, until in sorted(spans, key=_since):
        if until is not None and until <= since:
            continue
        last = found[-1] if found else None
        if last is None or (last[1] is not None and last[1] < since):
            found.append((since, until))
        elif last[1] is not None and (until is None or until > last[1]):
            found[-1] = (last[0], until)
    return found


def _since(span: Span) -> int:
    return span[0]


def reckon_days(start: int, length: int, pauses: Sequence[Span], days: LocalDays, counting: Counting) -> Reckoning:
    """The deadline of so many counted days after the day of `start`. `pauses` as `merged` gives them.

    A pause keeps the days from counting at whose end it lasts: from that of the instant before its beginning to the
    one before that of the instant before its end.
    """
    day_0 = days.of(start)
    if not length:
        return Reckoning(days.end(day_0))
    number = counting.number(day_0) + length
    day = counting.day(number)
    for since, until in pauses:
        first = max(days.of(since - 1), day_0 + 1)
        if day < first:
            break
        if until is None:
            return Reckoning(None, number - counting.number(first - 1))
        after = days.of(until - 1)
        if after > first:
            number += counting.number(after - 1) - counting.number(first - 1)
            day = counting.day(number)
    return Reckoning(days.end(day))


def reckon_hours(start: int, length: int, pauses: Sequence[Span]) -> Reckoning:
    """The deadline of so many hours of running time after `start`, to the microsecond. `pauses` as `merged` gives them."""
    end = start + length * HOUR_US
    for since, until in pauses:
        if since >= end:
            break
        if until is None:
            return Reckoning(None, end - max(since, start))
        if until > start:
            end += until - max(since, start)
    return Reckoning(min(end, _LAST_US))
