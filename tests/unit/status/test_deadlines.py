"""What is said of a deadline that passed, and when it can be known; at a real system: tests/system/test_status_deadlines.py."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import Gauge

from contracts.envelope import decode_event, decode_fact
from contracts.facts import Actor, DeadlinePassed
from services.status.clocks.deadlines import event_of, sayings
from services.status.store.lag import Lag
from tests.unit.status.story import NUMBER, examined, issued
from tests.unit.status.test_legal import LAW, PAUSE, RESUME, given_events, instant

BY = Actor(role="system", office="lebong")
DEADLINE = instant("2026-03-06T17:00Z")
STARTED = (examined(), "2026-03-02 10:15")


def test_the_event_names_rule_version_and_deadline_and_happened_at_the_deadline() -> None:
    (saying,) = sayings(NUMBER, given_events(STARTED).progress, LAW, DEADLINE, BY)
    event = decode_event(event_of(saying, "//lebong.imigrasi.go.id/status").state)
    assert (event.subject, event.time, event.source) == (NUMBER, DEADLINE, "//lebong.imigrasi.go.id/status")
    assert decode_fact(event) == DeadlinePassed(rule="passport_issue", rule_version=1, deadline=DEADLINE, by=BY)


def test_said_twice_it_is_the_same_event_of_the_same_stream() -> None:
    progress = given_events(STARTED).progress
    (first,), (second,) = (sayings(NUMBER, progress, LAW, DEADLINE, BY) for _ in range(2))
    assert first.stream == second.stream
    ids = {decode_event(event_of(saying, "//a/status").state).id for saying in (first, second)}
    assert len(ids) == 1


def test_a_deadline_that_moved_is_another_event() -> None:
    story = given_events(STARTED)
    (before,) = sayings(NUMBER, story.progress, LAW, DEADLINE, BY)
    story.tell_at(PAUSE, instant("2026-03-03 09:00")).tell_at(RESUME, instant("2026-03-04 09:00"))
    (after,) = sayings(NUMBER, story.progress, LAW, instant("2026-04-01 00:00"), BY)
    assert before.stream != after.stream
    assert after.fact.deadline == instant("2026-03-09T17:00Z")


@pytest.mark.parametrize("end", [None, "2026-03-05 09:00"])
def test_nothing_is_said_before_the_deadline_or_of_one_that_was_met(end: str | None) -> None:
    story = given_events(STARTED, *([(issued(), end)] if end else []))
    until = DEADLINE - timedelta(microseconds=1) if end is None else instant("2099-01-01 00:00")
    assert sayings(NUMBER, story.progress, LAW, until, BY) == []


def _lag() -> Lag:
    async def generation() -> str:
        return "g"

    gauge = Gauge("behind", "", registry=None)
    return Lag(None, "c", "t", generation, gauge=gauge, limit=0, partitions=(0, 1))  # type: ignore[arg-type]


def test_what_was_recorded_is_known_once_the_projection_has_passed_where_the_log_ended_then() -> None:
    first, second, third = (datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3))
    lag = _lag()
    lag.records = 5
    lag.learn(first, [10, 4], {0: 7, 1: 4})
    assert lag.known_until is None
    lag.learn(second, [20, 4], {0: 12, 1: 4})
    assert lag.known_until == first
    lag.learn(third, [30, 4], {0: 19, 1: 4})
    assert lag.known_until == first
    lag.records = 0
    lag.learn(third, [30, 4], {0: 30, 1: 4})
    assert lag.known_until == third
