"""The legal deadline of a case, small: one number for the officers' order of work.

The rules are those of the project's clocks: days are days of the office's time zone; the start day is day 0; a day
counts when the clock runs at its end (24:00 local) and, for working days, it is neither a weekend nor a holiday nor
collective leave; hours are running time. The full clock with its explanation belongs to the status service.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

from contracts.catalogue import DeadlineRule, Office, Service, deadlines_on
from services.processing.domain import Case, Interruption, has_happened

_LONGEST_DAYS = 3660
"""A clock that has not counted to its end after ten years will not."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """`at` is None while the clock is paused; then `remaining` units are left."""

    rule: str
    at: datetime | None
    remaining: int | None = None


@cache
def _holidays(country: str) -> holidays.HolidayBase:
    known = holidays.country_holidays(country).supported_categories
    return holidays.country_holidays(country, categories=tuple(c for c in ("public", "government") if c in known))


def is_working_day(day: date, country: str) -> bool:
    """Monday to Friday, no national holiday, no collective leave."""
    return day.weekday() < 5 and day not in _holidays(country)


def running_deadline(case: Case, service: Service, office: Office) -> Deadline | None:
    """The first deadline among the rules that run now: begun by their start event and not ended; None where none runs."""
    if not case.exists or case.closed:
        return None
    running = [
        deadline_of(rule, started, case.interruptions, office)
        for rule, started in _started(case, service, ZoneInfo(office.time_zone))
        if not has_happened(case, rule.end)
    ]
    return min(running, key=lambda deadline: (deadline.at is None, deadline.at), default=None)


def _started(case: Case, service: Service, zone: ZoneInfo) -> Iterator[tuple[DeadlineRule, datetime]]:
    for rule in service.deadlines:
        times = case.times.get(rule.start)
        if times:
            started = times[-1] if rule.restarts else times[0]
            if rule in deadlines_on(service, started.astimezone(zone).date()):
                yield rule, started


def deadline_of(
    rule: DeadlineRule, started: datetime, interruptions: Sequence[Interruption], office: Office
) -> Deadline:
    """When `rule`, begun at `started`, ends under the interruptions that it knows."""
    pauses = [span for span in interruptions if span.kind in rule.paused_by]
    if rule.unit == "hours":
        return _hours(rule, started, pauses)
    zone, left = ZoneInfo(office.time_zone), rule.length
    day = started.astimezone(zone).date()
    for _ in range(_LONGEST_DAYS):
        end = _end_of(day, zone)
        if left == 0:
            return Deadline(rule.code, end)
        if any(span.until is None and span.since <= end for span in pauses):
            break
        day += timedelta(days=1)
        end = _end_of(day, zone)
        runs = not any(span.since <= end and (span.until is None or end < span.until) for span in pauses)
        left -= runs and (rule.unit == "calendar_days" or is_working_day(day, office.holidays))
    return Deadline(rule.code, None, left)


def _end_of(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)


def _hours(rule: DeadlineRule, started: datetime, pauses: Sequence[Interruption]) -> Deadline:
    end = started + timedelta(hours=rule.length)
    for span in _merged(pauses):
        if span.until is not None and span.until <= started:
            continue
        if span.since > end:
            break
        if span.until is None:
            left = end - max(span.since, started)
            return Deadline(rule.code, None, int(left / timedelta(hours=1)))
        end += span.until - max(span.since, started)
    return Deadline(rule.code, end)


def _merged(spans: Sequence[Interruption]) -> list[Interruption]:
    """The same time paused, in order and without overlap."""
    merged: list[Interruption] = []
    for span in sorted(spans, key=lambda span: span.since):
        last = merged[-1] if merged else None
        if last and (last.until is None or span.since <= last.until):
            until = None if last.until is None or span.until is None else max(last.until, span.until)
            merged[-1] = Interruption(last.kind, last.since, until)
        else:
            merged.append(span)
    return merged
