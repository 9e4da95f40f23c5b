"""The exactly-once consumer: an effect and its position are one transaction of the service's database.

Delivery from Kafka is at least once; what makes it once is that the position is read back from the database on every
assignment, moves only together with the effect, and is fenced (`runtime.positions`). A batch that fails for a reason
that does not pass by itself is halved until the one record is found that cannot be handled; that one goes to
quarantine, later records of its key wait behind it, all others go on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Protocol

import structlog

from runtime import quarantine
from runtime.database import Connection, Pool
from runtime.eventstore import Append, EventStore, VersionConflict
from runtime.faults import is_transient
from runtime.pauses import backoff, pause
from runtime.positions import Advance, Fenced, advance, stored_position
from runtime.records import Record

log = structlog.get_logger()

Handle = Callable[[Connection, Sequence[Record]], Awaitable[None]]
Decide = Callable[[Sequence[Record]], Awaitable[Sequence[Append]]]


class Reassigned(Exception):
    """The partition is no longer this consumer's, or its position is not where it was thought: fetch from the stored one."""


class Effect(Protocol):
    """What a consumer does with records of one partition, in order, together with moving its position."""

    note: Handle
    """What is written of records that go to quarantine, in that transaction."""
    together: bool
    """Whether one transaction may take in records of several partitions."""

    def concerns(self, record: Record) -> bool:
        """Whether `record` is to be written about. What is raised says so too: it is met again where it is written."""
        ...

    async def write(self, records: Sequence[Record], steps: Sequence[Advance]) -> None:
        """Do it all in one transaction; without `steps`, one for each partition, (records out of quarantine) only the effect."""
        ...


Concerns = Callable[[Record], bool]


def _everything(record: Record) -> bool:
    return True


async def _nothing(connection: Connection, records: Sequence[Record]) -> None:
    return None


class AsyncpgEffect:
    """Rows, by `handle(connection, records)`. `concerns`: which records it does anything about. `together`: whether it takes
    records of several partitions."""

    def __init__(self, pool: Pool, handle: Handle, *, concerns: Concerns = _everything, together: bool = False) -> None:
        self._pool = pool
        self._handle = handle
        self.note: Handle = _nothing
        self.concerns = concerns
        self.together = together

    async def write(self, records: Sequence[Record], steps: Sequence[Advance]) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            if steps:
                await advance(connection, *steps)
            await self._handle(connection, records)


class EventStoreEffect:
    """Events, by `decide(records)` → what to append. `concerns`: which records `decide` does anything about."""

    def __init__(self, store: EventStore, decide: Decide, *, concerns: Concerns = _everything) -> None:
        self._store = store
        self._decide = decide
        self.note: Handle = _nothing
        self.concerns = concerns
        self.together = False

    async def write(self, records: Sequence[Record], steps: Sequence[Advance]) -> None:
        await self._store.append(*await self._decide(records), advance=steps[0] if steps else None)


