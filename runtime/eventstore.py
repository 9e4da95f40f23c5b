"""The event store: streams of events with optimistic versions, and the outbox they are published from.

The table is that of `eventsourcing`'s recorder, and so is what makes it an outbox: an exclusive table lock on insert, so that
the notification log has no gaps that fill in later, and the version check by its key. The recorder itself is synchronous and
has half a dozen statements to an append; here one function of the database does the same in one round trip, without a thread.
An event's `state` is the exact bytes that may later go to Kafka; its `type` is the CloudEvents type.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

import asyncpg
import structlog
from eventsourcing.persistence import StoredEvent
from eventsourcing.popo import POPOApplicationRecorder

from runtime.database import Connection, Pool, check_schema, make_pool
from runtime.faults import is_transient
from runtime.positions import Advance, Fenced
from runtime.together import Together

log = structlog.get_logger()
State = TypeVar("State")
T = TypeVar("T")

_TABLE = "stored_events"
_ATTEMPTS = 3
_AWAY_S = 2.0
_LOCK_S = 5
_SELECT_STREAMS = """
SELECT originator_id, originator_version, topic, state FROM {schema}.stored_events
WHERE originator_id = ANY($1) ORDER BY originator_id, originator_version
"""
_SELECT_NOTIFICATIONS = """
SELECT notification_id, originator_id, topic, state FROM {schema}.stored_events
WHERE notification_id > $1 ORDER BY notification_id LIMIT $2
"""
_APPEND = "SELECT {schema}.append_events($1, $2, $3, $4, $5, $6, $7, $8, $9)"
_LOCK_PREPARING = "SELECT pg_advisory_xact_lock(hashtextextended('{schema}.append_events', 0))"
_CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS {schema}.stored_events (
    originator_id text NOT NULL,
    originator_version bigint NOT NULL,
    topic text,
    state bytea,
    notification_id bigserial,
    PRIMARY KEY (originator_id, originator_version)
) WITH (
    autovacuum_enabled = true,
    autovacuum_vacuum_threshold = 100000000,
    autovacuum_vacuum_scale_factor = 0.5,
    autovacuum_analyze_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.01
);
CREATE UNIQUE INDEX IF NOT EXISTS stored_events_notification_id_idx ON {schema}.stored_events (notification_id);
"""
"""To the letter that of `eventsourcing` (a test compares them), whose recorder would bring a second driver along."""
_CREATE_FUNCTION = """
CREATE OR REPLACE FUNCTION {schema}.append_events(
    streams text[], versions bigint[], types text[], states bytea[],
    of_consumer text, of_topic text, of_partition integer, expected bigint, reached bigint
) RETURNS boolean LANGUAGE plpgsql AS $body$
BEGIN
    IF of_consumer IS NOT NULL THEN
        UPDATE {schema}.consumer_positions SET next_offset = reached
        WHERE consumer = of_consumer AND topic = of_topic AND partition = of_partition AND next_offset = expected;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
    END IF;
    IF cardinality(streams) > 0 THEN
        LOCK TABLE {schema}.stored_events IN EXCLUSIVE MODE;
        INSERT INTO {schema}.stored_events (originator_id, originator_version, topic, state)
        SELECT * FROM unnest(streams, versions, types, states);
        NOTIFY {schema}_stored_events;
    END IF;
    RETURN true;
END
$body$
"""
"""False: the position is elsewhere, and nothing was written. The lock comes before the first notification id is drawn.

Releases side by side share the function: what would do something else needs another name.
"""


class NewEvent(NamedTuple):
    """An event to be appended."""

    type: str
    state: bytes


class StreamEvent(NamedTuple):
    """An event of a stream; versions count from 1."""

    version: int
    type: str
    state: bytes


class Append(NamedTuple):
    """Events to add to `stream`, whose last version must be `expected_version` (0: it does not exist yet)."""

    stream: str
    expected_version: int
    events: Sequence[NewEvent]


class Notification(NamedTuple):
    """An event in the order of the whole store: `id` counts from 1 in order of commit."""

    id: int
    stream: str
    type: str
    state: bytes


