"""Use cases: send one delivery and note its outcome; let a failed one be tried again."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import msgspec
import structlog

from contracts.envelope import SALT_BYTES, Event, decode_event, decode_fact, encode_event, new_salt
from contracts.facts import Actor, Fact
from runtime.eventstore import EventStore, NewEvent, StreamEvent, VersionConflict, decide
from runtime.faults import is_transient
from runtime.pauses import backoff, pause
from services.notify import telling
from services.notify.channels import Attempted, Channel, NotToBeSent
from services.notify.contact import IntakeAway
from services.notify.deliveries import Claimed, Deliveries, LeaseLost
from services.notify.domain import (
    Delivery,
    Language,
    NotFailed,
    Policy,
    Result,
    State,
    Unknown,
    evolve,
    grant_attempts,
    outcome,
    pause_after,
    pause_for_intake,
)
from services.notify.measures import Measures

log = structlog.get_logger()

RETRY_GRANTED: Final = "id.jejak.operations.delivery_retry_granted.v1"
"""Internal to the event store, never published: an operator had a delivery tried again."""


@dataclass(frozen=True, slots=True)
class Identity:
    """As whom notify speaks: the CloudEvents `source` of its events and the actor in them."""

    source: str
    actor: Actor


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Time and chance: `clock` in UTC, `chance` in [0, 1), `random_bytes` of a given length."""

    clock: Callable[[], datetime]
    chance: Callable[[], float]
    random_bytes: Callable[[int], bytes] = secrets.token_bytes


class Outcomes:
    """Notes how attempts ended: on the application's timeline first, then in the table."""

    def __init__(
        self,
        *,
        store: EventStore,
        deliveries: Deliveries,
        identity: Identity,
        policy: Policy,
        around: Surroundings,
        measures: Measures,
    ) -> None:
        self._store = store
        self._deliveries = deliveries
        self._identity = identity
        self._policy = policy
        self._around = around
        self._measures = measures

    async def note(self, delivery: Delivery, result: Result, language: Language, traceparent: str | None) -> None:
        """Append the outcome of the next attempt and write the delivery's new state. Harmless to repeat: an attempt has one
        outcome, the one that was appended first.
        """
        at = self._around.clock()
        fact = outcome(delivery, result, language=language, by=self._identity.actor)
        event_id = delivery.event_id(delivery.attempts + 1)
        raw = encode_event(
            fact,
            id=event_id,
            source=self._identity.source,
            subject=delivery.number,
            time=at,
            salt=new_salt(self._around.random_bytes(SALT_BYTES)),
            traceparent=traceparent,
        )

        def unless_known(known: Fact | None) -> Sequence[NewEvent]:
            return [] if known else [NewEvent(fact.TYPE, raw)]

        known, _ = await decide(self._store, delivery.stream, partial(_outcome_of, event_id), unless_known)
        await self._close(delivery, known or fact, at)
        if known is None:
            self._measures.outcome(fact)

    async def take_up(self, delivery: Delivery) -> bool:
        """After an interruption: whether the next attempt's outcome was appended already; then the table is told too."""
        history = await self._store.load(delivery.stream)
        known = _outcome_of(delivery.event_id(delivery.attempts + 1), history)
        if known is None:
            return False
        await self._close(delivery, known, self._around.clock())
        return True

    async def _close(self, delivery: Delivery, fact: Fact, at: datetime) -> None:
        after = evolve(delivery, fact)
        waits = after.state is State.WAITING
        due_at = at + pause_after(after.attempts, self._policy, self._around.chance()) if waits else at
        await self._deliveries.close(after, due_at=due_at, closed_at=None if waits else at)
        log.info(
            "attempt_ended",
            delivery=str(after.id),
            state=after.state.value,
            attempt=after.attempts,
            reason=after.reason,
        )


def _outcome_of(event_id: str, history: Sequence[StreamEvent]) -> Fact | None:
    """The outcome with this event id, where the stream has it; operators' entries in it are no outcomes."""
    for entry in history:
        if entry.type != RETRY_GRANTED and (event := decode_event(entry.state)).id == event_id:
            return decode_fact(event)
    return None


