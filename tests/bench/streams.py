"""`rebuild_streams`: the rebuild beside Kafka Streams, exactly once, RocksDB, from the same topic in the same run.

The opponent is in `streams_java`: a processor that keeps one row of the timeline an event and one status an application
in persistent stores with changelog topics, and parses what it needs of an event by hand. It does less than our fold (no
deviations, no situation, no keys for search). Two sets of settings, each run as often as ours, and the better one counts;
its clock begins with the first record that reaches a processor and ends with the last commit, ours begins with the start
of the worker processes and ends when the keys are built.

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
from typing import Final

import msgspec

from deploy.local.database import temporary_database
from deploy.local.kafka_native import POM as BROKER_POM
from deploy.local.kafka_native import default_cache, find_java, find_maven
from services.status.rebuilding.workers import default_workers
from tests.bench.measure import Measure, Result, Surroundings
from tests.bench.rebuilding import events_wanted, log_of, rebuild_into

APPLICATION: Final = Path(__file__).with_name("streams_java")
ROUNDS: Final = 2
AIM: Final = 8.0
PATIENCE_S: Final = 900.0
JVM: Final = ("-Xmx2g", "-XX:+UseParallelGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error")
COMMON: Final = {"processing.guarantee": "exactly_once_v2", "auto.offset.reset": "earliest"}
SETTINGS: Final[Mapping[str, Mapping[str, int]]] = {
    # a commit every 100 ms, 10 MB of cache, batches of 16 KB at once
    "as it comes": {},
    # fewer commits, a cache that holds every status, larger fetches and batches
    "tuned": {
        "commit.interval.ms": 2_000,
        "statestore.cache.max.bytes": 256 << 20,
        "producer.linger.ms": 50,
        "producer.batch.size": 256 << 10,
        "consumer.max.poll.records": 5_000,
        "consumer.max.partition.fetch.bytes": 4 << 20,
        "buffered.records.per.partition": 5_000,
    },
}


class NotMeasured(Exception):
    """Something is not installed; the message says what."""


class Spent(msgspec.Struct, frozen=True):
    """What the application prints at its end. Seconds since its first record."""

    records: int
    refused: int
    processed_s: float
    committed_s: float

    @property
    def rate(self) -> float:
        """Records a second, committed."""
        return self.records / self.committed_s


@dataclass(frozen=True)
class StreamsApplication:
    """The compiled application and the JVM that runs it."""

    java: Path
    folder: Path

    def rebuild(self, bootstrap: str, topic: str, settings: Mapping[str, int]) -> Spent:
        """Build the projection of `topic` on fresh state. Raises `RuntimeError` with what it said when it fails."""
        with tempfile.TemporaryDirectory(prefix="jejak-streams-") as state:
            properties = Path(state) / "streams.properties"
            named = {
                "bootstrap.servers": bootstrap,
                "application.id": f"bench-streams-{secrets.token_hex(4)}",
                "state.dir": f"{state}/stores",
                "num.stream.threads": default_workers(),
                **COMMON,
                **settings,
            }
            properties.write_text("".join(f"{name}={value}\n" for name, value in named.items()))
            class_path = f"{self.folder / 'classes'}{os.pathsep}{self.folder / 'libs'}/*"
            answer = subprocess.run(
                [str(self.java), *JVM, "-cp", class_path, "id.jejak.bench.Rebuild", str(properties), topic],
                capture_output=True, text=True, check=False, timeout=PATIENCE_S,
            )  # fmt: skip
        if answer.returncode:
            raise RuntimeError(f"Kafka Streams failed: {answer.stderr[-1_000:]}")
        return msgspec.json.decode(answer.stdout, type=Spent)


def build() -> StreamsApplication:
    """Compile it, against Streams of the broker's version, unless the cache has it. Raises `NotMeasured`."""
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
    theirs: dict[str, list[Spent]] = {name: [] for name in SETTINGS}
    for _ in range(ROUNDS):
        with temporary_database(around.database) as dsn:
            report = asyncio.run(rebuild_into(dsn, around.kafka, topic))
        ours.append(report.events / report.bulk_s)
        for name, settings in SETTINGS.items():
            theirs[name].append(application.rebuild(around.kafka, topic, settings))
    fastest = {name: max(spent.rate for spent in runs) for name, runs in theirs.items()}
    around.say(
        f"{count:,} events; best of {ROUNDS}: rebuild {max(ours):,.0f}/s with {default_workers()} workers, "
        f"Kafka Streams with as many threads {_named(fastest)}"
    )
    yield Result("rebuild_streams", max(ours) / max(fastest.values()), max(ours), AIM, "events/s")


def _named(rates: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {rate:,.0f}/s" for name, rate in rates.items())


def main() -> int:
    """Streams alone: one run of each set of settings, the figures printed."""
    from tests.bench.__main__ import infrastructure

    try:
        application = build()
    except NotMeasured as missing:
        print(f"bench-streams: skipped: {missing}")
        return 0
    with infrastructure() as (kafka, database), tempfile.TemporaryDirectory(prefix="jejak-bench-") as folder:
        around = Surroundings(kafka, database, Path(folder), os.environ.get("SIZE") or "normal")
        topic = log_of(around, events_wanted(around))
        for name, settings in SETTINGS.items():
            spent = application.rebuild(kafka, topic, settings)
            print(
                f"bench-streams: {name}: {spent.rate:,.0f} events/s ({spent.records:,} records, {spent.refused} refused, "
                f"processed in {spent.processed_s:.1f} s, committed in {spent.committed_s:.1f} s, "
                f"{default_workers()} threads)",
                flush=True,
            )
    return 0


MEASURES: dict[tuple[str, ...], Measure] = {("rebuild_streams",): measure_streams}

if __name__ == "__main__":
    sys.exit(main())
