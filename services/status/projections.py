"""The projection: records in, rows out, in the transaction that advances the position (`services.status.store.following`).

The fold and the rows are the rebuild's own (`services.status.folding.fold`); here the applications that a batch touches are
read first, and events that are already on their timelines are left out.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from typing import Final

from contracts.envelope import PARTITIONS, MalformedEvent
from runtime.database import Connection
from runtime.records import Record, by_partition
from services.status.clocks.clockwork import Clockwork
from services.status.folding.definitions import Definitions
from services.status.folding.fold import PartitionFold, RawRecord
from services.status.folding.progress import Progress
from services.status.folding.reading import read
from services.status.folding.replay import replay_each, select_timelines
from services.status.store import tables

NOTIFY: Final = "SELECT pg_notify(current_schema() || '_events', $1)"
_NOTIFIED_AT_ONCE: Final = 250
"""Tracking numbers of 26 characters and a space; a payload holds 8,000 bytes."""


class Projector:
    """Writes what records make of a generation's tables, by the fold and the catalogue of `version`."""

    def __init__(self, definitions: Definitions) -> None:
        self._procedures = definitions.procedures
        self._clockwork = Clockwork(definitions.rules)
        self.version = definitions.version

    def check(self, records: Sequence[Record]) -> None:
        """Raise `MalformedEvent` when one of the records cannot be read."""
        for partition, run in by_partition(records).items():
            self._fold(partition).take([_raw(record) for record in run], _raise)

    async def project(self, connection: Connection, generation: int, records: Sequence[Record]) -> list[str]:
        """Take records, those of a partition in order, into `generation`, within the caller's transaction; the applications
        that have new events. Raises `MalformedEvent` for a record that cannot be read.
        """
        events = [(read(record.value)[0], record) for record in records]
        asked = {(record.partition, event.subject) for event, record in events}
        timeline, application = _narrowest(generation, {partition for partition, _ in asked})
        take_stored = _take_stored(timeline, application)
        rows = await connection.fetch(take_stored, *_columns(asked), [event.id for event, _ in events])
        stored = {(row["partition"], row["number"]): row for row in rows}
        known = {(row["number"], source, event_id) for row in rows for source, event_id in row["events"] or ()}
        new = [
            (event.subject, record) for event, record in events if (event.subject, event.source, event.id) not in known
        ]
        if not new:
            return []
        changed = list(dict.fromkeys((record.partition, number) for number, record in new))
        folds: dict[int, PartitionFold] = {}
        for place in changed:
            fold = folds.get(place[0]) or folds.setdefault(place[0], self._fold(place[0]))
            if place in stored:
                fold.resume(place[1], stored[place]["state"], stored[place]["last_offset"])
        lines = [
            tables.placed(row, partition)
            for partition, run in by_partition(record for _, record in new).items()
            for row in folds[partition].take(map(_raw, run), _raise)
        ]
        await _copy(connection, timeline, tables.TIMELINE_COLUMNS, lines)
        effective = {
            partition: await self._replayed(connection, tables.leaf(generation, "timeline", partition), fold)
            for partition, fold in folds.items()
        }
        if left := [place for place in changed if place in stored and stored[place]["events"]]:
            await connection.execute(_delete_applications(application), *_columns(left))
        states = [
            tables.placed(row, partition)
            for partition, fold in folds.items()
            for row in fold.application_rows(effective[partition])
        ]
        await _copy(connection, application, tables.APPLICATION_COLUMNS, states)
        return [number for _, number in changed]

    def _fold(self, partition: int) -> PartitionFold:
        return PartitionFold(partition, PARTITIONS, self._procedures, self._clockwork)

    async def _replayed(self, connection: Connection, table: str, fold: PartitionFold) -> dict[str, Progress]:
        """What counts of the applications of which an event was corrected, from their timelines in `table`."""
        if not fold.corrected:
            return {}
        return replay_each(
            await connection.fetch(select_timelines(table, "$1"), list(fold.corrected)), self._procedures
        )


async def tell(connection: Connection, numbers: Sequence[str]) -> None:
    """Tell those who listen which applications have new events, once the caller's transaction is committed."""
    for begin in range(0, len(numbers), _NOTIFIED_AT_ONCE):
        await connection.execute(NOTIFY, " ".join(numbers[begin : begin + _NOTIFIED_AT_ONCE]))


def _raw(record: Record) -> RawRecord:
    return record.offset, record.timestamp_ms, record.key, record.value


def _columns(places: Iterable[tuple[int, str]]) -> tuple[list[int], list[str]]:
    """Partitions and numbers, as two arrays of the same length."""
    partitions, numbers = zip(*places, strict=True)
    return list(partitions), list(numbers)


_ASKED: Final = "unnest($1::smallint[], $2::text[]) AS asked (partition, number)"


def _narrowest(generation: int, partitions: Collection[int]) -> tuple[str, str]:
    """The tables of timelines and applications that hold `partitions`: a statement about all of them opens every one."""
    if len(partitions) == 1:
        (partition,) = partitions
        return tables.leaf(generation, "timeline", partition), tables.leaf(generation, "application", partition)
    return f"g{generation}_timeline", f"g{generation}_application"


def _take_stored(timeline: str, application: str) -> str:
    """Of applications: the state, and which of events with these ids are on the timeline. The rows of those of which none
    is, so that all are new, are taken out on the way, to be written anew.

    `OFFSET 0` has each application looked up by its key: a join of small tables would read them whole, with every row that
    was taken out and is not vacuumed yet.
    """
    return (
        "WITH stored AS ("  # noqa: S608 - our names
        "SELECT asked.partition, asked.number, application.state, application.last_offset, known.events"
        f" FROM {_ASKED}"
        f" CROSS JOIN LATERAL (SELECT one.state, one.last_offset FROM {application} one"
        " WHERE one.partition = asked.partition AND one.number = asked.number OFFSET 0) application"
        " CROSS JOIN LATERAL (SELECT array_agg(ARRAY[line.source, line.event_id]) AS events"
        f" FROM {timeline} line WHERE line.partition = asked.partition AND line.number = asked.number"
        " AND line.event_id = ANY($3)) known"
        f"), taken AS (DELETE FROM {application} application USING stored"
        " WHERE application.partition = stored.partition AND application.number = stored.number"
        " AND stored.events IS NULL)"
        " SELECT * FROM stored"
    )


def _delete_applications(table: str) -> str:
    return (
        f"DELETE FROM {table} application USING {_ASKED}"  # noqa: S608 - our names
        " WHERE application.partition = asked.partition AND application.number = asked.number"
    )


def _raise(offset: int, error: MalformedEvent) -> None:
    raise error


async def _copy(connection: Connection, table: str, columns: str, rows: Sequence[bytes]) -> None:
    async def packed() -> AsyncIterator[bytes]:
        yield b"".join([tables.COPY_HEADER, *rows, tables.COPY_TRAILER])

    await connection.copy_to_table(
        table,
        source=packed(),
        columns=[*(column.strip('" ') for column in columns.split(",")), "partition"],
        format="binary",
    )