class Sender:
    """Sends one claimed delivery."""

    def __init__(
        self,
        *,
        deliveries: Deliveries,
        outcomes: Outcomes,
        channels: Mapping[str, Channel],
        policy: Policy,
        around: Surroundings,
        measures: Measures,
    ) -> None:
        self._deliveries = deliveries
        self._outcomes = outcomes
        self._channels = channels
        self._policy = policy
        self._around = around
        self._measures = measures

    async def send(self, claimed: Claimed) -> None:
        """Bring the delivery one attempt further, or find out what became of an interrupted one."""
        delivery = claimed.delivery
        event = decode_event(claimed.event)
        if claimed.interrupted and await self._outcomes.take_up(delivery):
            return
        if claimed.in_flight:
            log.warning("outcome_lost", delivery=str(delivery.id), attempt=delivery.attempts + 1)
            await self._outcomes.note(delivery, Unknown(), "id", event.traceparent)
            return
        if telling.out_of_date(decode_fact(event), self._around.clock()):
            await self._skip(claimed, telling.Skip.OUT_OF_DATE)
            return
        attempted = await self._attempt(claimed, event)
        if attempted is not None:
            await self._note_surely(delivery, attempted.result, attempted.language, event.traceparent)

    async def _attempt(self, claimed: Claimed, event: Event) -> Attempted | None:
        """What an attempt came to; None when the delivery was skipped, postponed or lost to another sender instead."""
        delivery = claimed.delivery
        try:
            return await self._channels[delivery.channel].attempt(
                claimed, event, partial(self._deliveries.begin, claimed)
            )
        except NotToBeSent as skip:
            await self._skip(claimed, str(skip))
        except IntakeAway as error:
            log.warning("intake_away", delivery=str(delivery.id), reason=str(error))
            pause = pause_for_intake(claimed.postponed + 1, self._policy, self._around.chance())
            await self._deliveries.postpone(claimed, self._around.clock() + pause)
        except LeaseLost:
            log.info("lease_lost", delivery=str(delivery.id))
        return None

    async def _note_surely(
        self, delivery: Delivery, result: Result, language: Language, traceparent: str | None
    ) -> None:
        """Note it however long the database is away: this process knows the outcome, and nobody else can find it out."""
        delays = backoff()
        while True:
            try:
                await self._outcomes.note(delivery, result, language, traceparent)
            except Exception as error:
                if not (is_transient(error) or isinstance(error, VersionConflict)):
                    raise
                log.warning("outcome_not_noted_yet", delivery=str(delivery.id), error=type(error).__name__)
                await pause(delays)
            else:
                return

    async def _skip(self, claimed: Claimed, reason: str) -> None:
        await self._deliveries.skip(claimed, reason, self._around.clock())
        self._measures.skipped.labels(reason).inc()


class NoSuchDelivery(LookupError):
    """There is no delivery of this id."""


async def retry(
    id: UUID, *, by: str, deliveries: Deliveries, store: EventStore, policy: Policy, at: datetime
) -> Delivery:
    """Have a finally failed delivery tried again at once, by the operator with token subject `by`.

    Raises `NoSuchDelivery`, or `NotFailed` when it has not finally failed (any more).
    """
    delivery = await deliveries.find(id)
    if delivery is None:
        raise NoSuchDelivery(str(id))
    granted = grant_attempts(delivery, policy)
    entry = msgspec.json.encode({"delivery": id, "after_attempts": delivery.attempts, "by": by, "at": at})

    def once(known: bool) -> Sequence[NewEvent]:
        return [] if known else [NewEvent(RETRY_GRANTED, entry)]

    await decide(store, delivery.stream, lambda history: any(one.state == entry for one in history), once)
    if not await deliveries.grant(granted, at):
        raise NotFailed("no longer failed: another operator was first")
    return granted
