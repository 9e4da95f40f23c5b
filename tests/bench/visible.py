"""`visible_p50`, `visible_p99`: how long from submitting an event until it can be read in the status, in milliseconds.

The whole system runs. An event is handed to intake (`POST /events`) and goes through admission, event store, outbox,
relay, Kafka and projection; it is visible when a SELECT finds it on its timeline, in the same transaction as the status.
The reader is woken as the status service's own streams are, by its NOTIFY. 100 events/s come one in a request; 1,000/s,
which two cores do not take one in a request with everything else on them, come twenty in a request.

The yardstick runs on the same Kafka and PostgreSQL, in the same run, at the same times with the same bytes: produce
(idempotent, acks=all), consume, INSERT one row each, commit what came together. Its clock ends with the commit.

Both go on for ten seconds before anything is counted. A smaller ratio is better. Each line is of the rate at which it is
worse; both rates are in the raw figures.
"""

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from statistics import quantiles
from typing import Any, Final

import aiohttp
import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from contracts.envelope import PARTITIONS, encode_event, new_salt
from contracts.facts import Actor, Fact, Labels, StageRecorded, Submitted
from contracts.number import RANDOM_BYTES, format_number
from deploy.local.remote import RunningSystem, running_system
from runtime.kafka import LOG_CONFIG, ensure_topic
from services.status.folding.partitions import partition_of
from tests.bench.measure import Measure, Result, Surroundings

SOURCE: Final = "//lebong.imigrasi.go.id/history/"
APPLICATIONS: Final = 2_000
"""Some ten events each, as the logs of the other measures have."""
WARM_UP_S: Final = 10.0
"""A broker that has just started spends a core on compiling itself; one in service has done so long ago."""
MEASURED_S: Final = 10.0
PATIENCE_S: Final = 30.0
AIM: Final = 3.0
CREATE: Final = "CREATE TABLE bare (application text NOT NULL, id text PRIMARY KEY, value bytea NOT NULL)"
INSERT: Final = "INSERT INTO bare (application, id, value) VALUES ($1, $2, $3)"
SELECT: Final = "SELECT event_id FROM timeline_{:02d} WHERE number = ANY($1) AND event_id = ANY($2)"


@dataclass(frozen=True)
class Load:
    """So many events a second, so many of them together."""

    per_s: int
    together: int = 1

    @property
    def every_s(self) -> float:
        """Seconds between two requests."""
        return self.together / self.per_s


LOADS: Final = (Load(100), Load(1_000, together=20))


@dataclass
class Sent:
    """One event on its way. Times by `time.perf_counter`."""

    number: str
    id: str
    value: bytes
    sent: float = 0.0
    accepted: float = 0.0
    visible: float = 0.0


@dataclass(frozen=True)
class Latency:
    """Milliseconds."""

    p50: float
    p99: float

    @classmethod
    def of(cls, seconds: list[float]) -> "Latency":
        """Of so many single ones."""
        cuts = quantiles(seconds, n=100, method="inclusive")
        return cls(cuts[49] * 1_000, cuts[98] * 1_000)

    def __str__(self) -> str:
        return f"{self.p50:.1f}/{self.p99:.1f}"


Send = Callable[[list[Sent]], Awaitable[None]]


def measure_visible(around: Surroundings) -> Iterator[Result]:
    """Both loads, first bare, then through the system."""
    with running_system() as system:
        found = asyncio.run(_both(system))
    for load, (ours, accepted, bare) in found.items():
        around.say(
            f"{load.per_s:,} events/s, {load.together} together, ms p50/p99: submit → visible {ours}, "
            f"accepted → visible {accepted}, bare {bare}"
        )
    for name in ("p50", "p99"):
        pairs = [(getattr(ours, name), getattr(bare, name)) for ours, _, bare in found.values()]
        value, bare_value = max(pairs, key=lambda pair: pair[0] / pair[1])
        yield Result(f"visible_{name}", value / bare_value, value, AIM, "ms", better="lower")


