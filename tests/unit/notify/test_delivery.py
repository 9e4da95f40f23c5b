"""How one delivery goes from planned to told or given up."""

import datetime as dt
from dataclasses import replace

import pytest

from contracts.facts import Actor, EventRef, NotificationFailed, NotificationSent
from services.notify.domain import (
    Accepted,
    Delivery,
    Failure,
    NotAccepted,
    NotFailed,
    Policy,
    Result,
    State,
    Unknown,
    delivery_id,
    evolve,
    grant_attempts,
    outcome,
    pause_after,
    pause_for_intake,
)

BY = Actor(role="system", office="lebong")
BUSY = NotAccepted(Failure.SERVER_BUSY, permanent=False)
REFUSED = NotAccepted(Failure.RECIPIENT_REFUSED, permanent=True)
POLICY = Policy(attempts=3)


def planned() -> Delivery:
    source, event = "//lebong.imigrasi.go.id/intake", "e1"
    return Delivery(
        id=delivery_id(source, event, "email"),
        number="LBG-0000-0000-0000-0000-0",
        about=EventRef(source=source, id=event),
        channel="email",
        template="submitted",
        attempts_allowed=3,
    )


def after(delivery: Delivery, *results: Result) -> Delivery:
    for result in results:
        delivery = evolve(delivery, outcome(delivery, result, language="id", by=BY))
    return delivery


def test_an_accepted_message_is_sent_at_the_first_attempt() -> None:
    fact = outcome(planned(), Accepted(), language="en", by=BY)
    assert fact == NotificationSent(
        about=planned().about, channel="email", template="submitted", language="en", attempt=1, by=BY, repeated=False
    )
    assert evolve(planned(), fact).state is State.SENT


def test_a_server_that_is_busy_is_asked_again() -> None:
    waiting = after(planned(), BUSY)
    assert (waiting.state, waiting.attempts, waiting.reason) == (State.WAITING, 1, "mail_server_busy")
    assert after(waiting, Accepted()).state is State.SENT


def test_a_refused_recipient_is_final_at_once() -> None:
    fact = outcome(planned(), REFUSED, language="id", by=BY)
    assert isinstance(fact, NotificationFailed)
    assert fact.final
    assert fact.reason.code == "recipient_refused"
    assert evolve(planned(), fact).state is State.FAILED


def test_after_the_last_attempt_the_failure_is_final_and_says_how_often_it_was_tried() -> None:
    twice = after(planned(), BUSY, BUSY)
    fact = outcome(twice, BUSY, language="id", by=BY)
    assert isinstance(fact, NotificationFailed)
    assert fact.final
    assert fact.reason.code == "attempts_exhausted"
    assert fact.reason.parameters == {"attempts": "3"}


def test_a_message_whose_outcome_is_unknown_is_repeated_once_and_says_so() -> None:
    unsure = after(planned(), Unknown())
    assert (unsure.state, unsure.may_have_arrived) == (State.WAITING, True)
    fact = outcome(unsure, Accepted(), language="id", by=BY)
    assert isinstance(fact, NotificationSent)
    assert fact.repeated


def test_a_second_unknown_outcome_ends_the_delivery_so_that_nobody_gets_it_three_times() -> None:
    ended = after(planned(), Unknown(), Unknown())
    assert (ended.state, ended.reason) == (State.FAILED, "mail_outcome_unknown")


def test_a_certain_failure_after_an_unknown_one_leaves_the_repeat_to_come() -> None:
    waiting = after(planned(), Unknown(), BUSY)
    assert waiting.state is State.WAITING
    fact = outcome(waiting, Accepted(), language="id", by=BY)
    assert isinstance(fact, NotificationSent)
    assert fact.repeated


def test_an_outcome_that_is_known_already_changes_nothing() -> None:
    fact = outcome(planned(), BUSY, language="id", by=BY)
    once = evolve(planned(), fact)
    assert evolve(once, fact) == once


def test_an_operator_grants_a_failed_delivery_new_attempts_and_they_are_counted_on() -> None:
    granted = grant_attempts(after(planned(), BUSY, BUSY, BUSY), POLICY)
    assert (granted.state, granted.attempts, granted.attempts_allowed) == (State.WAITING, 3, 6)
    fact = outcome(granted, Accepted(), language="id", by=BY)
    assert isinstance(fact, NotificationSent)
    assert fact.attempt == 4


def test_what_may_have_arrived_before_an_operators_retry_is_still_said_to_be_repeated() -> None:
    granted = grant_attempts(after(planned(), Unknown(), Unknown()), POLICY)
    fact = outcome(granted, Accepted(), language="id", by=BY)
    assert isinstance(fact, NotificationSent)
    assert fact.repeated


@pytest.mark.parametrize("state", [State.WAITING, State.SENT, State.SKIPPED])
def test_only_a_failed_delivery_can_be_tried_again(state: State) -> None:
    with pytest.raises(NotFailed):
        grant_attempts(replace(planned(), state=state), POLICY)


def test_a_delivery_and_the_events_of_its_attempts_have_the_same_ids_every_time() -> None:
    assert planned().id == planned().id
    assert planned().event_id(2) == planned().event_id(2) != planned().event_id(1)
    assert delivery_id("a", "b", "email") != delivery_id("a", "b", "sms")


def test_eight_attempts_take_about_a_day() -> None:
    policy = Policy()
    whole = sum((pause_after(attempt, policy, 0.5) for attempt in range(1, policy.attempts)), dt.timedelta())
    assert dt.timedelta(hours=20) < whole < dt.timedelta(hours=28)


def test_chance_spreads_the_retries_of_messages_that_failed_together() -> None:
    earliest, latest = pause_after(1, Policy(), 0.0), pause_after(1, Policy(), 0.999)
    assert dt.timedelta(seconds=12) == earliest < latest < dt.timedelta(seconds=18)


def test_intake_is_asked_again_soon_and_then_at_most_every_five_minutes_or_so() -> None:
    assert pause_for_intake(1, Policy(), 0.5) == dt.timedelta(seconds=1)
    assert pause_for_intake(4, Policy(), 0.5) == dt.timedelta(seconds=8)
    assert pause_for_intake(10_000, Policy(), 0.5) == dt.timedelta(minutes=5)