@dataclass
class _Partition:
    position: int
    """The next offset to handle."""
    stored: int
    """The position as the database has it: behind `position` where records that concern nobody were passed since."""
    blocked: set[bytes]
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Inbox:
    """One consumer of one topic. `consumer` names its positions and its Kafka group."""

    def __init__(
        self, *, consumer: str, topic: str, generation: str, pool: Pool, effect: Effect, max_records: int = 500
    ) -> None:
        self.consumer = consumer
        self.topic = topic
        self.max_records = max_records
        self._log_topic = f"{topic}@{generation}"
        self._pool = pool
        self._effect = effect
        self._partitions: dict[int, _Partition] = {}

    async def assign(self, partition: int) -> int:
        """Take the partition over: the offset to begin at. Waits as long as the database is away."""
        delays = backoff()
        while True:
            try:
                async with self._pool.acquire() as connection:
                    position = await stored_position(connection, self.consumer, self._log_topic, partition)
                    blocked = await quarantine.open_keys(connection, self.consumer, self._log_topic, partition)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning(
                    "position_unreadable", consumer=self.consumer, partition=partition, error=type(error).__name__
                )
                await pause(delays)
            else:
                self._partitions[partition] = _Partition(position, position, blocked)
                return position

    def revoke(self, partition: int) -> None:
        """Let the partition go; what is under way for it fails at the fence or is finished."""
        self._partitions.pop(partition, None)

    def position(self, partition: int) -> int | None:
        """The next offset to handle of a partition that this consumer has."""
        held = self._partitions.get(partition)
        return held.position if held else None

    async def deliver(self, partition: int, records: Sequence[Record]) -> None:
        """Handle records of one partition, in order. Returns when every one is handled or in quarantine.

        Raises `Reassigned` when the stored position is elsewhere: the caller asks `assign` again and seeks there.
        """
        held = self._partitions.get(partition)
        if held is None:
            raise Reassigned(partition)
        async with held.lock:
            await self._handle(held, [record for record in records if record.offset >= held.position])

    async def deliver_together(self, runs: Mapping[int, Sequence[Record]]) -> bool:
        """Handle records of several partitions in one transaction. False where something is in the way, or fails: then
        nothing was written, and each partition is to be delivered by itself.
        """
        if not self._effect.together or not runs.keys() <= self._partitions.keys():
            return False
        async with AsyncExitStack() as locks:
            fresh: list[tuple[_Partition, list[Record]]] = []
            for partition in sorted(runs):
                held = self._partitions[partition]
                await locks.enter_async_context(held.lock)
                fresh.append((held, [record for record in runs[partition] if record.offset >= held.position]))
            fresh = [(held, records) for held, records in fresh if records]
            if any(record.key in held.blocked for held, records in fresh for record in records):
                return False
            if not any(self._concern(records) for _, records in fresh):
                return False
            steps = [self._step(held, records) for held, records in fresh]
            try:
                await self._effect.write([record for _, records in fresh for record in records], steps)
            except Exception as error:
                log.info("delivered_apart", consumer=self.consumer, error=type(error).__name__)
                return False
            for (held, _), step in zip(fresh, steps, strict=True):
                held.position = held.stored = step.next_offset
        return True

    async def _handle(self, held: _Partition, records: Sequence[Record]) -> None:
        """Cut `records` into runs that wait behind quarantine and runs that do not, as quarantine stands when each is reached."""
        rest = records
        while rest:
            waits = rest[0].key in held.blocked
            run = list(takewhile(lambda record: (record.key in held.blocked) == waits, rest))  # noqa: B023 - used at once
            await (self._hold(held, run) if waits else self._attempt(held, run))
            rest = rest[len(run) :]

    async def _attempt(self, held: _Partition, records: Sequence[Record]) -> None:
        if not self._concern(records):
            held.position = records[-1].offset + 1  # stored with the next effect, or soon: nothing was written
            return
        try:
            await self._write(held, records)
        except Reassigned:
            raise
        except Exception as error:
            if len(records) == 1:
                await self._quarantine(held, records[0], error)
                return
            middle = len(records) // 2
            await self._handle(held, records[:middle])
            await self._handle(held, records[middle:])

    def _concern(self, records: Sequence[Record]) -> bool:
        try:
            return any(self._effect.concerns(record) for record in records)
        except Exception:
            return True  # whoever writes it meets the same error, and it is dealt with there

    async def _write(self, held: _Partition, records: Sequence[Record]) -> None:
        step = self._step(held, records)
        await self._persist(held, step, lambda: self._effect.write(records, [step]))

    async def _hold(self, held: _Partition, records: Sequence[Record]) -> None:
        step = self._step(held, records)

        async def keep_all() -> None:
            async with self._pool.acquire() as connection, connection.transaction():
                await advance(connection, step)
                await self._effect.note(connection, records)
                for record in records:
                    await quarantine.keep(
                        connection, self.consumer, record, topic=self._log_topic, error=None, attempts=0
                    )

        await self._persist(held, step, keep_all)

    async def _quarantine(self, held: _Partition, record: Record, error: Exception) -> None:
        step = self._step(held, [record])

        async def keep_it() -> None:
            async with self._pool.acquire() as connection, connection.transaction():
                await advance(connection, step)
                await self._effect.note(connection, [record])
                await quarantine.keep(
                    connection, self.consumer, record, topic=self._log_topic, error=describe(error), attempts=1
                )

        await self._persist(held, step, keep_it)
        if record.key is not None:
            held.blocked.add(record.key)
        log.error(
            "record_quarantined",
            consumer=self.consumer,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            error=describe(error),
        )

    def _step(self, held: _Partition, records: Sequence[Record]) -> Advance:
        return Advance(self.consumer, self._log_topic, records[0].partition, held.stored, records[-1].offset + 1)

    async def _persist(self, held: _Partition, step: Advance, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work` (which moves the position by `step`), again while the trouble is passing."""
        for delay in backoff():
            if self._partitions.get(step.partition) is not held:
                raise Reassigned(step.partition)
            try:
                await work()
            except Fenced as error:
                raise Reassigned(step.partition) from error
            except VersionConflict:
                log.info("effect_repeated", consumer=self.consumer, partition=step.partition)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("effect_delayed", consumer=self.consumer, error=type(error).__name__)
            else:
                held.position = held.stored = step.next_offset
                return
            await asyncio.sleep(delay)

    async def drain(self, every_s: float = 1.0) -> None:
        """Handle released records of the partitions at hand, and store how far others were passed, for ever."""
        while True:
            await self.store_passed()
            await self.drain_once()
            await asyncio.sleep(every_s)

    async def store_passed(self) -> None:
        """Store the positions of partitions in which records were passed. One that is fenced is let go."""
        for partition, held in list(self._partitions.items()):
            if held.position == held.stored:
                continue
            async with held.lock:
                step = Advance(self.consumer, self._log_topic, partition, held.stored, held.position)
                try:
                    async with self._pool.acquire() as connection:
                        await advance(connection, step)
                except Fenced:
                    if self._partitions.get(partition) is held:
                        self.revoke(partition)  # the next delivery asks for the position again
                else:
                    held.stored = step.next_offset

    async def drain_once(self) -> None:
        """Handle what operators have released so far, each key in order until one fails again."""
        mine = list(self._partitions)
        for row in await self._pool.fetch(quarantine.SELECT_RELEASED, self.consumer, self._log_topic, mine):
            held = self._partitions.get(row["partition"])
            if held is not None:
                async with held.lock:
                    await self._drain_key(row["partition"], row["key"])
        for partition, held in list(self._partitions.items()):
            if held.blocked:
                async with held.lock, self._pool.acquire() as connection:
                    held.blocked = await quarantine.open_keys(connection, self.consumer, self._log_topic, partition)

    async def _drain_key(self, partition: int, key: bytes | None) -> None:
        async with self._pool.acquire() as connection:
            for waiting in await quarantine.chain(connection, self.consumer, self._log_topic, partition, key):
                if waiting.state == "failed" and key is not None:
                    return
                if waiting.state != "failed" and not await self._retry(connection, waiting) and key is not None:
                    return

    async def _retry(self, connection: Connection, waiting: quarantine.Waiting) -> bool:
        try:
            await self._effect.write([waiting.record], [])
        except Exception as error:
            if is_transient(error) or isinstance(error, VersionConflict):
                raise
            await connection.execute(quarantine.SET_STATE, waiting.id, "failed", describe(error), 1, None)
            return False
        await connection.execute(quarantine.SET_STATE, waiting.id, "handled", None, 1, None)
        return True


def describe(error: BaseException) -> str:
    """An error in one line for operators, bounded: its kind and message, which hold no content of the record."""
    return f"{type(error).__name__}: {error}"[:500]
