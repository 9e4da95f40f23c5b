"""What counts of every application that one database has: from the rows of its live projection, or from its archive.

Both go partition by partition and hold one partition's applications at most. What the live projection left out (in
quarantine, discarded) is left out of the archive too, so that at the same positions of the log both give the same.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

import psycopg

from contracts.envelope import PARTITIONS, MalformedEvent
from services.status.folding.definitions import Definitions
from services.status.folding.fold import PartitionFold, RawRecord, decode_progress
from services.status.folding.procedure import Procedure
from services.status.folding.progress import Progress
from services.status.folding.reading import EPOCH, REAL_TIMESTAMPS_MS, read
from services.status.folding.replay import replay
from services.status.rebuilding.sources import ArchiveSource, Span
from services.status.statistics.figures import Position
from services.status.store import tables
from services.status.store.databases import Database

_ROWS_AT_ONCE: Final = 1_000
_AT_HAND: Final = 5_000
"""Applications of a partition that are kept ready to be folded on."""

SELECT_LIVE: Final = "SELECT generation FROM generations WHERE state = 'live' AND version = %s"
SELECT_POSITIONS: Final = """
SELECT partition, CASE topic WHEN %s THEN next_offset ELSE 0 END
FROM generation_parts JOIN logs USING (log) WHERE generation = %s AND partition = ANY(%s) ORDER BY partition
"""
SELECT_LEFT_OUT: Final = """
SELECT partition, "offset" FROM quarantine
WHERE coalesce(consumer = %s, true) AND topic = %s AND state IN ('failed', 'behind', 'retry', 'discarded')
ORDER BY partition, "offset"
"""
SELECT_LOG: Final = "SELECT log FROM logs WHERE topic = %s"
SELECT_OF: Final = """
SELECT "offset", timestamp_ms, key, value FROM archive
WHERE partition = %s AND (log < %s OR (log = %s AND "offset" < %s AND "offset" <> ALL(%s::bigint[]))) AND key = ANY(%s)
ORDER BY log, "offset"
"""


class NothingToCount(Exception):
    """It cannot be computed now; the message says why and what to do."""


def connect(dsn: str, schema: str, *, autocommit: bool = False) -> psycopg.Connection:
    """A connection to the service's schema in one database."""
    return psycopg.connect(dsn, options=f"-c search_path={schema},public", autocommit=autocommit)


class Extent:
    """What one database has, at one moment."""

    def __init__(
        self,
        connection: psycopg.Connection,
        database: Database,
        definitions: Definitions,
        *,
        schema: str,
        log: str,
        positions: list[Position] | None,
    ) -> None:
        """`positions`: how far and without what; `None`: as the live projection stands. Raises `NothingToCount`."""
        self._connection, self._database, self._definitions = connection, database, definitions
        self._schema, self._log = schema, log
        if positions is None:
            self.positions = self._live_positions()
        else:
            self.positions = [position for position in positions if position.partition in database.partitions]

    def _live(self) -> int:
        version = self._definitions.version
        live = self._connection.execute(SELECT_LIVE, (version,)).fetchone()
        if live is None:
            raise NothingToCount(f"there is no live projection of version {version} yet: wait until it is built")
        return int(live[0])

    def _live_positions(self) -> list[Position]:
        """How far the live projection is, and what it left out."""
        left_out: dict[int, list[int]] = {}
        for partition, offset in self._connection.execute(SELECT_LEFT_OUT, (self._database.consumer, self._log)):
            left_out.setdefault(partition, []).append(offset)
        parameters = (self._log, self._live(), self._database.partitions)
        return [
            Position(partition, end, [offset for offset in left_out.get(partition, ()) if offset < end])
            for partition, end in self._connection.execute(SELECT_POSITIONS, parameters).fetchall()
        ]

    def from_projection(self) -> Iterator[Progress]:
        """What counts of every application, as the live projection has it."""
        live = self._live()
        for partition in self._database.partitions:
            table = tables.leaf(live, "application", partition)
            with self._connection.cursor(name="applications", binary=True) as cursor:
                cursor.itersize = _ROWS_AT_ONCE
                cursor.execute(f"SELECT coalesce(effective, state) FROM {table}".encode())  # noqa: S608 - our own names
                while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                    for (state,) in rows:
                        yield decode_progress(state)

    def from_archive(self) -> Iterator[Progress]:
        """What counts of every application, folded anew from the records as received."""
        log = self._connection.execute(SELECT_LOG, (self._log,)).fetchone()
        if log is None:
            raise NothingToCount(f"the archive holds nothing of {self._log}: no record was taken in yet")
        procedures = self._definitions.procedures
        source = ArchiveSource(self._database.dsn, self._schema)
        try:
            for position in self.positions:
                span = Span(position.partition, log[0], position.next_offset, position.left_out)
                fold = PartitionFold(span.partition, PARTITIONS, procedures)
                for block in source.blocks(span):
                    fold.take(block, _leave_alone)
                    fold.rest(_AT_HAND)
                corrected = _replayed(self._connection, span, fold, procedures)
                for track in fold.applications():
                    yield corrected.get(track.key.decode(), track.progress)
        finally:
            source.close()


def _leave_alone(offset: int, error: MalformedEvent) -> None:
    """Live it went to quarantine, and is on no timeline."""


def _replayed(
    connection: psycopg.Connection, span: Span, fold: PartitionFold, procedures: Mapping[str, Procedure]
) -> dict[str, Progress]:
    """What counts of the applications of which an event was corrected."""
    if not fold.corrected:
        return {}
    keys = [number.encode() for number in fold.corrected]
    parameters = (span.partition, span.log, span.log, span.end, list(span.excluded), keys)
    timelines: dict[str, dict[tuple[str, str], dict[str, object]]] = {}
    for record in connection.execute(SELECT_OF, parameters, binary=True):
        _onto_timeline(timelines, record)
    replayed = {number: replay(rows.values(), procedures) for number, rows in timelines.items()}
    return {number: progress for number, progress in replayed.items() if progress is not None}


def _onto_timeline(timelines: dict[str, dict[tuple[str, str], dict[str, object]]], record: RawRecord) -> None:
    """Add what would be the timeline's row of a record; a repeated event adds none."""
    _, timestamp_ms, key, value = record
    try:
        event, kind, _ = read(value)
    except MalformedEvent:
        return
    if key != event.subject.encode():
        return
    rows = timelines.setdefault(event.subject, {})
    is_real = timestamp_ms > REAL_TIMESTAMPS_MS
    recorded = EPOCH + timedelta(milliseconds=timestamp_ms) if is_real else event.time
    rows.setdefault(
        (event.source, event.id),
        {
            "n": len(rows) + 1, "fact": kind.name, "occurred": event.time, "recorded": recorded,
            "source": event.source, "event_id": event.id, "data": bytes(event.data),
        },
    )  # fmt: skip
