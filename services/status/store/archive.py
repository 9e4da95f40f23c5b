"""The archive: every record of the log as received, written in the transaction that advances the position."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any

import msgspec

from runtime.database import Connection
from runtime.records import Record

INSERT_LOG = (
    "INSERT INTO logs (topic) VALUES ($1) ON CONFLICT DO NOTHING"  # which of several writers is first, all then read
)
SELECT_LOG = "SELECT log FROM logs WHERE topic = $1"
SELECT_RECORDS = """
SELECT "offset", timestamp_ms, key, value, headers FROM archive
WHERE partition = $1 AND log = $2 AND "offset" >= $3 AND "offset" < $4
ORDER BY "offset" LIMIT $5
"""
INSERT = """
INSERT INTO archive (log, "offset", timestamp_ms, partition, key, value, headers)
SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::smallint[], $5::bytea[], $6::bytea[], $7::bytea[])
"""


async def log_number(connection: Connection, qualified_topic: str) -> int:
    """The number of a log, `<topic>@<generation>`; given when it is first met."""
    number = await connection.fetchval(SELECT_LOG, qualified_topic)
    if number is None:
        await connection.execute(INSERT_LOG, qualified_topic)
        number = await connection.fetchval(SELECT_LOG, qualified_topic)
    return int(number)


class Archive:
    """Writes records; the log's generation is asked for once, when the first ones come."""

    def __init__(self, topic: str, generation: Callable[[], Awaitable[str]]) -> None:
        self._topic = topic
        self._generation = generation
        self._log: int | None = None

    async def keep(self, connection: Connection, records: Sequence[Record]) -> None:
        """Keep records within the caller's transaction."""
        await connection.execute(INSERT, await self.log(connection), *columns(records))

    async def log(self, connection: Connection) -> int:
        """The log's number; kept once it was found, since what this transaction gives could be undone with it."""
        if self._log is not None:
            return self._log
        topic = f"{self._topic}@{await self._generation()}"
        self._log = await connection.fetchval(SELECT_LOG, topic)
        return self._log if self._log is not None else await log_number(connection, topic)


def columns(records: Sequence[Record]) -> Iterable[Sequence[Any]]:
    """Offsets, times, partitions, keys, values and headers of records, as the archive has them."""
    rows = [
        (
            record.offset,
            record.timestamp_ms,
            record.partition,
            record.key,
            record.value,
            msgspec.json.encode(record.headers) if record.headers else None,
        )
        for record in records
    ]
    return zip(*rows, strict=True)


async def archived(
    connection: Connection, partition: int, log: int, begin: int, end: int, *, at_once: int = 5_000
) -> AsyncIterator[list[Record]]:
    """The archive's records of one partition from offset `begin` to before `end`, in order, some at a time."""
    while begin < end:
        rows = await connection.fetch(SELECT_RECORDS, partition, log, begin, end, at_once)
        if not rows:
            return
        yield [_record(row, partition) for row in rows]
        begin = rows[-1]["offset"] + 1


def _record(row: Any, partition: int) -> Record:
    headers = msgspec.json.decode(row["headers"], type=tuple[tuple[str, bytes], ...]) if row["headers"] else ()
    return Record("", partition, row["offset"], row["timestamp_ms"], row["key"], row["value"], headers)
