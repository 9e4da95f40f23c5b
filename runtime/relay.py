"""The outbox relay: what the event store holds goes to Kafka, in order, at least once, never skipped.

One relay a service is active, held by a PostgreSQL advisory lock on the very connection that stores the position: when
that connection is gone, so is the right to move it. The position is stored after the broker acknowledged; a crash in
between publishes again what consumers know by (`source`, `id`).
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import structlog
from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry, Counter, Gauge

from runtime.database import Connection, Pool, keep_session
from runtime.eventstore import EventStore, Notification
from runtime.kafka_clients import abandon, mend_connections, while_alive
from runtime.listening import follow

log = structlog.get_logger()

TRY_LOCK = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
SELECT_POSITION = """
INSERT INTO relay_positions (topic, notification_id) VALUES ($1, 0)
ON CONFLICT (topic) DO UPDATE SET topic = excluded.topic
RETURNING notification_id
"""
STORE_POSITION = "UPDATE relay_positions SET notification_id = $3 WHERE topic = $1 AND notification_id = $2"

_BATCH = 2000
_WAKE_S = 0.5
_ELECTION_S = 0.5


class RelayMetrics:
    """What operators watch of an outbox."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.published = Counter("jejak_relay_published", "Events handed to Kafka.", registry=registry)
        self.position = Gauge("jejak_relay_position", "Last notification id handed to Kafka.", registry=registry)


class Relay:
    """Publishes one service's events to one topic.

    `publishes` says which types leave the service; `key` gives the Kafka key of an event's bytes; `channel` is notified
    by the event store with every append.
    """

    def __init__(
        self,
        *,
        store: EventStore,
        pool: Pool,
        bootstrap: str,
        topic: str,
        generation: str,
        schema: str,
        publishes: Callable[[str], bool],
        key: Callable[[bytes], bytes],
        content_type: str,
        metrics: RelayMetrics | None = None,
        channel: str,
    ) -> None:
        self._store = store
        self._pool = pool
        self._bootstrap = bootstrap
        self._topic = topic
        self._position_name = f"{topic}@{generation}"
        self._lock_name = f"jejak-relay:{schema}:{topic}"
        self._publishes = publishes
        self._key = key
        self._headers = [("content-type", content_type.encode())]
        self._metrics = metrics
        self._channel = channel
        self._position = 0

    async def run(self) -> None:
        """Wait to be the active one, then publish for ever. Raises on any trouble; start it again (`runtime.tasks`)."""
        async with self._pool.acquire(timeout=10) as connection:
            keep_session(connection)  # the pool gives up the lock when it takes the connection back
            await self._elected(connection)
            mend_connections()
            # A producer that met trouble may stick on its sequence numbers: each run has a new one.
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                enable_idempotence=True,
                acks="all",
                linger_ms=0,
                max_batch_size=256 * 1024,
                request_timeout_ms=10_000,
            )
            try:
                await producer.start()
                self._position = int(await connection.fetchval(SELECT_POSITION, self._position_name))
                publish = partial(self._publish_next, connection, producer)
                await follow(connection, self._channel, publish, look_every_s=_WAKE_S)
            finally:
                await abandon(producer)

    async def _elected(self, connection: Connection) -> None:
        while not await connection.fetchval(TRY_LOCK, self._lock_name):  # noqa: ASYNC110 - the event is in another process
            await asyncio.sleep(_ELECTION_S)
        log.info("relay_active", topic=self._topic)

    async def _publish_next(self, connection: Connection, producer: AIOKafkaProducer) -> bool:
        """Publish what comes next; whether there may be more."""
        batch = await self._store.notifications(self._position, _BATCH)
        if batch:
            leaving = [event for event in batch if self._publishes(event.type)]
            await while_alive(producer, self._publish(producer, leaving))
            self._position = await self._store_position(connection, self._position, batch[-1].id)
        return len(batch) == _BATCH

    async def _publish(self, producer: AIOKafkaProducer, events: Sequence[Notification]) -> None:
        sent = [
            await producer.send(self._topic, event.state, key=self._key(event.state), headers=self._headers)
            for event in events
        ]
        await asyncio.gather(*sent)
        if self._metrics:
            self._metrics.published.inc(len(events))

    async def _store_position(self, connection: Connection, before: int, after: int) -> int:
        done = await connection.execute(STORE_POSITION, self._position_name, before, after)
        if done != "UPDATE 1":
            raise RuntimeError(f"the outbox position of {self._topic} is no longer {before}: another relay moved it")
        if self._metrics:
            self._metrics.position.set(after)
        return after
