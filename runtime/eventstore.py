"""The event store: streams of events with optimistic versions, and the outbox they are published from.

Built on the recorders of `eventsourcing`, which give the ordering (an exclusive table lock on insert, so that the
notification log has no gaps that fill in later), the version check and the log. They are synchronous, so they run in
threads. An event's `state` is the exact bytes that may later go to Kafka; its `type` is the CloudEvents type.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import structlog
from eventsourcing.persistence import IntegrityError, InterfaceError, OperationalError, StoredEvent
from eventsourcing.popo import POPOApplicationRecorder
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict

from runtime.database import check_schema
from runtime.positions import Advance, Fenced
from runtime.together import Together

log = structlog.get_logger()
State = TypeVar("State")

_ATTEMPTS = 3
_ADVANCE = """
UPDATE {schema}.consumer_positions SET next_offset = %s
WHERE consumer = %s AND topic = %s AND partition = %s AND next_offset = %s
RETURNING next_offset
"""
_INSERT = """
INSERT INTO {schema}.{table} (originator_id, originator_version, topic, state)
SELECT * FROM unnest(%b::text[], %b::bigint[], %b::text[], %b::bytea[])
RETURNING notification_id
"""
"""Four arrays in binary: the library's one array of composite values in text is six times the work for both sides."""
_SELECT_STREAMS = """
SELECT originator_id, originator_version, topic, state FROM {schema}.{table}
WHERE originator_id = ANY(%s) ORDER BY originator_id, originator_version
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


class LazyDatastore(PostgresDatastore):
    """The library's datastore, which connects when it is used, not while it is made: a service starts without its database."""

    in_use = False

    def register_type_adapters(self) -> None:
        if self.in_use:
            super().register_type_adapters()


