"""`rebuild_streams`, `rebuild_streams_lean`: the rebuild beside Kafka Streams, exactly once, RocksDB, same topic, same run.

Two opponents, both in `streams_java`. *dsl* is Streams as it is usually written, by which we read the aim: events grouped by
application and aggregated into one JSON value, the status and the whole timeline, with the default settings. *lean* is the
least that we could make it cost: a processor with one row of the timeline an event and one status an application,
packed by hand; it runs with two sets of settings and the better one counts. Both do less than our fold (no deviations,
no situation, no keys for search). Their clock begins with the first record that reaches a processor and ends with the
last commit, ours begins with the start of the worker processes and ends when the keys are built. All must have built the
same number of events and applications.

`python -m tests.bench.streams` (`make bench-streams`) runs Streams alone.
"""

import asyncio
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

import msgspec

from deploy.local.database import temporary_database
from deploy.local.kafka_native import POM as BROKER_POM
from deploy.local.kafka_native import default_cache, find_java, find_maven
from services.status.rebuilding.workers import default_workers
from tests.bench.measure import Measure, Result, Surroundings
from tests.bench.rebuilding import events_wanted, log_of, rebuild_into

APPLICATION: Final = Path(__file__).with_name("streams_java")
ROUNDS: Final = 3
AIM: Final = 8.0
LEAN_AIM: Final = 2.0
"""Our own: nobody asked for it."""
PATIENCE_S: Final = 900.0
JVM: Final = ("-Xmx2g", "-XX:+UseParallelGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error")
COMMON: Final = {"processing.guarantee": "exactly_once_v2", "auto.offset.reset": "earliest"}


@dataclass(frozen=True)
class Opponent:
    """One of the two applications and the settings it runs with, beside `COMMON` and the number of threads."""

    projection: Literal["dsl", "lean"]
    settings: Mapping[str, int]


OPPONENTS: Final[Mapping[str, Opponent]] = {
    # a commit every 100 ms, 10 MB of cache, batches of 16 KB at once
    "dsl": Opponent("dsl", {}),
    "lean as it comes": Opponent("lean", {}),
    # fewer commits, a cache that holds every status, larger fetches and batches
    "lean tuned": Opponent(
        "lean",
        {
            "commit.interval.ms": 2_000,
            "statestore.cache.max.bytes": 256 << 20,
            "producer.linger.ms": 50,
            "producer.batch.size": 256 << 10,
            "consumer.max.poll.records": 5_000,
            "consumer.max.partition.fetch.bytes": 4 << 20,
            "buffered.records.per.partition": 5_000,
        },
    ),
}


class NotMeasured(Exception):
    """Something is not installed; the message says what."""


class Spent(msgspec.Struct, frozen=True):
    """What an application prints at its end: what it read, what its stores hold, seconds since its first record."""

    records: int
    refused: int
    events: int
    applications: int
    processed_s: float
    committed_s: float

    @property
    def rate(self) -> float:
        """Records a second, committed."""
        return self.records / self.committed_s


@dataclass(frozen=True)
class StreamsApplication:
    """Both applications, compiled, and the JVM that runs them."""

    java: Path
    folder: Path

    def rebuild(self, bootstrap: str, topic: str, opponent: Opponent) -> Spent:
        """Build the projection of `topic` on fresh state. Raises `RuntimeError` with what it said when it fails."""
        with tempfile.TemporaryDirectory(prefix="jejak-streams-") as state:
            properties = Path(state) / "streams.properties"
            named = {
                "bootstrap.servers": bootstrap,
                "application.id": f"bench-streams-{secrets.token_hex(4)}",
                "state.dir": f"{state}/stores",
                "num.stream.threads": default_workers(),
                **COMMON,
                **opponent.settings,
            }
            properties.write_text("".join(f"{name}={value}\n" for name, value in named.items()))
            class_path = f"{self.folder / 'classes'}{os.pathsep}{self.folder / 'libs'}/*"
            answer = subprocess.run(
                [str(self.java), *JVM, "-cp", class_path, "id.jejak.bench.Rebuild", opponent.projection, str(properties),
                 topic],
                capture_output=True, text=True, check=False, timeout=PATIENCE_S,
            )  # fmt: skip
        if answer.returncode:
            raise RuntimeError(f"Kafka Streams failed: {answer.stderr[-1_000:]}")
        return msgspec.json.decode(answer.stdout, type=Spent)


