"""What stands behind a service's HTTP side: its schema, its event store, its outbox, its consumers.

All of it starts in the background and is tried again until it succeeds, so that a service answers, and accepts what its
database accepts, while the broker or even the database is still away.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import structlog
from litestar import Litestar

from runtime.database import make_pool
from runtime.eventstore import PostgresEventStore
from runtime.inbox import Effect, Inbox
from runtime.kafka import LOG_CONFIG, ensure_topic, open_broker
from runtime.migrations import migrate
from runtime.quarantine import Quarantine
from runtime.relay import Relay, RelayMetrics
from runtime.settings import Settings
from runtime.subscription import consume, subscribe
from runtime.tasks import running

log = structlog.get_logger()

PATIENCE_MS = 100
"""For what nobody looks at while it happens: every fetch costs the broker and the service a millisecond."""


class _Consumer(NamedTuple):
    """What `Backbone.consumes` was told."""

    name: str
    effect: Effect
    max_records: int
    partitions: Collection[int] | None
    patience_ms: int


@dataclass(frozen=True, kw_only=True)
class Log:
    """The event log that a service reads and writes."""

    topic: str
    partitions: int
    content_type: str
    publishes: Callable[[str], bool]
    """Which types of the service's events leave it."""
    key: Callable[[bytes], bytes]
    """The Kafka key of an event's bytes."""


class Backbone:
    """Made within the running loop; `running` is its life.

    `pool` and `store` can be handed around at once; they connect when they are used. `source` is that of the service's
    events.
    """

    def __init__(
        self,
        settings: Settings,
        log: Log,
        *,
        schema: str,
        migrations: Path,
        source: str,
        relay_metrics: RelayMetrics | None = None,
        pool_size: int = 8,
    ) -> None:
        self.pool = make_pool(settings.database, schema=schema, max_size=pool_size)
        self.store = PostgresEventStore.open(settings.database, schema)
        self.source = source
        self.quarantine = Quarantine(self.pool, self.store, source)
        self.inboxes: list[Inbox] = []
        self._settings = settings
        self._log = log
        self._schema = schema
        self._migrations = migrations
        self._relay_metrics = relay_metrics
        self._consumers: list[_Consumer] = []
        self._works: dict[str, Callable[[], Awaitable[None]]] = {}
        self._prepared = asyncio.Event()
        self._generation = settings.log_generation
        self._reaching: asyncio.Task[str] | None = None

    def consumes(
        self,
        consumer: str,
        effect: Effect,
        *,
        max_records: int = 500,
        partitions: Collection[int] | None = None,
        patience_ms: int = PATIENCE_MS,
    ) -> None:
        """Have the log's records handled by `effect` under the name `consumer`, each exactly once.

        `partitions`: only those, where several consumers with databases of their own divide the log. `patience_ms`: how
        long a record may wait for more to come, so that a fetch and a transaction are for several; 0: not at all.
        """
        self._consumers.append(_Consumer(consumer, effect, max_records, partitions, patience_ms))

    def works(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Keep `work` running once the schema is there."""
        self._works[name] = work

    async def generation(self) -> str:
        """The generation of the log's topic; known once the broker was reached."""
        if self._generation is None:
            return await self._reach_log()
        return self._generation

    async def qualified_topic(self) -> str:
        """The log's name and generation, as positions have it; known once the broker was reached."""
        return f"{self._log.topic}@{await self.generation()}"

    async def check_database(self) -> None:
        """Ready when the schema is up to date and a query is answered."""
        if not self._prepared.is_set():
            raise RuntimeError("the schema is not prepared yet")
        await self.pool.fetchval("SELECT 1")

    async def check_consumers(self) -> None:
        """Ready when every consumer was made (its partitions may still be with another replica)."""
        if len(self.inboxes) != len(self._consumers):
            raise RuntimeError("the consumers have not reached the broker yet")

    @asynccontextmanager
    async def running(self, _: Litestar | None = None) -> AsyncIterator[None]:
        """Everything up in the background; at the end everything stopped and closed."""
        await self.pool
        try:
            works = {name: self._after_preparation(work) for name, work in self._works.items()}
            async with running(prepare=self._prepare, relay=self._relay, consumers=self._consume, **works):
                yield
        finally:
            if self._reaching is not None:
                self._reaching.cancel()
            await self.store.close()
            self.pool.terminate()

    async def _prepare(self) -> None:
        if not self._prepared.is_set():
            await migrate(self.pool, self._schema, self._migrations)
            await self.store.prepare()
            self._prepared.set()
            log.info("schema_ready", schema=self._schema)
        await asyncio.Event().wait()

    async def _reach_log(self) -> str:
        """The log's generation, once it is there. Those who want it at the same time wait for the same answer."""
        await self._prepared.wait()
        if self._reaching is None or self._reaching.done():
            self._reaching = asyncio.create_task(self._ensure_log())
        return await asyncio.shield(self._reaching)

    async def _ensure_log(self) -> str:
        found = await ensure_topic(
            self._settings.kafka,
            self._log.topic,
            partitions=self._log.partitions,
            replication=self._settings.topic_replication,
            config=LOG_CONFIG,
            tell_generation=self._generation is None,
        )
        self._generation = self._generation or found or ""
        return self._generation

    async def _relay(self) -> None:
        generation = await self._reach_log()
        await Relay(
            store=self.store,
            pool=self.pool,
            bootstrap=self._settings.kafka,
            topic=self._log.topic,
            generation=generation,
            schema=self._schema,
            publishes=self._log.publishes,
            key=self._log.key,
            content_type=self._log.content_type,
            metrics=self._relay_metrics,
            channel=self.store.channel,
        ).run()

    async def _consume(self) -> None:
        if not self._consumers:
            await asyncio.Event().wait()
        generation = await self._reach_log()
        broker = open_broker(self._settings.kafka)
        inboxes = [
            Inbox(
                consumer=wanted.name,
                topic=self._log.topic,
                generation=generation,
                pool=self.pool,
                effect=wanted.effect,
                max_records=wanted.max_records,
            )
            for wanted in self._consumers
        ]
        for inbox, wanted in zip(inboxes, self._consumers, strict=True):
            subscribe(broker, inbox, wanted.partitions, patience_ms=wanted.patience_ms)
        self.inboxes = inboxes
        await consume(broker, inboxes)

    def _after_preparation(self, work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
        async def wait_and_work() -> None:
            await self._prepared.wait()
            await work()

        return wait_and_work
