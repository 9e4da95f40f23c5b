"""Carries admission out: known ones are answered as duplicates, new ones go to the event store in one append.

A stream per admitted event, named by its source and id, is what makes "not seen before" hold under any race: the store
takes version 1 of a stream once. From the store they go through the outbox to the log, in the order of the batch.
"""

import asyncio
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Final, Literal, ParamSpec, TypeVar

import msgspec
from msgspec import Struct

from contracts.cloudevents import CloudEvent
from contracts.envelope import SALT_BYTES, MalformedEvent, new_salt
from contracts.facts import FeePaid
from runtime.eventstore import Append, EventStore, NewEvent, VersionConflict
from services.intake.admission import Candidate, EventRefused, HeldEvent, IdReused, examine, hold
from services.intake.held import HeldEvents
from services.intake.publishers import Publisher

Status = Literal["accepted", "duplicate", "held", "refused"]
_ATTEMPTS: Final = 5
_AT_ONCE: Final = 20
"""Events that are examined in the time in which a thread would begin: some 50 µs each."""


P = ParamSpec("P")
T = TypeVar("T")


async def aside(events: int, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`work` on so many events: in a thread where that would hold up everybody else, at once where a thread costs more."""
    if events <= _AT_ONCE:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)


class Outcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one event of a batch. `number`: of the application that an accepted event belongs to."""

    index: int
    status: Status
    source: str | None = None
    id: str | None = None
    number: str | None = None
    refusal: EventRefused | None = None


class Admission:
    """The use case. `held`: where payments wait whose application is not known yet."""

    def __init__(
        self, store: EventStore, held: HeldEvents, clock: Callable[[], datetime], own_sources: Collection[str] = ()
    ) -> None:
        self._store = store
        self._held = held
        self._clock = clock
        self._own_sources = own_sources

    async def admit(self, publisher: Publisher, received: Sequence[CloudEvent | MalformedEvent]) -> list[Outcome]:
        """What became of each event, in order. Once this returns, the accepted and the held ones are durably stored."""
        outcomes, candidates = await aside(len(received), self._examine, publisher, received)
        for attempt in range(_ATTEMPTS):
            try:
                outcomes |= await self._take_in(publisher, candidates, anew=attempt == 0)
            except VersionConflict:
                continue  # one of these was admitted before, or in this moment: now it is looked up
            return [_named(outcomes[index], received[index]) for index in range(len(received))]
        raise VersionConflict("admission")

    def _examine(
        self, publisher: Publisher, received: Iterable[CloudEvent | MalformedEvent]
    ) -> tuple[dict[int, Outcome], dict[int, Candidate]]:
        now = self._clock()
        outcomes: dict[int, Outcome] = {}
        candidates: dict[int, Candidate] = {}
        for index, one in enumerate(received):
            try:
                candidates[index] = examine(publisher, one, now, self._own_sources)
            except EventRefused as refusal:
                outcomes[index] = Outcome(index=index, status="refused", refusal=refusal)
        return outcomes, candidates

    async def _take_in(
        self, publisher: Publisher, candidates: dict[int, Candidate], *, anew: bool
    ) -> dict[int, Outcome]:
        """`anew`: what names its application is taken for new without asking; the store refuses what is not."""
        streams = list({one.stream for one in candidates.values() if not anew or one.subject is None})
        admitted = {
            stream: events[0].state for stream, events in (await self._store.load_many(streams)).items() if events
        }
        payments = [one for one in candidates.values() if one.subject is None and one.stream not in admitted]
        known = await self._held.known([one.stream for one in payments])
        numbers = await self._held.applications({_billing_code(one) for one in payments})
        batch = Batch(admitted, known, numbers)
        outcomes = await aside(len(candidates), batch.settle, candidates)
        if batch.appends:
            await self._store.append(*batch.appends)
        await self._held.put(publisher.name, batch.held)
        return outcomes


class Batch:
    """Settles one batch against what is known; fills `appends` and `held`."""

    def __init__(self, admitted: dict[str, bytes], known: dict[str, HeldEvent], numbers: dict[str, str]) -> None:
        self._admitted = admitted
        self._known = known
        self._numbers = numbers
        self.appends: list[Append] = []
        self.held: list[tuple[Candidate, HeldEvent]] = []

    def settle(self, candidates: dict[int, Candidate]) -> dict[int, Outcome]:
        """The outcome of each candidate, in their order."""
        outcomes: dict[int, Outcome] = {}
        for index, candidate in candidates.items():
            try:
                status, number = self._settle(candidate)
            except EventRefused as refusal:
                outcomes[index] = Outcome(index=index, status="refused", refusal=refusal)
            else:
                outcomes[index] = Outcome(index=index, status=status, number=number)
        return outcomes

    def _settle(self, candidate: Candidate) -> tuple[Status, str | None]:
        if (state := self._admitted.get(candidate.stream)) is not None:
            if not candidate.says_the_same_as(state):
                raise IdReused()
            return "duplicate", None
        if (held := self._known.get(candidate.stream)) is not None:
            if not _says_the_same(candidate, held):
                raise IdReused()
            return "duplicate", None
        salt = new_salt(secrets.token_bytes(SALT_BYTES))
        number = candidate.subject or self._numbers.get(_billing_code(candidate))
        if number is None:
            held = hold(candidate, salt)
            self._known[candidate.stream] = held
            self.held.append((candidate, held))
            return "held", None
        state = candidate.encoded(number, salt)
        self._admitted[candidate.stream] = state
        self.appends.append(Append(candidate.stream, 0, [NewEvent(candidate.event.type, state)]))
        return "accepted", number


def _billing_code(candidate: Candidate) -> str:
    return candidate.fact.billing_code if isinstance(candidate.fact, FeePaid) else ""


def _says_the_same(candidate: Candidate, held: HeldEvent) -> bool:
    return (
        held.attributes["type"] == candidate.event.type
        and held.attributes["time"] == candidate.event.attributes["time"]
        and held.data == msgspec.to_builtins(candidate.fact)
    )


def _named(outcome: Outcome, received: CloudEvent | MalformedEvent) -> Outcome:
    if isinstance(received, MalformedEvent):
        return outcome
    return msgspec.structs.replace(outcome, source=received.source, id=received.id)
