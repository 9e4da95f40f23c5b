"""The loop that keeps the senders busy, and what it owes to an outcome that only it knows."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Collection

import pytest

from contracts.envelope import decode_event, encode_event, new_salt
from contracts.facts import Actor, EventRef, NotificationSent
from runtime.eventstore import Append, InMemoryEventStore, NewEvent
from runtime.metrics import Metrics
from services.notify.application import Identity, Outcomes, Surroundings
from services.notify.deliveries import Claimed
from services.notify.dispatch import Dispatch
from services.notify.domain import Accepted, Delivery, Policy, State, Unknown, delivery_id
from services.notify.measures import Measures
from services.notify.telling import Application

NOON = dt.datetime(2026, 3, 2, 5, tzinfo=dt.UTC)
AROUND = Surroundings(clock=lambda: NOON, chance=lambda: 0.5, random_bytes=bytes)
SOURCE = "//lebong.imigrasi.go.id/notify"


def planned() -> Delivery:
    return Delivery(
        id=delivery_id("s", "e", "email"),
        number="LBG-0000-0000-0000-0000-0",
        about=EventRef(source="s", id="e"),
        channel="email",
        template="resumed",
        attempts_allowed=8,
    )


def claimed(delivery: Delivery) -> Claimed:
    return Claimed(delivery, Application(delivery.number), b"", NOON, uuid.uuid4(), False, 0, False)


class Table:
    """Deliveries in memory: `trouble` is raised by the next claims, in turn."""

    def __init__(self, *waiting: Claimed, trouble: Collection[Exception] = ()) -> None:
        self.waiting = list(waiting)
        self.trouble = list(trouble)
        self.closed: list[Delivery] = []
        self.handed_back: list[uuid.UUID] = []

    async def claim(self, *, now: dt.datetime, limit: int, besides: Collection[uuid.UUID]) -> list[Claimed]:
        if self.trouble:
            raise self.trouble.pop(0)
        given, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return given

    async def close(self, after: Delivery, *, due_at: dt.datetime, closed_at: dt.datetime | None) -> None:
        self.closed.append(after)

    async def hand_back(self, leases: Collection[uuid.UUID]) -> None:
        self.handed_back.extend(leases)


class SlowSender:
    """Sends nothing, until told to go."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.done = 0

    async def send(self, claimed: Claimed) -> None:
        self.begun.set()
        await self.go.wait()
        self.done += 1


def dispatch(table: Table, sender: SlowSender, grace_s: float = 5.0) -> Dispatch:
    measures = Measures(Metrics("notify"))
    return Dispatch(
        deliveries=table,  # type: ignore[arg-type]
        sender=sender,  # type: ignore[arg-type]
        measures=measures,
        clock=lambda: NOON,
        poll_s=60,
        grace_s=grace_s,
    )


@pytest.mark.parametrize("ticks", range(8))
async def test_a_stop_is_heard_also_in_the_moment_in_which_a_delivery_ends(ticks: int) -> None:
    sender = SlowSender()
    running = asyncio.create_task(dispatch(Table(claimed(planned())), sender).run())
    await sender.begun.wait()
    sender.go.set()
    for _ in range(ticks):
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 10)
    assert sender.done == 1


async def test_a_sender_that_takes_too_long_at_a_stop_gives_its_lease_back() -> None:
    one, sender = claimed(planned()), SlowSender()
    table = Table(one)
    running = asyncio.create_task(dispatch(table, sender, grace_s=0.01).run())
    await sender.begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert table.handed_back == [one.lease]


async def test_while_the_database_is_away_what_is_at_hand_goes_on() -> None:
    sender = SlowSender()
    table = Table(claimed(planned()), trouble=[ConnectionError(), ConnectionError()])
    running = asyncio.create_task(dispatch(table, sender).run())
    await sender.begun.wait()
    sender.go.set()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sender.done == 1


def outcomes(store: InMemoryEventStore, table: Table) -> Outcomes:
    return Outcomes(
        store=store,
        deliveries=table,  # type: ignore[arg-type]
        identity=Identity(SOURCE, Actor(role="system", office="lebong")),
        policy=Policy(),
        around=AROUND,
        measures=Measures(Metrics("notify")),
    )


async def test_an_outcome_is_appended_once_however_often_it_is_noted() -> None:
    store, table = InMemoryEventStore(), Table()
    for _ in range(3):
        await outcomes(store, table).note(planned(), Accepted(), "id", None)
    (entry,) = await store.load(planned().stream)
    event = decode_event(entry.state)
    assert (event.id, event.source, event.subject) == (planned().event_id(1), SOURCE, planned().number)
    assert {one.state for one in table.closed} == {State.SENT}


async def test_the_outcome_that_was_appended_first_is_the_one_that_counts() -> None:
    store, table = InMemoryEventStore(), Table()
    sent = NotificationSent(
        about=planned().about, channel="email", template="resumed", language="id", attempt=1, by=Actor(role="system")
    )
    raw = encode_event(
        sent, id=planned().event_id(1), source=SOURCE, subject=planned().number, time=NOON, salt=new_salt(bytes(32))
    )
    await store.append(Append(planned().stream, 0, [NewEvent(sent.TYPE, raw)]))
    assert await outcomes(store, table).take_up(planned())
    await outcomes(store, table).note(planned(), Unknown(), "id", None)
    assert len(await store.load(planned().stream)) == 1
    assert [one.state for one in table.closed] == [State.SENT, State.SENT]


async def test_without_an_outcome_on_the_timeline_there_is_nothing_to_take_up() -> None:
    assert not await outcomes(InMemoryEventStore(), Table()).take_up(planned())
