"""The exactly-once inbox, the relay and quarantine on real Kafka and PostgreSQL."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from runtime.database import Connection, Pool, keep_session, open_pool
from runtime.eventstore import Append, NewEvent, PostgresEventStore, VersionConflict
from runtime.inbox import AsyncpgEffect, EventStoreEffect, Inbox, Reassigned
from runtime.kafka import LOG_CONFIG, WrongTopic, ensure_topic, open_broker, topic_generation
from runtime.migrations import migrate
from runtime.positions import Advance, Fenced
from runtime.quarantine import NotReleasable, Quarantine
from runtime.records import Record
from runtime.relay import Relay
from runtime.subscription import consume, subscribe
from runtime.tasks import running

pytestmark = pytest.mark.system

CREATE_SEEN = "CREATE TABLE seen (key text, value text, at bigint GENERATED ALWAYS AS IDENTITY)"


@dataclass
class Stage:
    kafka: str
    topic: str
    generation: str
    pool: Pool
    store: PostgresEventStore
    broken: set[bytes] = field(default_factory=set)

    async def handle(self, connection: Connection, records: Sequence[Record]) -> None:
        for record in records:
            if record.value in self.broken:
                raise ValueError("cannot be handled")
            assert record.key is not None
            assert record.value is not None
            await connection.execute(
                "INSERT INTO seen (key, value) VALUES ($1, $2)", record.key.decode(), record.value.decode()
            )

    def inbox(self, consumer: str = "test") -> Inbox:
        effect = AsyncpgEffect(self.pool, self.handle)
        return Inbox(consumer=consumer, topic=self.topic, generation=self.generation, pool=self.pool, effect=effect)

    async def seen(self) -> list[tuple[str, str]]:
        return [(row["key"], row["value"]) for row in await self.pool.fetch("SELECT key, value FROM seen ORDER BY at")]

    async def seen_count(self, count: int, timeout_s: float = 30) -> list[tuple[str, str]]:
        async with asyncio.timeout(timeout_s):
            while len(await self.seen()) < count:
                await asyncio.sleep(0.05)
        return await self.seen()

    @asynccontextmanager
    async def consuming(self, *inboxes: Inbox) -> AsyncIterator[None]:
        async def work() -> None:
            broker = open_broker(self.kafka)
            for inbox in inboxes:
                subscribe(broker, inbox)
            await consume(broker, inboxes)

        async with running(consumers=work):
            yield

    async def publish(self, *messages: tuple[str, str], **options: object) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka, **options)
        await producer.start()
        try:
            for key, value in messages:
                await producer.send_and_wait(self.topic, value.encode(), key=key.encode())
        finally:
            await producer.stop()


@pytest.fixture
async def stage(infrastructure, fresh_database: str, tmp_path: Path) -> AsyncIterator[Stage]:
    topic = f"test-{uuid.uuid4().hex}"
    await ensure_topic(infrastructure.kafka, topic, partitions=3, config=LOG_CONFIG)
    pool = await open_pool(fresh_database, schema="testing")
    store = PostgresEventStore.open(fresh_database, "testing")
    await migrate(pool, "testing", tmp_path)
    await store.prepare()
    await pool.execute(CREATE_SEEN)
    generation = await topic_generation(infrastructure.kafka, topic)
    yield Stage(infrastructure.kafka, topic, generation, pool, store)
    await store.close()
    await pool.close()


async def test_every_record_is_handled_once_and_in_order_of_its_key(stage: Stage) -> None:
    await stage.publish(*[(f"k{i % 5}", f"{i:04}") for i in range(200)])
    async with stage.consuming(stage.inbox()):
        seen = await stage.seen_count(200)
    for key in {key for key, _ in seen}:
        values = [value for k, value in seen if k == key]
        assert values == sorted(values)
    assert len(set(seen)) == 200


async def test_a_restarted_consumer_goes_on_from_the_stored_position(stage: Stage) -> None:
    await stage.publish(*[("a", str(i)) for i in range(50)])
    async with stage.consuming(stage.inbox()):
        await stage.seen_count(50)
    await stage.publish(*[("a", str(i)) for i in range(50, 60)])
    async with stage.consuming(stage.inbox()):
        seen = await stage.seen_count(60)
    assert [value for _, value in seen] == [str(i) for i in range(60)]


async def test_two_consumers_of_one_name_share_the_work_without_doubling_it(stage: Stage) -> None:
    async with stage.consuming(stage.inbox()), stage.consuming(stage.inbox()):
        await stage.publish(*[(f"k{i}", str(i)) for i in range(100)])
        await stage.seen_count(100)
        await asyncio.sleep(1)
        assert len(await stage.seen()) == 100


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_a_compressed_record_is_read(stage: Stage, codec: str) -> None:
    await stage.publish(("a", codec), compression_type=codec)
    async with stage.consuming(stage.inbox()):
        assert await stage.seen_count(1) == [("a", codec)]


async def test_a_record_that_cannot_be_handled_holds_back_only_its_own_key(stage: Stage) -> None:
    stage.broken = {b"bad"}
    await stage.publish(("a", "1"), ("b", "1"), ("a", "bad"), ("a", "3"), ("b", "2"), ("a", "4"))
    quarantine = Quarantine(stage.pool, stage.store, "//test")
    async with stage.consuming(stage.inbox()):
        seen = await stage.seen_count(3)
        await asyncio.sleep(0.5)
        assert sorted(await stage.seen()) == sorted([("a", "1"), ("b", "1"), ("b", "2")])
        waiting = await quarantine.list(after=None, limit=10, state=None)
        assert [(w.state, w.key, w.attempts) for w in waiting] == [
            ("failed", "a", 1),
            ("behind", "a", 0),
            ("behind", "a", 0),
        ]
        assert waiting[0].error == "ValueError: cannot be handled"
        with pytest.raises(NotReleasable):
            await quarantine.release(waiting[1].id, "operator", datetime.now(UTC))
        stage.broken = set()
        await quarantine.release(waiting[0].id, "operator", datetime.now(UTC))
        seen = await stage.seen_count(6)
        assert [value for key, value in seen if key == "a"] == ["1", "bad", "3", "4"]
        await stage.publish(("a", "5"))
        await stage.seen_count(7)
    events = await stage.store.load(f"quarantine:{waiting[0].id}")
    assert [event.type for event in events] == ["id.jejak.operations.quarantine_released.v1"]


async def test_a_discarded_record_lets_those_behind_it_go_on(stage: Stage) -> None:
    stage.broken = {b"bad"}
    await stage.publish(("a", "bad"), ("a", "2"))
    quarantine = Quarantine(stage.pool, stage.store, "//test")
    async with stage.consuming(stage.inbox()):
        async with asyncio.timeout(20):
            while len(waiting := await quarantine.list(after=None, limit=10, state=None)) < 2:
                await asyncio.sleep(0.05)
        await quarantine.discard(waiting[0].id, "duplicate_import", "operator", datetime.now(UTC))
        assert await stage.seen_count(1) == [("a", "2")]
        await stage.publish(("a", "3"))
        assert await stage.seen_count(2) == [("a", "2"), ("a", "3")]
    event = json.loads((await stage.store.load(f"quarantine:{waiting[0].id}"))[0].state)
    assert event["data"] == {"by": "operator", "reason": "duplicate_import"}


async def test_discarding_the_only_record_frees_its_key(stage: Stage) -> None:
    stage.broken = {b"bad"}
    await stage.publish(("a", "bad"))
    quarantine = Quarantine(stage.pool, stage.store, "//test")
    async with stage.consuming(stage.inbox()):
        async with asyncio.timeout(20):
            while not (waiting := await quarantine.list(after=None, limit=10, state=None)):
                await asyncio.sleep(0.05)
        await quarantine.discard(waiting[0].id, "test", "operator", datetime.now(UTC))
        await asyncio.sleep(2.5)
        await stage.publish(("a", "2"))
        assert await stage.seen_count(1) == [("a", "2")]


async def test_a_header_that_is_not_utf8_loses_nothing(stage: Stage) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=stage.kafka)
    await producer.start()
    await producer.send_and_wait(stage.topic, b"v", key=b"a", headers=[("x", b"\xff\xfe")])
    await producer.stop()
    async with stage.consuming(stage.inbox()):
        assert await stage.seen_count(1) == [("a", "v")]


async def test_a_consumer_that_lost_its_partition_cannot_write(stage: Stage) -> None:
    mine, other = stage.inbox(), stage.inbox()
    await mine.assign(0)
    await other.assign(0)
    record = Record(stage.topic, 0, 0, 0, b"a", b"1")
    await other.deliver(0, [record])
    with pytest.raises(Reassigned):
        await mine.deliver(0, [record])
    assert await stage.seen() == [("a", "1")]


def _choosing(stage: Stage, consumer: str = "choosing", *, together: bool = False) -> Inbox:
    """Records that begin with `-` concern it not; what begins with `?` cannot be told."""

    def concerns(record: Record) -> bool:
        assert record.value is not None
        if record.value.startswith(b"?"):
            raise ValueError("unreadable")
        return not record.value.startswith(b"-")

    effect = AsyncpgEffect(stage.pool, stage.handle, concerns=concerns, together=together)
    return Inbox(consumer=consumer, topic=stage.topic, generation=stage.generation, pool=stage.pool, effect=effect)


async def test_what_concerns_nobody_is_passed_and_the_position_follows(stage: Stage) -> None:
    inbox = _choosing(stage)
    await inbox.assign(0)
    values = [b"-1", b"-2", b"3", b"-4"]
    records = [Record(stage.topic, 0, offset, 0, b"a", value) for offset, value in enumerate(values)]
    await inbox.deliver(0, records[:2])
    assert inbox.position(0) == 2
    assert await _choosing(stage).assign(0) == 0  # nothing was written
    await inbox.deliver(0, records[2:3])
    assert await _choosing(stage).assign(0) == 3
    await inbox.deliver(0, records[3:])
    await inbox.store_passed()
    assert await _choosing(stage).assign(0) == 4
    assert [value for _, value in await stage.seen()] == ["3"]


async def test_who_passes_records_of_a_lost_partition_writes_nothing_and_lets_it_go(stage: Stage) -> None:
    mine, other = _choosing(stage), _choosing(stage)
    await mine.assign(0)
    await other.assign(0)
    passed, told = (Record(stage.topic, 0, offset, 0, b"a", value) for offset, value in enumerate([b"-1", b"2"]))
    await mine.deliver(0, [passed])
    await other.deliver(0, [passed])
    await other.deliver(0, [told])
    with pytest.raises(Reassigned):
        await mine.deliver(0, [told])
    await mine.store_passed()
    assert mine.position(0) is None
    assert await other.assign(0) == 2
    assert await stage.seen() == [("a", "2")]


async def _together(stage: Stage) -> Inbox:
    effect = AsyncpgEffect(stage.pool, stage.handle, together=True)
    inbox = Inbox(consumer="all", topic=stage.topic, generation=stage.generation, pool=stage.pool, effect=effect)
    for partition in range(3):
        await inbox.assign(partition)
    return inbox


def _runs(stage: Stage, begin: int, count: int) -> dict[int, list[Record]]:
    """Records of all three partitions, each with a key of its own."""
    return {
        partition: [
            Record(stage.topic, partition, offset, 0, b"k%d" % partition, b"%d-%d" % (partition, offset))
            for offset in range(begin, begin + count)
        ]
        for partition in range(3)
    }


async def test_few_records_of_several_partitions_are_one_transaction(stage: Stage) -> None:
    inbox = await _together(stage)
    assert await inbox.deliver_together(_runs(stage, 0, 2))
    assert await inbox.deliver_together(_runs(stage, 1, 2))  # what was handled is left out
    assert await stage.seen() == [
        *[(f"k{partition}", f"{partition}-{offset}") for partition in range(3) for offset in (0, 1)],
        *[(f"k{partition}", f"{partition}-2") for partition in range(3)],
    ]
    assert await stage.pool.fetchval("SELECT count(DISTINCT xmin::text) FROM seen") == 2
    assert [await inbox.assign(partition) for partition in range(3)] == [3, 3, 3]


async def test_what_fails_together_is_handled_apart(stage: Stage) -> None:
    stage.broken.add(b"1-1")
    inbox, runs = await _together(stage), _runs(stage, 0, 3)
    assert not await inbox.deliver_together(runs)
    assert await stage.seen() == []
    for partition, run in runs.items():
        await inbox.deliver(partition, run)
    assert len(await stage.seen()) == 7  # without what cannot be handled and the one behind it
    assert not await inbox.deliver_together(_runs(stage, 3, 1))  # one of the keys waits
    assert len(await stage.seen()) == 7


async def test_nothing_is_written_together_where_one_partition_was_lost(stage: Stage) -> None:
    mine, other, runs = await _together(stage), await _together(stage), _runs(stage, 0, 1)
    await other.deliver(2, runs[2])
    assert not await mine.deliver_together(runs)
    assert await stage.seen() == [("k2", "2-0")]
    mine.revoke(1)
    assert not await mine.deliver_together({partition: runs[partition] for partition in (0, 1)})
    assert await stage.seen() == [("k2", "2-0")]


async def test_what_concerns_nobody_is_not_written_together(stage: Stage) -> None:
    inbox = _choosing(stage, together=True)
    for partition in range(2):
        await inbox.assign(partition)
    runs = {partition: [Record(stage.topic, partition, 0, 0, b"a", b"-")] for partition in range(2)}
    assert not await inbox.deliver_together(runs)


async def test_what_cannot_be_told_is_quarantined_and_holds_back_also_what_concerns_nobody(stage: Stage) -> None:
    stage.broken.add(b"?1")
    inbox = _choosing(stage)
    await inbox.assign(0)
    records = [Record(stage.topic, 0, offset, 0, b"a", value) for offset, value in enumerate([b"-0", b"?1", b"-2"])]
    for record in records:
        await inbox.deliver(0, [record])
    rows = await stage.pool.fetch('SELECT "offset", state FROM quarantine ORDER BY "offset"')
    assert [tuple(row) for row in rows] == [(1, "failed"), (2, "behind")]
    assert await _choosing(stage).assign(0) == 3


async def test_a_sessions_lock_ends_with_its_lending_and_only_who_says_so_has_one(stage: Stage) -> None:
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    async with stage.pool.acquire() as connection:
        keep_session(connection)
        await connection.execute("SELECT pg_advisory_lock(7)")
        assert await connection.fetchval(held) == 1
    assert await stage.pool.fetchval(held) == 0


async def test_events_and_position_are_one_transaction(stage: Stage) -> None:
    async def decide(records: Sequence[Record]) -> Sequence[Append]:
        return [Append(f"s-{record.offset}", 0, [NewEvent("t", record.value or b"")]) for record in records]

    inbox = Inbox(
        consumer="events", topic=stage.topic, generation=stage.generation, pool=stage.pool,
        effect=EventStoreEffect(stage.store, decide),
    )  # fmt: skip
    await inbox.assign(1)
    await inbox.deliver(1, [Record(stage.topic, 1, offset, 0, b"a", b"v") for offset in range(3)])
    assert await inbox.assign(1) == 3
    assert [n.stream for n in await stage.store.notifications(0, 10)] == ["s-0", "s-1", "s-2"]
    stale = Advance("events", f"{stage.topic}@{stage.generation}", 1, 1, 2)
    with pytest.raises(Fenced):
        await stage.store.append(Append("s-9", 0, [NewEvent("t", b"v")]), advance=stale)
    assert await stage.store.load("s-9") == []


async def test_of_two_writers_of_one_version_one_wins(stage: Stage) -> None:
    first = Append("s", 0, [NewEvent("t", b"1")])
    await stage.store.append(first)
    with pytest.raises(VersionConflict):
        await stage.store.append(Append("s", 0, [NewEvent("t", b"2")]))
    await stage.store.append(first)  # its answer was lost and it is sent again
    assert [event.state for event in await stage.store.load("s")] == [b"1"]


async def test_the_relay_publishes_in_order_only_what_may_leave_and_never_skips(stage: Stage) -> None:
    def relay() -> Relay:
        return Relay(
            store=stage.store, pool=stage.pool, bootstrap=stage.kafka, topic=stage.topic, generation=stage.generation,
            schema="testing", publishes=lambda kind: kind.startswith("public."), key=lambda state: state[:1],
            content_type="application/json", channel=stage.store.channel,
        )  # fmt: skip

    async def append_all(start: int) -> None:
        for i in range(start, start + 40):
            kind = "private.x" if i % 4 == 0 else "public.x"
            await stage.store.append(Append(f"s{i}", 0, [NewEvent(kind, f"a{i:03}".encode())]))

    expected = [f"a{i:03}" for i in range(80) if i % 4]
    async with stage.consuming(stage.inbox()):
        async with running(relay=relay().run, standby=relay().run):
            await append_all(0)
            await stage.seen_count(30)
        async with running(relay=relay().run):
            await append_all(40)
            seen = await stage.seen_count(60)
    assert [value for _, value in seen] == expected


@pytest.mark.parametrize("task", ["_client._sync_task", "_coordinator._coordination_task", "_fetcher._fetch_task"])
async def test_a_consumer_that_came_to_a_stand_is_made_anew(stage: Stage, task: str) -> None:
    brokers: list[Any] = []

    async def work() -> None:
        brokers.append(broker := open_broker(stage.kafka))
        inbox = stage.inbox()
        subscribe(broker, inbox)
        await consume(broker, [inbox])

    async with running(consumers=work):
        await stage.publish(("a", "1"))
        await stage.seen_count(1)
        attrgetter(task)(brokers[0].subscribers[0].consumer).cancel()
        async with asyncio.timeout(20):
            while len(brokers) == 1:
                await asyncio.sleep(0.05)
        await stage.publish(("a", "2"))
        assert await stage.seen_count(2) == [("a", "1"), ("a", "2")]


async def test_a_topic_of_another_number_of_partitions_is_refused(stage: Stage) -> None:
    with pytest.raises(WrongTopic, match="3 partitions, 12 are needed"):
        await ensure_topic(stage.kafka, stage.topic, partitions=12)


async def test_a_topic_made_anew_has_another_generation(infrastructure) -> None:
    names = [f"test-{uuid.uuid4().hex}" for _ in range(2)]
    for name in names:
        await ensure_topic(infrastructure.kafka, name, partitions=1)
    first, second = [await topic_generation(infrastructure.kafka, name) for name in names]
    assert first != second


async def test_migrations_are_applied_once_and_in_order(fresh_database: str, tmp_path: Path) -> None:
    (tmp_path / "0001_first.sql").write_text("CREATE TABLE first (n int)")
    (tmp_path / "0002_second.sql").write_text("ALTER TABLE first ADD COLUMN m int")
    pool = await open_pool(fresh_database, schema="testing")
    await asyncio.gather(*(migrate(pool, "testing", tmp_path) for _ in range(4)))
    assert await pool.fetch("SELECT n, m FROM testing.first") == []
    (tmp_path / "0003_broken.sql").write_text("ALTER TABLE first ADD COLUMN k int; SELECT nonsense")
    with pytest.raises(asyncpg.UndefinedColumnError):
        await migrate(pool, "testing", tmp_path)
    with pytest.raises(asyncpg.UndefinedColumnError):
        await pool.fetch("SELECT k FROM testing.first")
    await pool.close()
