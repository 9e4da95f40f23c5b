"""What the track page says beyond the status's own sentences: the law's clock, experience, the ledger as a bar. Pure."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final, Literal

from msgspec import Struct

from services.portal.tracking.answers import (
    Clock,
    Coverage,
    Day,
    Deadline,
    Expected,
    Explained,
    Fee,
    Party,
    Status,
    Waited,
)

Mood = Literal["office", "wait", "trouble", "ended"]
FRESH: Final = timedelta(minutes=1)
STALE: Final = timedelta(minutes=10)
"""What changes with time alone may be so old on a page: without, and while it is being made anew."""
_FEWEST_PREDICTIONS: Final = 5


class Share(Struct, frozen=True):
    """One party's part of the whole time."""

    party: Party
    length: timedelta
    share: float
    """0 to 100."""
    runs: bool
    """It is being waited on."""


class Law(Struct, frozen=True):
    """The clock that counts most for the applicant, and the others."""

    clock: Clock
    left: int | None
    """Whole days that are still counted, after today; none where it does not run or counts hours."""
    unit: str
    is_overdue: bool


def mood(status: Status, law: Law | None) -> Mood:
    """In which colour the page begins; the words say the same."""
    if status.waiting.party == "nobody":
        return "trouble" if status.situation == "refused" else "ended"
    if status.todo.needed:
        return "wait"
    return "trouble" if law is not None and law.is_overdue else "office"


def law(status: Status, deadline: Deadline | None, today: date) -> Law | None:
    """Which clock to show first: one that is overdue, runs or rests, before one that is to start, before one that ended."""
    found = [(one, explained_of(one, deadline)) for one in status.clocks]
    if not found:
        return None
    clock, explained = min(found, key=lambda one: _rank(*one))
    runs = explained is not None and clock.state == "running" and clock.paused is None and explained.unit != "hours"
    return Law(
        clock=clock,
        left=days_left(explained.days, today) if explained is not None and runs else None,
        unit=explained.unit if explained else "",
        is_overdue=_is_overdue(clock, explained),
    )


def explained_of(clock: Clock, deadline: Deadline | None) -> Explained | None:
    """The same clock, day by day."""
    same = (one for one in (deadline.clocks if deadline else ()) if one.clock.rule == clock.rule)
    return next(same, None)


def _rank(clock: Clock, explained: Explained | None) -> int:
    order = {"running": 1, "not_started": 2, "missed": 3, "met": 4}
    return 0 if _is_overdue(clock, explained) else order.get(clock.state, 5)


def _is_overdue(clock: Clock, explained: Explained | None) -> bool:
    """The deadline has passed, and what was promised has still not happened."""
    return clock.state == "missed" and explained is not None and explained.ended_at is None


def days_left(days: Sequence[Day], today: date) -> int | None:
    """How many days after `today` still count; nothing, where the day is not listed."""
    if not days or today > (days[-1].until or days[-1].date):
        return None
    left = 0
    for day in days:
        end = day.until or day.date
        if day.counted and end > today:
            left += (end - max(day.date, today + timedelta(days=1))).days + 1
    return left


def ledger(waited: Sequence[Waited], now: datetime) -> list[Share]:
    """How the time divides, up to `now`, as parts of a bar; the parts sum to 100."""
    lengths = [(one, timedelta(seconds=one.seconds) + _running(one, now)) for one in waited]
    whole = sum((length for _, length in lengths), timedelta())
    if not whole:
        return []
    return [
        Share(one.party, length, round(100 * (length / whole), 3), one.since is not None) for one, length in lengths
    ]


def _running(waited: Waited, now: datetime) -> timedelta:
    return max(timedelta(), now - waited.since) if waited.since is not None else timedelta()


def coverage(expected: Expected | None) -> Coverage | None:
    """How often forecasts half way came true; where too few were tested, those at submission; nothing where too few."""
    if expected is None or expected.tests is None:
        return None
    tested = (expected.tests.half_way, expected.tests.at_submission)
    return next((one for one in tested if one.predictions >= _FEWEST_PREDICTIONS and one.within_80 is not None), None)


def fresh_until(status: Status, now: datetime, zone: tzinfo, fee: Fee | None = None) -> tuple[datetime, datetime]:
    """Until when a page that was made at `now` may be shown as it is, and until when while it is being made anew.

    The events, and whether the deadline has passed, are asked for at each request; this is about the range that is to be
    expected, the place among those that wait, what has been waited so far, and the days that are left. They are told with
    the time they are of. Midnight at the office ends every page: a day less is left; and so does the end of a billing
    code, which nobody is to pay with afterwards. Of an application that has ended nothing else changes.
    """
    ends = datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time.min, zone)
    if status.waiting.party == "nobody":
        return ends, ends
    if fee is not None and fee.expires_at is not None and fee.expires_at > now:
        ends = min(ends, fee.expires_at)
    return min(now + FRESH, ends), min(now + STALE, ends)
