"""One delivery: from planned to told, given up or skipped. Pure; times and chance arrive as arguments.

A delivery is one message about one event over one channel. Each attempt ends in exactly one event on the
application's timeline (`notification_sent`, `notification_failed`); the delivery is what those events make of it.

**At most one repeat.** The content of a message is handed to the mail server only after the attempt was marked as
begun. When the mark is there and no outcome is (a crash, or a server that fell silent after the content), the message
may have arrived: it is sent once more, marked `repeated`, and if that outcome too stays unknown the delivery ends.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID, uuid5

from contracts.facts import Actor, EventRef, Fact, NotificationFailed, NotificationSent, Reason

EMAIL: Final = "email"
PUSH: Final = "push"
_DELIVERIES: Final = UUID("5d3c9b0e-6f0b-5a53-9a0d-2f2a7d1f9c44")
Language = Literal["id", "en"]


class State(StrEnum):
    """Where a delivery is; only `waiting` ones are worked on."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    SKIPPED = "skipped"


class Failure(StrEnum):
    """Why an attempt failed: reason codes of the catalogue."""

    SERVER_UNAVAILABLE = "mail_server_unavailable"
    SERVER_BUSY = "mail_server_busy"
    RECIPIENT_REFUSED = "recipient_refused"
    MESSAGE_REFUSED = "message_refused"
    OUTCOME_UNKNOWN = "mail_outcome_unknown"
    PUSH_UNAVAILABLE = "push_service_unavailable"
    PUSH_BUSY = "push_service_busy"
    PUSH_REFUSED = "push_refused"
    PUSH_GONE = "push_subscription_gone"
    PUSH_OUTCOME_UNKNOWN = "push_outcome_unknown"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"


OUTCOMES_UNKNOWN: Final = frozenset({Failure.OUTCOME_UNKNOWN.value, Failure.PUSH_OUTCOME_UNKNOWN.value})


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server took responsibility for the message."""


@dataclass(frozen=True, slots=True)
class NotAccepted:
    """The server certainly has not taken it; `permanent`: asking again would get the same answer."""

    failure: Failure
    permanent: bool


@dataclass(frozen=True, slots=True)
class Unknown:
    """The content was handed over and no answer was seen: it may have arrived."""


Result = Accepted | NotAccepted | Unknown


@dataclass(frozen=True, slots=True)
class Policy:
    """How often and in which rhythm. The default makes 8 attempts in about 23 hours."""

    attempts: int = 8
    first_delay: timedelta = timedelta(seconds=15)
    growth: float = 4.0
    spread: float = 0.2
    intake_first_delay: timedelta = timedelta(seconds=1)
    intake_longest_delay: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The state of one delivery; `unknown` counts outcomes never learnt since attempts were last granted.

    `subscription`: to which browser, for one by push.
    """

    id: UUID
    number: str
    about: EventRef
    channel: str
    template: str
    attempts_allowed: int
    state: State = State.WAITING
    attempts: int = 0
    unknown: int = 0
    may_have_arrived: bool = False
    reason: str | None = None
    subscription: UUID | None = None

    @property
    def stream(self) -> str:
        """The stream of the event store that holds its outcomes."""
        return f"delivery:{self.id}"

    def event_id(self, attempt: int) -> str:
        """The CloudEvents id of the outcome of `attempt`: the same however often it is noted."""
        return f"{self.id}.{attempt}"


class NotFailed(Exception):
    """Only a delivery that finally failed can be tried again."""


def delivery_id(source: str, event: str, channel: str, subscription: UUID | None = None) -> UUID:
    """The id of the delivery about one event over one channel (to one browser): planned twice, it is still the same."""
    place = f"\n{subscription}" if subscription else ""
    return uuid5(_DELIVERIES, f"{source}\n{event}\n{channel}{place}")


def outcome(
    delivery: Delivery, result: Result, *, language: Language, by: Actor
) -> NotificationSent | NotificationFailed:
    """The event that the attempt's `result` is."""
    attempt = delivery.attempts + 1
    match result:
        case Accepted():
            return NotificationSent(
                about=delivery.about,
                channel=delivery.channel,
                template=delivery.template,
                language=language,
                attempt=attempt,
                by=by,
                repeated=delivery.may_have_arrived,
            )
        case NotAccepted(failure=failure, permanent=permanent):
            exhausted = not permanent and attempt >= delivery.attempts_allowed
            reason = Reason(code=failure.value)
            if exhausted:
                reason = Reason(code=Failure.ATTEMPTS_EXHAUSTED.value, parameters={"attempts": str(attempt)})
            final = permanent or exhausted
        case Unknown():
            never_learnt = Failure.PUSH_OUTCOME_UNKNOWN if delivery.channel == PUSH else Failure.OUTCOME_UNKNOWN
            reason = Reason(code=never_learnt.value)
            final = delivery.unknown >= 1 or attempt >= delivery.attempts_allowed
    return NotificationFailed(
        about=delivery.about,
        channel=delivery.channel,
        template=delivery.template,
        attempt=attempt,
        reason=reason,
        final=final,
        by=by,
    )


def evolve(delivery: Delivery, fact: Fact) -> Delivery:
    """`delivery` after one of its events; an event of an attempt that it already knows changes nothing."""
    match fact:
        case NotificationSent(attempt=attempt) if attempt > delivery.attempts:
            return replace(delivery, state=State.SENT, attempts=attempt, reason=None)
        case NotificationFailed(attempt=attempt, reason=reason, final=final) if attempt > delivery.attempts:
            unknown = reason.code in OUTCOMES_UNKNOWN
            return replace(
                delivery,
                state=State.FAILED if final else State.WAITING,
                attempts=attempt,
                unknown=delivery.unknown + unknown,
                may_have_arrived=delivery.may_have_arrived or unknown,
                reason=reason.code,
            )
    return delivery


def grant_attempts(delivery: Delivery, policy: Policy) -> Delivery:
    """An operator has it tried again, as if for the first time. Raises `NotFailed` in any other state."""
    if delivery.state is not State.FAILED:
        raise NotFailed(delivery.state.value)
    allowed = delivery.attempts + policy.attempts
    return replace(delivery, state=State.WAITING, attempts_allowed=allowed, unknown=0)


def pause_after(attempt: int, policy: Policy, chance: float) -> timedelta:
    """How long to wait after failed `attempt` (from 1); `chance` in [0, 1) spreads those that failed together."""
    spread = 1 - policy.spread + 2 * policy.spread * chance
    return policy.first_delay * (policy.growth ** (attempt - 1)) * spread


def pause_for_intake(misses: int, policy: Policy, chance: float) -> timedelta:
    """How long to wait after intake could not be asked `misses` times (from 1): no attempt is used up."""
    doubled = policy.intake_first_delay * 2.0 ** min(misses - 1, 20)
    spread = 1 - policy.spread + 2 * policy.spread * chance
    return min(doubled, policy.intake_longest_delay) * spread