class VersionConflict(Exception):
    """Another writer appended to a stream first: load it again and decide again. Nothing was written."""


class EventStore(Protocol):
    """What services need of an event store."""

    async def load(self, stream: str) -> list[StreamEvent]:
        """All events of `stream` in order; an unknown stream is empty."""
        ...

    async def load_many(self, streams: Sequence[str]) -> dict[str, list[StreamEvent]]:
        """The events of several streams, every one of `streams` present."""
        ...

    async def append(self, *appends: Append, advance: Advance | None = None) -> None:
        """Add all events, and move the consumer's position, in one transaction.

        Raises `VersionConflict` or `Fenced`, with nothing written. Repeating an append whose answer was lost succeeds.
        """
        ...

    async def notifications(self, after: int, limit: int) -> list[Notification]:
        """The next events of the whole store after notification id `after`."""
        ...


def _stored(appends: Sequence[Append]) -> list[StoredEvent]:
    return [
        StoredEvent(originator_id=stream, originator_version=version, topic=event.type, state=event.state)
        for stream, expected, events in appends
        for version, event in enumerate(events, start=expected + 1)
    ]


class PostgresEventStore:
    """The event store of one service, in its schema. It connects when it is used, not while it is made: a service starts
    without its database. Its connections are its own, so that who holds one of the service's can append."""

    def __init__(self, dsn: str, schema: str, pool_size: int) -> None:
        self._dsn = dsn
        self._schema = schema
        self._pool_size = pool_size
        self._pool: Pool | None = None
        self._streams, self._notifications, self._append = (
            statement.format(schema=schema) for statement in (_SELECT_STREAMS, _SELECT_NOTIFICATIONS, _APPEND)
        )
        # The table's lock lets one transaction insert at a time.
        self._together: Together[StoredEvent] = Together(self._insert, apart_after=VersionConflict)

    @classmethod
    def open(cls, dsn: str, schema: str, *, pool_size: int = 6) -> "PostgresEventStore":
        """A store that connects when it is first used; `prepare` makes its table."""
        return cls(dsn, check_schema(schema), pool_size)

    @property
    def channel(self) -> str:
        """The PostgreSQL channel that is notified with every append: the schema's own, so that nobody else is woken."""
        return f"{self._schema}_{_TABLE}"

    async def prepare(self) -> None:
        """Make the table of events where it is missing, and the function that appends to it."""

        async def create(connection: Connection) -> None:
            async with connection.transaction():
                await connection.execute(_LOCK_PREPARING.format(schema=self._schema))
                await connection.execute(_CREATE_TABLE.format(schema=self._schema))
                await connection.execute(_CREATE_FUNCTION.format(schema=self._schema))

        await self._call(create)

    async def close(self) -> None:
        """End all connections."""
        if self._pool is not None:
            self._pool.terminate()

    async def load(self, stream: str) -> list[StreamEvent]:
        return (await self.load_many([stream]))[stream]

    async def load_many(self, streams: Sequence[str]) -> dict[str, list[StreamEvent]]:
        found: dict[str, list[StreamEvent]] = {stream: [] for stream in streams}
        if streams:
            for stream, *event in await self._call(lambda c: c.fetch(self._streams, list(streams))):
                found[stream].append(StreamEvent(*event))
        return found

    async def append(self, *appends: Append, advance: Advance | None = None) -> None:
        stored = _stored(appends)
        if advance is not None:
            await self._insert(stored, advance)
        elif stored:
            await self._together.write(stored)

    async def _insert(self, stored: Sequence[StoredEvent], advance: Advance | None = None) -> None:
        step = advance or (None, None, None, None, None)
        columns = (
            [event.originator_id for event in stored],
            [event.originator_version for event in stored],
            [event.topic for event in stored],
            [event.state for event in stored],
        )
        try:
            done = await self._call(lambda c: c.fetchval(self._append, *columns, *step))
        except asyncpg.UniqueViolationError as error:
            if not await self._already_there(stored):
                streams = sorted({str(event.originator_id) for event in stored})
                raise VersionConflict(", ".join(streams)[:200]) from error
        else:
            if not done and advance is not None:
                raise Fenced(
                    f"{advance.consumer} is no longer at offset {advance.expected} of {advance.topic}/{advance.partition}"
                )

    async def notifications(self, after: int, limit: int) -> list[Notification]:
        rows = await self._call(lambda c: c.fetch(self._notifications, after, limit))
        return [Notification(*row) for row in rows]

    async def _already_there(self, stored: Sequence[StoredEvent]) -> bool:
        """Whether exactly these events are stored: then an earlier attempt succeeded and only its answer was lost.

        The position that went with them was moved in that same transaction.
        """
        streams = await self.load_many(sorted({str(event.originator_id) for event in stored}))
        there = {(s, e.version): e.state for s, events in streams.items() for e in events}
        return all(there.get((str(e.originator_id), e.originator_version)) == e.state for e in stored)

    async def _call(self, ask: Callable[[Connection], Awaitable[T]]) -> T:
        """Ask on a connection; one that died is replaced and the call made again, a few times only, so that a caller with a
        person waiting learns within seconds that the database is away."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                pool = self._pool or await self._open()
                async with pool.acquire(timeout=_AWAY_S) as connection:
                    return await ask(connection)
            except Exception as error:
                if attempt == _ATTEMPTS or not is_transient(error):
                    raise
                await asyncio.sleep(0.1 * attempt)
        raise AssertionError("unreachable")

    async def _open(self) -> Pool:
        pool = make_pool(
            self._dsn,
            schema=self._schema,
            max_size=self._pool_size,
            connect_timeout_s=_AWAY_S,
            session={"lock_timeout": f"{_LOCK_S}s"},
        )
        # Nothing was awaited since: there is one pool. Opening it connects nothing yet.
        self._pool = self._pool or pool
        await self._pool
        return self._pool


class InMemoryEventStore:
    """The same store in memory, for unit tests; positions are kept and fenced too."""

    def __init__(self) -> None:
        self._recorder = POPOApplicationRecorder()
        self.positions: dict[tuple[str | int, ...], int] = {}

    async def load(self, stream: str) -> list[StreamEvent]:
        events = self._recorder.select_events(stream)
        return [StreamEvent(event.originator_version, event.topic, event.state) for event in events]

    async def load_many(self, streams: Sequence[str]) -> dict[str, list[StreamEvent]]:
        return {stream: await self.load(stream) for stream in streams}

    async def append(self, *appends: Append, advance: Advance | None = None) -> None:
        if advance and self.positions.get(advance[:3], 0) != advance.expected:
            raise Fenced(f"{advance.consumer} is no longer at offset {advance.expected}")
        if not self._already_there(appends):
            self._recorder.insert_events(_stored(appends))
        if advance:
            self.positions[advance[:3]] = advance.next_offset

    def _already_there(self, appends: Sequence[Append]) -> bool:
        repeated = False
        for stream, expected, events in appends:
            there = [event.state for event in self._recorder.select_events(stream)][expected:]
            if there and there != [event.state for event in events]:
                raise VersionConflict(stream)
            repeated = repeated or bool(there)
        return repeated

    async def notifications(self, after: int, limit: int) -> list[Notification]:
        found = self._recorder.select_notifications(after, limit, inclusive_of_start=False)
        return [Notification(n.id, str(n.originator_id), n.topic, n.state) for n in found]


async def decide(
    store: EventStore,
    stream: str,
    replay: Callable[[Sequence[StreamEvent]], State],
    decision: Callable[[State], Sequence[NewEvent]],
    *,
    attempts: int = 5,
) -> tuple[State, Sequence[NewEvent]]:
    """Load a stream, decide, append; again on fresh state when another writer was first.

    Returns the state that the decision saw and the events it made (none: nothing was appended). Raises what `decision`
    raises, and `VersionConflict` after so many lost races.
    """
    for attempt in range(1, attempts + 1):
        history = await store.load(stream)
        state = replay(history)
        events = decision(state)
        if not events:
            return state, events
        try:
            await store.append(Append(stream, len(history), events))
        except VersionConflict:
            if attempt == attempts:
                raise
            log.info("decision_repeated", stream=stream, attempt=attempt)
        else:
            return state, events
    raise AssertionError("unreachable")
