"""Quarantine: a record that cannot be handled is kept with its bytes, position, error and attempts.

Later records of the same key wait behind it, in order; other keys go on. An operator releases it (it is tried again,
and what waits behind it follows) or discards it with a reason (what waits behind it follows). Both are events.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import asyncpg
import msgspec

from runtime.database import Connection, Pool
from runtime.eventstore import EventStore, NewEvent, StreamEvent, decide
from runtime.records import Record

RELEASED = "id.jejak.operations.quarantine_released.v1"
DISCARDED = "id.jejak.operations.quarantine_discarded.v1"

OPEN_STATES = ("failed", "behind", "retry")

INSERT = """
INSERT INTO quarantine (consumer, topic, partition, "offset", timestamp_ms, key, value, headers, state, error, attempts)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT DO NOTHING
"""
SELECT_OPEN_KEYS = """
SELECT DISTINCT key FROM quarantine
WHERE consumer = $1 AND topic = $2 AND partition = $3 AND state IN ('failed', 'behind', 'retry') AND key IS NOT NULL
"""
SELECT_RELEASED = """
SELECT DISTINCT partition, key FROM quarantine
WHERE consumer = $1 AND topic = $2 AND partition = ANY($3) AND state = 'retry'
"""
SELECT_CHAIN = """
SELECT * FROM quarantine
WHERE consumer = $1 AND topic = $2 AND partition = $3 AND key IS NOT DISTINCT FROM $4
  AND state IN ('failed', 'behind', 'retry')
ORDER BY "offset"
"""
SELECT_PAGE = """
SELECT id, consumer, topic, partition, "offset", timestamp_ms, state, error, attempts, arrived_at, changed_at, reason,
       encode(key, 'escape') AS key, octet_length(value) AS size_bytes
FROM quarantine
WHERE id > $1 AND ($3::text IS NULL OR state = $3)
ORDER BY id LIMIT $2
"""
SELECT_STATE = "SELECT state FROM quarantine WHERE id = $1"
SET_STATE = """
UPDATE quarantine SET state = $2, error = coalesce($3, error), attempts = attempts + $4, reason = coalesce($5, reason),
                      changed_at = now()
WHERE id = $1
"""
RELEASE = "UPDATE quarantine SET state = 'retry', changed_at = now() WHERE id = $1 AND state = 'failed'"
DISCARD = """
WITH gone AS (
    UPDATE quarantine SET state = 'discarded', reason = $2, changed_at = now()
    WHERE id = $1 AND state IN ('failed', 'behind', 'retry')
    RETURNING consumer, topic, partition, key, id
)
UPDATE quarantine SET state = 'retry', changed_at = now()
WHERE id = (
    SELECT q.id FROM quarantine q JOIN gone g
      ON q.consumer = g.consumer AND q.topic = g.topic AND q.partition = g.partition AND q.key = g.key
    WHERE q.state IN ('failed', 'behind', 'retry') AND q.id <> g.id
    ORDER BY q."offset" LIMIT 1
) AND state = 'behind'
"""


class NotInQuarantine(Exception):
    """There is no such record, or it is no longer waiting."""


class NotReleasable(Exception):
    """The record waits behind another one of its key: release or discard that one first."""


class QuarantinedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A record in quarantine as operators see it: everything about it, but not its content."""

    id: int
    consumer: str
    topic: str
    partition: int
    offset: int
    key: str | None
    size_bytes: int | None
    state: str
    error: str | None
    attempts: int
    arrived_at: datetime
    changed_at: datetime
    reason: str | None


class Waiting(NamedTuple):
    """An open row of one key's chain."""

    id: int
    state: str
    record: Record


async def keep(
    connection: Connection, consumer: str, record: Record, *, topic: str, error: str | None, attempts: int
) -> None:
    """Put `record` into quarantine within the caller's transaction; without an `error` it waits behind an earlier one.

    `topic` is the qualified name of the log.
    """
    await connection.execute(
        INSERT,
        consumer,
        topic,
        record.partition,
        record.offset,
        record.timestamp_ms,
        record.key,
        record.value,
        json.dumps([[name, value.hex()] for name, value in record.headers]),
        "failed" if error else "behind",
        error,
        attempts,
    )


async def open_keys(connection: Connection, consumer: str, topic: str, partition: int) -> set[bytes]:
    """The keys of a partition that have records in quarantine: later records of theirs must wait too."""
    return {row["key"] for row in await connection.fetch(SELECT_OPEN_KEYS, consumer, topic, partition)}


async def chain(connection: Connection, consumer: str, topic: str, partition: int, key: bytes | None) -> list[Waiting]:
    """The open records of one key in order."""
    rows = await connection.fetch(SELECT_CHAIN, consumer, topic, partition, key)
    return [Waiting(row["id"], row["state"], _record(row)) for row in rows]


def _record(row: asyncpg.Record) -> Record:
    headers = tuple((name, bytes.fromhex(value)) for name, value in json.loads(row["headers"]))
    topic = row["topic"].rpartition("@")[0]
    return Record(topic, row["partition"], row["offset"], row["timestamp_ms"], row["key"], row["value"], headers)


class Quarantine:
    """What an operator can do; the consumers do the rest."""

    def __init__(self, pool: Pool, store: EventStore, source: str) -> None:
        self._pool = pool
        self._store = store
        self._source = source

    async def list(self, *, after: int | None, limit: int, state: str | None) -> list[QuarantinedRecord]:
        """A page of records in order of arrival, those after id `after`."""
        rows = await self._pool.fetch(SELECT_PAGE, after or 0, limit, state)
        return [msgspec.convert(dict(row), QuarantinedRecord) for row in rows]

    async def release(self, id: int, by: str, at: datetime) -> None:
        """Have the record tried again. Raises `NotInQuarantine` or `NotReleasable`."""
        if await self._state(id) == "behind":
            raise NotReleasable(f"record {id} waits behind an earlier one of the same key")
        await self._note(id, RELEASED, {"by": by}, at)
        await self._pool.execute(RELEASE, id)

    async def discard(self, id: int, reason: str, by: str, at: datetime) -> None:
        """Give the record up; its bytes stay. What waits behind it goes on. Raises `NotInQuarantine`."""
        await self._state(id)
        await self._note(id, DISCARDED, {"by": by, "reason": reason}, at)
        await self._pool.execute(DISCARD, id, reason)

    async def _state(self, id: int) -> str:
        state = await self._pool.fetchval(SELECT_STATE, id)
        if state not in OPEN_STATES:
            raise NotInQuarantine(f"no record {id} waits in quarantine")
        return str(state)

    async def _note(self, id: int, type: str, data: dict[str, str], at: datetime) -> None:
        event = {
            "specversion": "1.0",
            "id": str(uuid.uuid4()),
            "source": self._source,
            "type": type,
            "subject": f"quarantine/{id}",
            "time": at.astimezone(UTC),
            "datacontenttype": "application/json",
            "data": data,
        }

        def always(_: Sequence[StreamEvent]) -> Sequence[NewEvent]:
            return [NewEvent(type, msgspec.json.encode(event))]

        await decide(self._store, f"quarantine:{id}", lambda history: history, always)