class FencedRecorder(PostgresApplicationRecorder):
    """The library's recorder, which also moves a consumer's position in the transaction of the events."""

    def _insert_events(self, curs: Any, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        advance: Advance | None = kwargs.get("advance")
        if advance is not None:
            consumer, topic, partition, expected, next_offset = advance
            statement = _ADVANCE.format(schema=self.datastore.schema)
            curs.execute(statement, (next_offset, consumer, topic, partition, expected), prepare=True)
            if curs.fetchone() is None:
                raise Fenced(f"{consumer} is no longer at offset {expected} of {topic}/{partition}")
        super()._insert_events(curs, stored_events, **kwargs)

    def _insert_stored_events(self, curs: Any, stored_events: Sequence[StoredEvent], **kwargs: Any) -> None:
        """As the library does it, under its lock and with its notification, in the order given."""
        self._lock_table(curs)
        self._notify_channel(curs)
        statement = _INSERT.format(schema=self.datastore.schema, table=self.events_table_name)
        columns = zip(*((e.originator_id, e.originator_version, e.topic, e.state) for e in stored_events), strict=True)
        curs.execute(statement, [list(column) for column in columns])

    def select_streams(self, streams: Sequence[str]) -> list[StoredEvent]:
        """The events of several streams in one query, in order within each."""
        statement = _SELECT_STREAMS.format(schema=self.datastore.schema, table=self.events_table_name)
        with self.datastore.get_connection() as connection, connection.cursor() as cursor:
            cursor.execute(statement, (list(streams),), prepare=True)
            return [
                StoredEvent(row["originator_id"], row["originator_version"], row["topic"], bytes(row["state"]))
                for row in cursor.fetchall()
            ]


class PostgresEventStore:
    """The event store of one service, in its schema."""

    def __init__(self, recorder: FencedRecorder) -> None:
        self._recorder = recorder
        # The table's lock lets one transaction insert at a time.
        self._together: Together[StoredEvent] = Together(self._insert, apart_after=VersionConflict)

    @classmethod
    def open(cls, dsn: str, schema: str, *, pool_size: int = 2, max_overflow: int = 4) -> "PostgresEventStore":
        """A store that connects when it is first used; `prepare` makes its table."""
        where = conninfo_to_dict(dsn)
        datastore = LazyDatastore(
            dbname=str(where.get("dbname") or "postgres"),
            host=str(where.get("host") or ""),
            port=str(where.get("port") or "5432"),
            user=str(where.get("user") or "postgres"),
            password=str(where.get("password") or ""),
            connect_timeout=2.0,
            pool_size=pool_size,
            max_overflow=max_overflow,
            pre_ping=True,
            lock_timeout=5,
            idle_in_transaction_session_timeout=10.0,
            schema=check_schema(schema),
            originator_id_type="text",
        )
        recorder = FencedRecorder(datastore, events_table_name="stored_events")
        datastore.in_use = True
        return cls(recorder)

    @property
    def channel(self) -> str:
        """The PostgreSQL channel that is notified with every append."""
        return self._recorder.channel_name

    async def prepare(self) -> None:
        """Make the table of events where it is missing."""
        await asyncio.to_thread(self._recorder.create_table)

    async def close(self) -> None:
        """End all connections."""
        await asyncio.to_thread(self._recorder.datastore.close)

    async def load(self, stream: str) -> list[StreamEvent]:
        return (await self.load_many([stream]))[stream]

    async def load_many(self, streams: Sequence[str]) -> dict[str, list[StreamEvent]]:
        found: dict[str, list[StreamEvent]] = {stream: [] for stream in streams}
        for event in await self._call(self._recorder.select_streams, streams) if streams else []:
            found[str(event.originator_id)].append(StreamEvent(event.originator_version, event.topic, event.state))
        return found

    async def append(self, *appends: Append, advance: Advance | None = None) -> None:
        stored = _stored(appends)
        if advance is not None:
            await self._insert(stored, advance)
        elif stored:
            await self._together.write(stored)

    async def _insert(self, stored: Sequence[StoredEvent], advance: Advance | None = None) -> None:
        try:
            await self._call(_insert, self._recorder, stored, advance)
        except IntegrityError as error:
            if not await self._already_there(stored):
                streams = sorted({str(event.originator_id) for event in stored})
                raise VersionConflict(", ".join(streams)[:200]) from error

    async def notifications(self, after: int, limit: int) -> list[Notification]:
        found = await self._call(_select, self._recorder, after, limit)
        return [Notification(n.id, str(n.originator_id), n.topic, n.state) for n in found]

    async def _already_there(self, stored: Sequence[StoredEvent]) -> bool:
        """Whether exactly these events are stored: then an earlier attempt succeeded and only its answer was lost.

        The position that went with them was moved in that same transaction.
        """
        streams = await self.load_many(sorted({str(event.originator_id) for event in stored}))
        there = {(s, e.version): e.state for s, events in streams.items() for e in events}
        return all(there.get((str(e.originator_id), e.originator_version)) == e.state for e in stored)

    async def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run in a thread; a connection that died is replaced and the call made again, a few times only, so that a caller
        with a person waiting learns within seconds that the database is away.

        The library's own decorator would try ten times, each with a time limit of its own; it is stepped over.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return await asyncio.to_thread(function, *arguments)
            except (OperationalError, InterfaceError):
                if attempt == _ATTEMPTS:
                    raise
                await asyncio.sleep(0.1 * attempt)
        raise AssertionError("unreachable")


def _insert(recorder: FencedRecorder, stored: Sequence[StoredEvent], advance: Advance | None) -> None:
    recorder.datastore.register_type_adapters()  # at once from the second time on
    PostgresApplicationRecorder.insert_events.__wrapped__(recorder, stored, advance=advance)


def _select(recorder: FencedRecorder, after: int, limit: int) -> Any:
    select = PostgresApplicationRecorder.select_notifications.__wrapped__
    return select(recorder, after, limit, inclusive_of_start=False)


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