async def _both(system: RunningSystem) -> dict[Load, tuple[Latency, Latency, Latency]]:
    numbers = [format_number("LBG", secrets.token_bytes(RANDOM_BYTES)) for _ in range(APPLICATIONS)]
    found = {}
    async with client_of(system) as client:
        await _open_applications(client, numbers)
        for load in LOADS:
            bare = await _bare(system, _events(numbers, load), load)
            events = _events(numbers, load)
            await _ours(system, client, events, load)
            counted = _counted(events, load)
            found[load] = (
                Latency.of([event.visible - event.sent for event in counted]),
                Latency.of([event.visible - event.accepted for event in counted]),
                bare,
            )
    return found


def client_of(system: RunningSystem) -> aiohttp.ClientSession:
    """A client of intake that takes little of the cores itself. It lets connections go before the server closes them."""
    return aiohttp.ClientSession(
        system.urls["intake"],
        headers={"Authorization": f"Bearer {system.tokens['system']}"},
        connector=aiohttp.TCPConnector(limit=32, keepalive_timeout=2.0),
        timeout=aiohttp.ClientTimeout(PATIENCE_S),
    )


def _events(numbers: list[str], load: Load) -> list[Sent]:
    """Stages that an office records, of one application after the other: nobody answers them with events of their own."""
    labels, by = Labels(id="Tahap", en="Stage"), Actor(role="officer", office="lebong", desk="verification")
    events = []
    for number, _ in zip(cycle(numbers), range(round((WARM_UP_S + MEASURED_S) * load.per_s)), strict=False):
        events.append(_event(number, StageRecorded(stage="receipt_checked", labels=labels, by=by)))
    return events


def _event(number: str, fact: Fact) -> Sent:
    event_id, salt = secrets.token_hex(12), new_salt(secrets.token_bytes(32))
    source, now = f"{SOURCE}visible", datetime.now(UTC)
    return Sent(number, event_id, encode_event(fact, id=event_id, source=source, subject=number, time=now, salt=salt))


def _counted(events: list[Sent], load: Load) -> list[Sent]:
    return events[round(WARM_UP_S * load.per_s) :]


async def _open_applications(client: aiohttp.ClientSession, numbers: list[str]) -> None:
    fact = Submitted(
        service="passport_new", office="lebong", channel="internet", by=Actor(role="applicant"), documents=[]
    )
    for place in range(0, len(numbers), 500):
        await _post(client, [_event(number, fact) for number in numbers[place : place + 500]])
    await asyncio.sleep(len(numbers) / 150)  # whatever the other services do about it is done


async def _post(client: aiohttp.ClientSession, events: list[Sent]) -> None:
    if len(events) == 1:
        content, kind = events[0].value, "application/cloudevents+json"
    else:
        content, kind = b"[" + b",".join(event.value for event in events) + b"]", "application/cloudevents-batch+json"
    async with client.post("/events", data=content, headers={"Content-Type": kind}) as answer:
        answer.raise_for_status()
        outcome = await answer.json()
    if outcome["accepted"] != len(events):
        raise RuntimeError(f"intake did not take everything: {str(outcome)[:300]}")


