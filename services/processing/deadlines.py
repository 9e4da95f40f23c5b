"""The legal deadline of a case, small: one number for the officers' order of work.

The arithmetic is that of all clocks (`contracts.clock`). The full clock with its explanation belongs to the status
service.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from contracts.calendar import calendar_of
from contracts.catalogue import DeadlineRule, Office, Service, deadlines_on
from contracts.clock import HOUR_US, CalendarDays, LocalDays, merged, reckon_days, reckon_hours
from services.processing.domain import Case, Interruption, has_happened

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)
_local_days = cache(LocalDays)


@dataclass(frozen=True, slots=True)
class Deadline:
    """`at` is None while the clock is paused; then `remaining` units are left."""

    rule: str
    at: datetime | None
    remaining: int | None = None
    started_at: datetime | None = None
    escalate_at: datetime | None = None
    """When the supervisor is to be told that it is near; None while the clock is paused."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """How long before a deadline it is escalated: so many percent of the rule's length, and `units` of it at least."""

    percent: int = 20
    units: int = 1

    def of(self, length: int) -> int:
        """Units before the deadline: whole days or hours, rounded up, never more than the whole length."""
        return min(max(self.units, -(-length * self.percent // 100)), length)


AHEAD: Final = Ahead()


def running_deadline(case: Case, service: Service, office: Office, ahead: Ahead = AHEAD) -> Deadline | None:
    """The first deadline among the rules that run now: begun by their start event and not ended; None where none runs."""
    if not case.exists or case.closed:
        return None
    running = [
        _with_escalation(rule, started, case.interruptions, office, ahead)
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


def _with_escalation(
    rule: DeadlineRule, started: datetime, interruptions: Sequence[Interruption], office: Office, ahead: Ahead
) -> Deadline:
    """The deadline, and the instant at which so much less of the rule's length had run: pauses and holidays count alike."""
    deadline = deadline_of(rule, started, interruptions, office)
    shorter = msgspec.structs.replace(rule, length=rule.length - ahead.of(rule.length))
    early = deadline_of(shorter, started, interruptions, office)
    return replace(deadline, started_at=started, escalate_at=early.at if deadline.at else None)


def deadline_of(
    rule: DeadlineRule, started: datetime, interruptions: Sequence[Interruption], office: Office
) -> Deadline:
    """When `rule`, begun at `started`, ends under the interruptions that it knows."""
    pauses = merged(
        (_in_us(span.since), None if span.until is None else _in_us(span.until))
        for span in interruptions
        if span.kind in rule.paused_by
    )
    if rule.unit == "hours":
        deadline, left = reckon_hours(_in_us(started), rule.length, pauses)
        left //= HOUR_US
    else:
        counting = (
            calendar_of(rule.holidays or office.holidays).working_days
            if rule.unit == "working_days"
            else CalendarDays()
        )
        deadline, left = reckon_days(_in_us(started), rule.length, pauses, _local_days(office.time_zone), counting)
    return Deadline(rule.code, None, left) if deadline is None else Deadline(rule.code, _EPOCH + deadline * _US)


def _in_us(instant: datetime) -> int:
    return (instant - _EPOCH) // _US
