"""Statistics computed anew: from the rows of the live projection, or from every record of the archive.

Both go partition by partition and hold one partition's applications at most. At the same positions of the log and for
the same instant both make the same document, to the byte. What the live projection left out (in quarantine, discarded)
is left out of the archive too, and the document names it, so that it can be recomputed when the log has gone on.

As a program (`python -m services.status.recount`) it reads a `Recount` as JSON from standard input and keeps the document
in the table `statistics`: in a process of its own, because a second's computing would hold a second's look-ups.
"""

import gc
import os
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec
import psycopg
from msgspec import Struct

from contracts import catalogue
from contracts.envelope import PARTITIONS, MalformedEvent
from services.status import figures, tables
from services.status.clockwork import Clockwork
from services.status.definitions import definitions_of
from services.status.figures import Document, Position
from services.status.fold import PartitionFold, RawRecord, decode_progress
from services.status.procedure import Procedure
from services.status.progress import Progress
from services.status.reading import EPOCH, REAL_TIMESTAMPS_MS, in_us, read
from services.status.replay import replay
from services.status.settling import settling
from services.status.sources import ArchiveSource, Span
from services.status.statistics import Statistics
from services.status.tabulation import document

_ROWS_AT_ONCE: Final = 1_000
_AT_HAND: Final = 5_000
"""Applications of a partition that are kept ready to be folded on."""
_NICENESS: Final = 10
"""Who looks something up goes first."""

SELECT_LIVE: Final = "SELECT generation, version FROM generations WHERE state = 'live'"
SELECT_POSITIONS: Final = """
SELECT partition, next_offset FROM consumer_positions WHERE consumer = %s AND topic = %s ORDER BY partition
"""
SELECT_LEFT_OUT: Final = """
SELECT partition, "offset" FROM quarantine
WHERE consumer = %s AND topic = %s AND state IN ('failed', 'behind', 'retry', 'discarded')
ORDER BY partition, "offset"
"""
SELECT_LOG: Final = "SELECT log FROM logs WHERE topic = %s"
SELECT_OF: Final = """
SELECT "offset", timestamp_ms, key, value FROM archive
WHERE partition = %s AND (log < %s OR (log = %s AND "offset" < %s AND "offset" <> ALL(%s::bigint[]))) AND key = ANY(%s)
ORDER BY log, "offset"
"""
SELECT_KEPT: Final = "SELECT computed_at, digest, document FROM statistics"
KEEP: Final = """
INSERT INTO statistics (computed_at, seconds, digest, document) VALUES (now(), %s, %s, %s)
ON CONFLICT (singleton) DO UPDATE SET computed_at = now(), seconds = excluded.seconds, digest = excluded.digest,
    document = excluded.document
"""
LOCK: Final = "SELECT pg_try_advisory_lock(hashtext(current_schema() || '.statistics'))"
SELECT_RECENT: Final = "SELECT EXISTS (SELECT FROM statistics WHERE computed_at > now() - %s * interval '1 second')"


class NothingToCount(Exception):
    """It cannot be computed now; the message says why and what to do."""


class Recount(Struct, frozen=True, kw_only=True):
    """What to compute, from where."""

    dsn: str
    schema: str
    consumer: str
    log: str
    """Name and generation of the topic, as positions have it."""
    source: Literal["projection", "archive"] = "projection"
    until: datetime
    positions: list[Position] | None = None
    """From the archive: how far, and without what; `None`: as the live projection stands."""
    catalogue_extra: str = ""
    fresh_s: float = 0.0
    """As a program: do nothing where what is kept is younger."""


def recount(order: Recount) -> Document:
    """The document. Raises `NothingToCount`, and what psycopg raises."""
    words = catalogue.load(extra=catalogue.additions(order.catalogue_extra))
    definitions = definitions_of(words)
    zones = {code: ZoneInfo(office.time_zone) for code, office in words.offices.items()}
    settle = settling(Clockwork(definitions.rules))
    statistics = Statistics(in_us(order.until), definitions.procedures, zones, settle)
    with psycopg.connect(order.dsn, options=f"-c search_path={order.schema},public") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        positions = order.positions if order.positions is not None else _positions(connection, order)
        if order.source == "archive":
            found = _from_archive(connection, order, positions, definitions.procedures)
        else:
            found = _from_projection(connection, definitions.version)
        for progress in found:
            statistics.add(progress)
    return document(statistics, log=order.log, positions=positions, version=definitions.version)


def _positions(connection: psycopg.Connection, order: Recount) -> list[Position]:
    """How far the live projection is, and what it left out."""
    left_out: dict[int, list[int]] = {}
    for partition, offset in connection.execute(SELECT_LEFT_OUT, (order.consumer, order.log)):
        left_out.setdefault(partition, []).append(offset)
    rows = connection.execute(SELECT_POSITIONS, (order.consumer, order.log)).fetchall()
    return [
        Position(partition, end, [offset for offset in left_out.get(partition, ()) if offset < end])
        for partition, end in rows
    ]


def _from_projection(connection: psycopg.Connection, version: str) -> Iterator[Progress]:
    """What counts of every application, as the live projection has it."""
    live = connection.execute(SELECT_LIVE).fetchone()
    if live is None or live[1] != version:
        raise NothingToCount(
            f"the live projection is of version {live[1] if live else 'none'}, not {version}: wait until it is rebuilt"
        )
    for partition in range(PARTITIONS):
        table = tables.leaf(live[0], "application", partition)
        with connection.cursor(name="applications", binary=True) as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            cursor.execute(f"SELECT coalesce(effective, state) FROM {table}".encode())  # noqa: S608 - our own names
            while rows := cursor.fetchmany(_ROWS_AT_ONCE):
                for (state,) in rows:
                    yield decode_progress(state)


def _from_archive(
    connection: psycopg.Connection, order: Recount, positions: list[Position], procedures: Mapping[str, Procedure]
) -> Iterator[Progress]:
    """What counts of every application, folded anew from the records as received."""
    log = connection.execute(SELECT_LOG, (order.log,)).fetchone()
    if log is None:
        raise NothingToCount(f"the archive holds nothing of {order.log}: no record was taken in yet")
    source = ArchiveSource(order.dsn, order.schema)
    try:
        for position in positions:
            span = Span(position.partition, log[0], position.next_offset, position.left_out)
            fold = PartitionFold(span.partition, PARTITIONS, procedures)
            for block in source.blocks(span):
                fold.take(block, _leave_alone)
                fold.rest(_AT_HAND)
            corrected = _replayed(connection, span, fold, procedures)
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


def keep(order: Recount) -> bool:
    """Compute and keep, unless another process is at it or has just done so; whether it did."""
    with psycopg.connect(order.dsn, options=f"-c search_path={order.schema},public", autocommit=True) as connection:
        (ours,) = connection.execute(LOCK).fetchone() or (False,)
        (recent,) = connection.execute(SELECT_RECENT, (order.fresh_s,)).fetchone() or (False,)
        if not ours or recent:
            return False
        began = time.monotonic()
        body = figures.canonical(recount(order))
        connection.execute(KEEP, (time.monotonic() - began, figures.digest(body), body))
    return True


def main() -> int:
    """Compute and keep; the exit code is 1, with a line that says why, when that cannot be done now."""
    os.nice(_NICENESS)
    gc.disable()  # nothing here is cyclic
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Recount)
    try:
        keep(order)
    except (NothingToCount, psycopg.Error, OSError) as error:
        sys.stderr.write(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