async def _at_their_times(events: list[Sent], load: Load, send: Send) -> None:
    """Send at fixed times, whether or not what went before has been answered."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for place in range(0, len(events), load.together):
            due = began + place / load.together * load.every_s
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(_timed(events[place : place + load.together], send))


async def _timed(events: list[Sent], send: Send) -> None:
    now = time.perf_counter()
    for event in events:
        event.sent = now
    await send(events)
    now = time.perf_counter()
    for event in events:
        event.accepted = now


async def _ours(system: RunningSystem, client: aiohttp.ClientSession, events: list[Sent], load: Load) -> None:
    reader = _Reader(events)
    connection = await asyncpg.connect(system.database, server_settings={"search_path": "status,public"})
    try:
        await connection.add_listener("status_events", reader.told)
        reading = asyncio.create_task(reader.read(system.database))
        await _at_their_times(events, load, lambda some: _post(client, some))
        await asyncio.wait_for(reading, PATIENCE_S)
    finally:
        await connection.close()


class _Reader:
    """Reads from the status, when told that there is news, which events are there."""

    def __init__(self, events: list[Sent]) -> None:
        self._awaited: defaultdict[str, dict[str, Sent]] = defaultdict(dict)
        for event in events:
            self._awaited[event.number][event.id] = event
        self._left = len(events)
        self._changed: set[str] = set()
        self._woken = asyncio.Event()

    def told(self, *notification: Any) -> None:
        """Take the numbers of a notification."""
        self._changed.update(notification[3].split())
        self._woken.set()

    async def read(self, dsn: str) -> None:
        """Until every event was found."""
        connection = await asyncpg.connect(dsn, server_settings={"search_path": "status,public"})
        try:
            while self._left:
                await self._woken.wait()
                self._woken.clear()
                changed, self._changed = self._changed & self._awaited.keys(), set()
                by_partition: defaultdict[int, list[str]] = defaultdict(list)
                for number in changed:
                    by_partition[partition_of(number, PARTITIONS)].append(number)
                for partition, numbers in by_partition.items():
                    await self._find(connection, partition, numbers)
        finally:
            await connection.close()

    async def _find(self, connection: Any, partition: int, numbers: list[str]) -> None:
        awaited = {event.id: event for number in numbers for event in self._awaited[number].values() if event.sent}
        rows = await connection.fetch(SELECT.format(partition), numbers, list(awaited))
        now = time.perf_counter()
        for row in rows:
            event = awaited[row["event_id"]]
            event.visible = now
            del self._awaited[event.number][event.id]
        self._left -= len(rows)


async def _bare(system: RunningSystem, events: list[Sent], load: Load) -> Latency:
    topic = f"bench-visible-{secrets.token_hex(4)}"
    await ensure_topic(system.kafka, topic, partitions=PARTITIONS, config=LOG_CONFIG)
    await asyncio.sleep(1.0)  # until its partitions have leaders
    producer = AIOKafkaProducer(bootstrap_servers=system.kafka, enable_idempotence=True, acks="all")
    consumer = AIOKafkaConsumer(bootstrap_servers=system.kafka, auto_offset_reset="earliest")
    connection = await asyncpg.connect(system.database)
    await connection.execute(CREATE)

    async def send(some: list[Sent]) -> None:
        taken = [await producer.send(topic, event.value, key=event.number.encode()) for event in some]
        await asyncio.gather(*taken)

    try:
        await producer.start()
        await consumer.start()
        consumer.assign([TopicPartition(topic, partition) for partition in range(PARTITIONS)])
        consuming = asyncio.create_task(_insert(consumer, connection, {event.value: event for event in events}))
        await _at_their_times(events, load, send)
        await asyncio.wait_for(consuming, PATIENCE_S)
    finally:
        await producer.stop()
        await consumer.stop()
        await connection.execute("DROP TABLE bare")
        await connection.close()
    return Latency.of([event.visible - event.sent for event in _counted(events, load)])


async def _insert(consumer: AIOKafkaConsumer, connection: Any, awaited: dict[bytes, Sent]) -> None:
    while awaited:
        for records in (await consumer.getmany(timeout_ms=1_000)).values():
            arrived = [awaited.pop(record.value) for record in records]
            async with connection.transaction():
                await connection.executemany(INSERT, [(event.number, event.id, event.value) for event in arrived])
            now = time.perf_counter()
            for event in arrived:
                event.visible = now


MEASURES: dict[tuple[str, ...], Measure] = {("visible_p50", "visible_p99"): measure_visible}