def build() -> StreamsApplication:
    """Compile them, against Streams of the broker's version, unless the cache has it. Raises `NotMeasured`."""
    java, maven = find_java(), find_maven()
    if java is None:
        raise NotMeasured("there is no JVM (Java 17 or later)")
    version = re.search(r"<artifactId>kafka_2\.13</artifactId>\s*<version>([^<]+)", BROKER_POM.read_text())
    if version is None:
        raise NotMeasured(f"{BROKER_POM} names no version of Kafka")
    sources = sorted(path for path in APPLICATION.rglob("*") if path.suffix in {".xml", ".java"})
    named = sha256(b"".join(path.read_bytes() for path in sources) + version[1].encode()).hexdigest()[:12]
    folder = default_cache() / f"streams-{named}"
    if not folder.exists():
        if maven is None:
            raise NotMeasured("Maven (mvn) is not installed")
        _compile(maven, version[1], folder)
    return StreamsApplication(java, folder)


def _compile(maven: str, version: str, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        project = Path(temporary) / "project"
        shutil.copytree(APPLICATION, project, ignore=shutil.ignore_patterns("target"))
        answer = subprocess.run(
            [maven, "-q", "-B", f"-Dkafka.version={version}", "compile", "dependency:copy-dependencies",
             "-DoutputDirectory=target/libs"],
            cwd=project, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        if answer.returncode:
            raise NotMeasured(f"Maven could not build it: {(answer.stdout + answer.stderr)[-500:]}")
        (project / "target").rename(folder)


def measure_streams(around: Surroundings) -> Iterator[Result]:
    """Ours and theirs in turns, the best of each."""
    try:
        application = build()
    except NotMeasured as missing:
        around.say(f"rebuild_streams skipped: {missing}")
        return
    count = events_wanted(around)
    topic = log_of(around, count)
    ours: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name in OPPONENTS}
    for _ in range(ROUNDS):
        os.sync()  # what the ones before wrote is on the disk before the next one's clock begins
        with temporary_database(around.database) as dsn:
            report = asyncio.run(rebuild_into(dsn, around.kafka, topic))
        ours.append(report.events / report.bulk_s)
        for name, opponent in OPPONENTS.items():
            os.sync()
            spent = application.rebuild(around.kafka, topic, opponent)
            same_work(report.events, report.applications, name, spent)
            theirs[name].append(spent.rate)
    fastest = {name: max(rates) for name, rates in theirs.items()}
    around.say(
        f"{count:,} events; best of {ROUNDS}: rebuild {max(ours):,.0f}/s with {default_workers()} workers, "
        f"Kafka Streams with as many threads {_named(fastest)}"
    )
    lean = max(rate for name, rate in fastest.items() if OPPONENTS[name].projection == "lean")
    yield Result("rebuild_streams", max(ours) / fastest["dsl"], max(ours), AIM, "events/s")
    yield Result("rebuild_streams_lean", max(ours) / lean, max(ours), LEAN_AIM, "events/s")


def same_work(events: int, applications: int, name: str, spent: Spent) -> None:
    """Raise `RuntimeError` unless the opponent's stores hold as many events and applications as our projection does."""
    if (spent.events, spent.applications) != (events, applications):
        raise RuntimeError(
            f"{name} built {spent.events} events of {spent.applications} applications, "
            f"we {events} of {applications}: the figures do not compare"
        )


def _named(rates: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {rate:,.0f}/s" for name, rate in rates.items())


def main() -> int:
    """Streams alone: one run of each opponent, the figures printed."""
    from tests.bench.__main__ import infrastructure

    try:
        application = build()
    except NotMeasured as missing:
        print(f"bench-streams: skipped: {missing}")
        return 0
    with infrastructure() as (kafka, database), tempfile.TemporaryDirectory(prefix="jejak-bench-") as folder:
        around = Surroundings(kafka, database, Path(folder), os.environ.get("SIZE") or "normal")
        topic = log_of(around, events_wanted(around))
        for name, opponent in OPPONENTS.items():
            spent = application.rebuild(kafka, topic, opponent)
            print(
                f"bench-streams: {name}: {spent.rate:,.0f} events/s ({spent.records:,} records, {spent.refused} refused, "
                f"{spent.events:,} events of {spent.applications:,} applications, processed in {spent.processed_s:.1f} s, "
                f"committed in {spent.committed_s:.1f} s, {default_workers()} threads)",
                flush=True,
            )
    return 0


MEASURES: dict[tuple[str, ...], Measure] = {("rebuild_streams", "rebuild_streams_lean"): measure_streams}

if __name__ == "__main__":
    sys.exit(main())
