"""How far the projection is behind the log."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, TopicPartition
from prometheus_client import Gauge

from contracts.envelope import PARTITIONS
from runtime.database import Pool
from services.status.rebuilding.plans import SELECT_POSITIONS

_TIMEOUT_MS = 10_000


class TooFarBehind(Exception):
    """The answers are older than they may be."""


class Lag:
    """Measures now and then; the check answers from the last measurement, also while the broker is away."""

    def __init__(
        self,
        pool: Pool,
        consumer: str,
        topic: str,
        generation: Callable[[], Awaitable[str]],
        *,
        gauge: Gauge,
        limit: int,
        partitions: Collection[int] = range(PARTITIONS),
    ) -> None:
        self._pool = pool
        self._consumer = consumer
        self._topic = topic
        self._generation = generation
        self._gauge = gauge
        self._limit = limit
        self._partitions = partitions
        self.records = 0
        self.known_until: datetime | None = None
        """Everything that the log had recorded by then is projected; `None` until that was measured."""
        self._awaited: tuple[datetime, list[int]] | None = None
        """An instant, and the ends of the log then."""

    async def measure(self, bootstrap: str, every_s: float = 5.0) -> None:
        """For ever; raises when the broker or the database cannot be reached."""
        places = [TopicPartition(self._topic, partition) for partition in range(PARTITIONS)]
        async with _reader(bootstrap) as reader:
            while True:
                now = datetime.now(UTC)
                qualified = f"{self._topic}@{await self._generation()}"
                found = await reader.end_offsets(places)
                ends = [found[place] for place in places]
                rows = await self._pool.fetch(SELECT_POSITIONS, self._consumer, qualified)
                positions = {row["partition"]: row["next_offset"] for row in rows}
                self.records = sum(max(0, ends[place] - positions.get(place, 0)) for place in self._partitions)
                self._gauge.set(self.records)
                self.learn(now, ends, positions)
                await asyncio.sleep(every_s)

    def learn(self, now: datetime, ends: list[int], positions: Mapping[int, int]) -> None:
        """What follows for `known_until` from the ends of the log at `now` and the positions after that."""
        awaited = self._awaited or (now, ends)
        if all(positions.get(place, 0) >= awaited[1][place] for place in self._partitions):
            self.known_until, awaited = awaited[0], (now, ends)
            if self.records == 0:
                self.known_until = now
        self._awaited = awaited

    async def check(self) -> None:
        """Ready as long as the projection is not too far behind. Raises `TooFarBehind`."""
        if self.records > self._limit:
            raise TooFarBehind(f"{self.records} records are not projected yet")


@asynccontextmanager
async def _reader(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group that asks about the log without reading it. One whose tasks have died asks in vain until its
    timeout, and the measuring begins anew with another."""
    reader = AIOKafkaConsumer(bootstrap_servers=bootstrap, request_timeout_ms=_TIMEOUT_MS)
    try:
        await reader.start()
        yield reader
    finally:
        await reader.stop()
