"""`rebuild`: the projection from Kafka beside bare binary COPY of the same rows; `rebuild_consume`: beside raw consumption.

The yardstick is generous to itself: rows packed beforehand, one COPY a table into tables of the same shape, keys
included, no reading, no folding. Rebuild, COPY and consumption take turns in one run, and the best of each counts.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg

from contracts.envelope import PARTITIONS
from deploy.local.database import temporary_database
from services.status.rebuilding.rebuild import Report
from services.status.rebuilding.sources import KafkaSource, Span
from services.status.rebuilding.workers import default_workers
from services.status.store import tables
from tests.bench.measure import Measure, Result, Surroundings, timed
from tests.bench.rebuilding import SCHEMA, checkpoint, events_wanted, log_of, rebuild_into

ROUNDS = 3
AIM = 0.6
AIM_CONSUME = 0.2
KINDS = ("timeline", "application")
COLUMNS = {"timeline": tables.TIMELINE_COLUMNS, "application": tables.APPLICATION_COLUMNS}


def measure_rebuild(around: Surroundings) -> Iterator[Result]:
    """Both measures, from one log."""
    count = events_wanted(around)
    topic = log_of(around, count)
    consumed, rebuilt, whole, copied, keyed_after = ([] for _ in range(5))
    packed: dict[str, Path] = {}
    report = Report()
    for _ in range(ROUNDS):
        consumed.append(consume(around.kafka, topic))
        with temporary_database(around.database) as dsn:
            with timed() as clock:
                report = asyncio.run(rebuild_into(dsn, around.kafka, topic))
            rebuilt.append(report.bulk_s)
            whole.append(clock.seconds)
            packed = packed or pack(dsn, report.generation, around.folder)
        for keys_first, times in ((True, copied), (False, keyed_after)):
            with temporary_database(around.database) as dsn:
                times.append(copy(dsn, packed, keys_first=keys_first))
    rate = report.events / min(rebuilt)
    size_mb = sum(path.stat().st_size for path in packed.values()) / 1e6
    around.say(
        f"{report.events:,} events of {report.applications:,} applications, rows of {size_mb:.0f} MB, "
        f"{default_workers()} workers; best of {ROUNDS}: rebuild {rate:,.0f}/s "
        f"(with digest and switch {report.events / min(whole):,.0f}/s), COPY {report.events / min(copied):,.0f}/s, "
        f"COPY without keys and keys afterwards {report.events / min(keyed_after):,.0f}/s, "
        f"raw consumption {count / min(consumed):,.0f}/s; a worker's memory {report.peak_mb:.0f} MiB"
    )
    yield Result("rebuild", min(copied) / min(rebuilt), rate, AIM, "events/s")
    yield Result("rebuild_consume", min(consumed) / min(rebuilt), rate, AIM_CONSUME, "events/s")


def consume(bootstrap: str, topic: str) -> float:
    """Seconds to read the whole topic and do nothing with it."""
    source = KafkaSource(bootstrap, topic)
    try:
        ends = source.ends(PARTITIONS)
        with timed() as clock:
            for partition, end in enumerate(ends):
                for _ in source.blocks(Span(partition, 1, end)):
                    pass
    finally:
        source.close()
    return clock.seconds


def pack(dsn: str, generation: int, folder: Path) -> dict[str, Path]:
    """The rows of every table of a generation as binary COPY files, by the table's name."""
    packed = {}
    with _connect(dsn) as connection:
        for kind in KINDS:
            for partition in range(PARTITIONS):
                table = tables.leaf(generation, kind, partition)
                path = folder / f"{kind}_{partition}"
                query = f"COPY (SELECT {COLUMNS[kind]} FROM {table} ORDER BY ctid) TO STDOUT (FORMAT binary)"
                with path.open("wb") as file, connection.cursor().copy(query.encode()) as rows:
                    for block in rows:
                        file.write(block)
                packed[table] = path
    return packed


def copy(dsn: str, packed: dict[str, Path], *, keys_first: bool) -> float:
    """Seconds to COPY the rows into tables of the same shape, one transaction, one connection."""
    contents = {table: path.read_bytes() for table, path in packed.items()}
    with _connect(dsn) as connection:
        connection.execute(f"CREATE SCHEMA {SCHEMA}".encode())
        generation = int(next(iter(packed)).partition("_")[0].removeprefix("g"))
        connection.commit()
        checkpoint(dsn)
        with timed() as clock, connection.transaction():
            for partition in range(PARTITIONS):
                connection.execute(tables.create_leaves(generation, partition).encode())
                if keys_first:
                    connection.execute(tables.key_leaves(generation, partition).encode())
            for table, content in contents.items():
                kind = "timeline" if "timeline" in table else "application"
                with connection.cursor().copy(
                    f"COPY {table} ({COLUMNS[kind]}) FROM STDIN (FORMAT binary)".encode()
                ) as into:
                    for begin in range(0, len(content), 1 << 18):
                        into.write(content[begin : begin + (1 << 18)])
            if not keys_first:
                for partition in range(PARTITIONS):
                    connection.execute(tables.key_leaves(generation, partition).encode())
    return clock.seconds


def _connect(dsn: str) -> psycopg.Connection:
    return psycopg.connect(dsn, options=f"-c search_path={SCHEMA},public")


MEASURES: dict[tuple[str, ...], Measure] = {("rebuild", "rebuild_consume"): measure_rebuild}
