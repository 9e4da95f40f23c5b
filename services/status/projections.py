"""The projection: records in, rows out, in the transaction that advances the position (`services.status.store.following`).

The fold and the rows are the rebuild's own (`services.status.folding.fold`); here the applications that a batch touches are
read first, and events that are already on their timelines are left out.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from contracts.envelope import PARTITIONS, MalformedEvent
from runtime.database import Connection
from runtime.records import Record
from services.status.clocks.clockwork import Clockwork
from services.status.folding.definitions import Definitions
from services.status.folding.fold import PartitionFold
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
        """Raise `MalformedEvent` when one of the records of a partition cannot be read."""
        fold = PartitionFold(records[0].partition, PARTITIONS, self._procedures, self._clockwork)
        fold.take([(record.offset, record.timestamp_ms, record.key, record.value) for record in records], _raise)

    async def project(self, connection: Connection, generation: int, records: Sequence[Record]) -> list[str]:
        """Take records of one partition, in order, into `generation`, within the caller's transaction; the applications
        that have new events. Raises `MalformedEvent` for a record that cannot be read.
        """
        partition = records[0].partition
        new = await _new_records(connection, generation, partition, records)
        if not new:
            return []
        numbers = list(dict.fromkeys(number for number, _ in new))
        fold = PartitionFold(partition, PARTITIONS, self._procedures, self._clockwork)
        for row in await connection.fetch(_select_states(generation, partition), numbers):
            fold.resume(row["number"], row["state"], row["last_offset"])
        rows = fold.take([(record.offset, record.timestamp_ms, record.key, record.value) for _, record in new], _raise)
        timeline = tables.leaf(generation, "timeline", partition)
        await _copy(connection, timeline, tables.TIMELINE_COLUMNS, rows)
        effective = await self._replayed(connection, timeline, fold)
        await connection.execute(_delete_applications(generation, partition), numbers)
        await _copy(
            connection,
            tables.leaf(generation, "application", partition),
            tables.APPLICATION_COLUMNS,
            list(fold.application_rows(effective)),
        )
        return numbers

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


async def _new_records(
    connection: Connection, generation: int, partition: int, records: Sequence[Record]
) -> list[tuple[str, Record]]:
    """The records whose events are not on a timeline yet, each with its application."""
    events = [(read(record.value)[0], record) for record in records]
    rows = await connection.fetch(
        _select_known(generation, partition),
        list({event.subject for event, _ in events}),
        [event.id for event, _ in events],
    )
    known = {(row["number"], row["source"], row["event_id"]) for row in rows}
    return [(event.subject, record) for event, record in events if (event.subject, event.source, event.id) not in known]


def _select_known(generation: int, partition: int) -> str:
    return (
        f"SELECT number, source, event_id FROM {tables.leaf(generation, 'timeline', partition)}"  # noqa: S608 - our names
        " WHERE number = ANY($1) AND event_id = ANY($2)"
    )


def _select_states(generation: int, partition: int) -> str:
    return (
        f"SELECT number, state, last_offset FROM {tables.leaf(generation, 'application', partition)}"  # noqa: S608
        " WHERE number = ANY($1)"
    )


def _delete_applications(generation: int, partition: int) -> str:
    return f"DELETE FROM {tables.leaf(generation, 'application', partition)} WHERE number = ANY($1)"  # noqa: S608


def _raise(offset: int, error: MalformedEvent) -> None:
    raise error


async def _copy(connection: Connection, table: str, columns: str, rows: Sequence[bytes]) -> None:
    async def packed() -> AsyncIterator[bytes]:
        yield b"".join([tables.COPY_HEADER, *rows, tables.COPY_TRAILER])

    await connection.copy_to_table(
        table,
        source=packed(),
        columns=[column.strip('" ') for column in columns.split(",")],
        format="binary",
    )
