"""The bulk of a rebuild: whole partitions, one transaction each, as fast as one process can.

Workers share the partitions through the rows of `generation_parts`: a worker locks the row of a partition that is not
done, builds the partition and marks it done in the same transaction. When a worker is killed its partition is as if it
had never been begun, and another worker, or the next run, takes it. Synchronous (psycopg, librdkafka): PostgreSQL takes
in what was sent while the next block is folded, and librdkafka fetches in a thread of its own.

As a program (`python -m services.status.rebuilding.bulk`) it reads a `Job` as JSON from standard input and writes a JSON line of
`Advanced` now and then.
"""

import gc
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, Literal

import msgspec
import psycopg
from msgspec import Struct
from psycopg.rows import dict_row

from contracts.envelope import PARTITIONS, MalformedEvent
from services.status.clocks.clockwork import ClockRules, Clockwork
from services.status.folding import replay
from services.status.folding.compiled import open_fold
from services.status.folding.fold import PartitionFold
from services.status.folding.procedure import Procedure
from services.status.folding.progress import Progress
from services.status.rebuilding.sources import ArchiveSource, KafkaSource, LogSource, Span
from services.status.store import tables

_REPORT_EVERY_S: Final = 0.25
_ROWS_AT_ONCE: Final = 1_000
_AT_HAND: Final = 5_000
"""Applications of a partition that are kept ready to be folded on."""

CLAIM: Final = """
SELECT partition, log, target, excluded FROM generation_parts
WHERE generation = %s AND NOT done
ORDER BY target DESC, partition LIMIT 1 FOR UPDATE SKIP LOCKED
"""
DONE: Final = """
UPDATE generation_parts
SET done = true, next_offset = target, events = %s, applications = %s, unreadable = %s
WHERE generation = %s AND partition = %s
"""


class Job(Struct, frozen=True):
    """What a worker is to build, from where."""

    dsn: str
    schema: str
    generation: int
    source: Literal["kafka", "archive"]
    procedures: dict[str, Procedure]
    rules: ClockRules
    bootstrap: str = ""
    topic: str = ""

    def open_source(self) -> LogSource:
        """The source that it names."""
        if self.source == "kafka":
            return KafkaSource(self.bootstrap, self.topic)
        return ArchiveSource(self.dsn, self.schema)


class Advanced(Struct, frozen=True):
    """Records read since the last report, and the most memory that the process has held."""

    records: int
    peak_mb: float = 0.0


Report = Callable[[int], None]
"""Called with the number of records read since the last call."""


def work(job: Job, report: Report) -> None:
    """Build partitions of `job` until none is left that nobody has. Raises what psycopg and the source raise."""
    source, tally = job.open_source(), _Tally(report)
    try:
        # There is a worker for each processor already: an index is built by its own process alone.
        options = f"-c search_path={job.schema},public -c max_parallel_maintenance_workers=0"
        with psycopg.connect(job.dsn, options=options) as connection:
            worker = _Worker(connection, job.generation, source, tally.add, job.procedures, Clockwork(job.rules))
            while worker.build_next():
                pass
    finally:
        source.close()
    tally.tell()


class _Tally:
    """Adds up, and tells at most a few times a second: who is told is in another thread or process."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._untold = 0
        self._told_at = time.monotonic()

    def add(self, records: int) -> None:
        self._untold += records
        if time.monotonic() - self._told_at >= _REPORT_EVERY_S:
            self.tell()

    def tell(self) -> None:
        self._report(self._untold)
        self._untold, self._told_at = 0, time.monotonic()


@dataclass(frozen=True)
class _Worker:
    connection: psycopg.Connection
    generation: int
    source: LogSource
    report: Report
    procedures: Mapping[str, Procedure]
    clockwork: Clockwork

    def build_next(self) -> bool:
        """Build one partition; false when there is none to be had."""
        execute = self.connection.execute
        with self.connection.transaction():
            claimed = execute(CLAIM, (self.generation,)).fetchone()
            if claimed is None:
                return False
            span = Span(*claimed)
            fold = open_fold(span.partition, PARTITIONS, self.procedures, self.clockwork)
            execute(tables.create_leaves(self.generation, span.partition).encode())
            unreadable = self._load_timeline(span, fold)
            applications = self._load_applications(span.partition, fold, self._replayed(span.partition, fold))
            execute(tables.key_leaves(self.generation, span.partition).encode())
            execute(tables.attach_leaves(self.generation, span.partition).encode())
            execute(DONE, (fold.events, applications, unreadable, self.generation, span.partition))
        return True

    def _load_timeline(self, span: Span, fold: PartitionFold) -> int:
        """Copy the rows of a span; the number of records that could not be read."""
        unreadable = 0

        def refuse(offset: int, error: MalformedEvent) -> None:
            nonlocal unreadable
            unreadable += 1  # live it went to quarantine, with its bytes; here it is only counted

        table = tables.leaf(self.generation, "timeline", span.partition)
        with self.connection.cursor().copy(_copy_into(table, tables.TIMELINE_COLUMNS)) as copy:
            copy.write(tables.COPY_HEADER)
            for block in self.source.blocks(span):
                copy.write(b"".join(fold.take(block, refuse)))
                fold.rest(_AT_HAND)
                self.report(len(block))
            copy.write(tables.COPY_TRAILER)
        return unreadable

    def _replayed(self, partition: int, fold: PartitionFold) -> dict[str, Progress]:
        """What counts of the applications of which an event was corrected, from their rows that were just copied."""
        if not fold.corrected:
            return {}
        query = replay.select_timelines(tables.leaf(self.generation, "timeline", partition), "%s")
        with self.connection.cursor(row_factory=dict_row) as cursor:
            return replay.replay_each(cursor.execute(query.encode(), (list(fold.corrected),)), self.procedures)

    def _load_applications(self, partition: int, fold: PartitionFold, effective: Mapping[str, Progress]) -> int:
        """Copy the rows of the applications; how many there are."""
        count = 0
        table = tables.leaf(self.generation, "application", partition)
        rows = fold.application_rows(effective)
        with self.connection.cursor().copy(_copy_into(table, tables.APPLICATION_COLUMNS)) as copy:
            copy.write(tables.COPY_HEADER)
            while block := list(islice(rows, _ROWS_AT_ONCE)):
                copy.write(b"".join(block))
                count += len(block)
            copy.write(tables.COPY_TRAILER)
        return count


def _copy_into(table: str, columns: str) -> bytes:
    # FREEZE: the table was made in this transaction, so its rows need no visibility checks and no vacuum afterwards
    return f"COPY {table} ({columns}) FROM STDIN (FORMAT binary, FREEZE)".encode()


def main() -> None:
    """A worker process of a rebuild."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    # Nothing here is cyclic, and a collection would look at every application at hand again and again.
    gc.disable()
    work(job, _say)


def peak_mb() -> float:
    """The most memory that this process has held since it began its program, in MiB; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _say(records: int) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(Advanced(records, peak_mb())) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
