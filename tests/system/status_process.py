"""The status service as processes of its own, on a database and a topic of its own, for its system tests."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
from confluent_kafka import Producer

from contracts.envelope import PARTITIONS, encode_event, new_salt
from contracts.facts import (
    Actor,
    Collected,
    Decided,
    DocumentRef,
    DocumentsRequested,
    DocumentSupplied,
    DocumentsVerified,
    Examined,
    Fact,
    FeeAssessed,
    FeePaid,
    Issued,
    Reason,
    RequestedDocument,
    Submitted,
)
from contracts.number import RANDOM_BYTES, format_number
from deploy.local.issuer import Issuer
from runtime.kafka import LOG_CONFIG, ensure_topic

OFFICER = Actor(role="officer", office="lebong", desk="verification")
APPLICANT = Actor(role="applicant")
OFFICE = "//lebong.imigrasi.go.id"
BEGAN = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def life(chance: random.Random) -> list[tuple[str, Fact]]:
    """The facts of one application, some lives longer than others, with the service that publishes each."""
    code = f"820260{chance.randrange(10**9):09d}"
    reference = DocumentRef(document="d1", requirement="family_card", commitment=new_salt(chance.randbytes(32)))
    asked = RequestedDocument(requirement="family_card", reason=Reason(code="unreadable"))
    facts: list[tuple[str, Fact]] = [
        ("intake", Submitted(service="passport_new", office="lebong", channel="internet", by=APPLICANT)),
        ("processing", DocumentsRequested(documents=[asked], by=OFFICER)),
        ("intake", DocumentSupplied(document=reference, by=APPLICANT)),
        ("processing", FeeAssessed(billing_code=code, amount=650_000, expires_at=BEGAN + timedelta(days=9), by=OFFICER)),
        ("treasury", FeePaid(billing_code=code, amount=650_000, by=Actor(role="treasury"))),
        ("processing", DocumentsVerified(by=OFFICER)),
        ("processing", Examined(examinations=["interview"], by=OFFICER)),
        ("processing", Decided(outcome="approved", by=OFFICER)),
        ("processing", Issued(product="passport", by=OFFICER)),
        ("processing", Collected(by=OFFICER)),
    ]  # fmt: skip
    if chance.random() < 0.2:
        facts[4], facts[7] = facts[7], facts[4]  # a decision before the payment
    return facts[: chance.randint(1, len(facts))]


def events_of(number: str, chance: random.Random) -> list[bytes]:
    """The bytes of the events of one application, in order."""
    at = BEGAN + timedelta(minutes=chance.randrange(10_000))
    events = []
    for place, (service, fact) in enumerate(life(chance)):
        at += timedelta(minutes=chance.randrange(1, 600))
        events.append(
            encode_event(
                fact,
                id=f"{number}/{place}",
                source=f"{OFFICE}/{service}",
                subject=number,
                time=at,
                salt=new_salt(chance.randbytes(32)),
            )
        )
    return events


@dataclass
class Status:
    """A status service and what is needed to feed and ask it."""

    folder: Path
    kafka: str
    database: str
    topic: str
    chance: random.Random = field(default_factory=lambda: random.Random(20260302))
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.issuer = Issuer(self.folder / "issuer.pem")
        (self.folder / "jwks.json").write_text(self.issuer.jwks())
        self._producers: dict[str, Producer] = {}
        self.sent = 0

    @property
    def environment(self) -> dict[str, str]:
        """The settings of the service and of its commands."""
        return os.environ | {
            "JEJAK_KAFKA": self.kafka,
            "JEJAK_DATABASE": self.database,
            "JEJAK_TOPIC": self.topic,
            "JEJAK_CONSUMER": f"{self.topic}-status",
            "JEJAK_ISSUER": self.issuer.name,
            "JEJAK_JWKS": (self.folder / "jwks.json").as_uri(),
            "JEJAK_ADDRESS_FILE": str(self.folder / "address"),
            "JEJAK_HEARTBEAT_S": "1",
            "JEJAK_LOOKUPS_PER_S": "0",
            "JEJAK_DEADLINES_EVERY_S": "3600",  # its events are of March: what is late would be said at once
        }

    def start(self, **settings: str) -> None:
        """Start the process and wait until it answers."""
        (self.folder / "address").unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.status.main"], env=self.environment | settings, stdout=log, stderr=log
            )
        wait_until((self.folder / "address").exists, "the service listens")

    def stop(self) -> None:
        """Stop the process as a supervisor does."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=10)
            self.process = None

    def kill(self) -> None:
        """Kill the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    @property
    def url(self) -> str:
        return (self.folder / "address").read_text().strip()

    def token(self, role: str) -> dict[str, str]:
        """The header of a staff member."""
        return {"Authorization": f"Bearer {self.issuer.token(role)}"}

    def new_number(self) -> str:
        return format_number("LBG", self.chance.randbytes(RANDOM_BYTES))

    def publish(self, records: Iterable[tuple[str | None, bytes | None]], codec: str = "none") -> None:
        """Put (key, value) records on the log and wait until they are there."""
        producer = self._producers.setdefault(
            codec,
            Producer(
                {
                    "bootstrap.servers": self.kafka,
                    "compression.type": codec,
                    "partitioner": "murmur2_random",
                    "linger.ms": 5,
                }
            ),
        )
        for key, value in records:
            producer.produce(self.topic, value, key)
            self.sent += 1
        assert producer.flush(30) == 0

    def publish_lives(self, count: int, *, codec: str = "none", repeats: bool = False) -> list[str]:
        """Publish the events of `count` applications, interleaved; with `repeats` some of them twice."""
        numbers = [self.new_number() for _ in range(count)]
        lives = [(number, events_of(number, self.chance)) for number in numbers]
        records: list[tuple[str | None, bytes | None]] = []
        while any(events for _, events in lives):
            number, events = self.chance.choice([life for life in lives if life[1]])
            records.append((number, events.pop(0)))
            if repeats and self.chance.random() < 0.3:
                records.append(self.chance.choice([record for record in records if record[0] == number]))
        self.publish(records, codec)
        return numbers

    def fetch(self, query: str) -> list[tuple]:  # type: ignore[type-arg]
        """Ask the service's tables."""
        with psycopg.connect(self.database, options="-c search_path=status", autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def wait_for_all(self) -> None:
        """Wait until every record that was sent is taken in or in quarantine."""
        wait_until(lambda: self._position() >= self.sent, f"{self.sent} records are taken in")

    def _position(self) -> int:
        try:
            return int(self.fetch("SELECT coalesce(sum(next_offset), 0) FROM consumer_positions")[0][0])
        except psycopg.errors.UndefinedTable:
            return 0

    def rebuild(self, *options: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run `jejak rebuild`."""
        return subprocess.run(
            [sys.executable, "-m", "deploy.local.cli", "rebuild", *options],
            env=self.environment | settings, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip

    def start_rebuild(self, *options: str, **settings: str) -> subprocess.Popen[bytes]:
        """Begin `jejak rebuild`."""
        return subprocess.Popen(
            [sys.executable, "-m", "deploy.local.cli", "rebuild", *options],
            env=self.environment | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=10)


def wait_until(holds, what: str, within_s: float = 60.0) -> None:  # type: ignore[no-untyped-def]
    """Wait for a condition; fails the test when it does not come."""
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until, f"waited {within_s:.0f} s in vain until {what}"
        time.sleep(0.05)


@contextmanager
def status_process(folder: Path, *, kafka: str, database: str, topic: str) -> Iterator[Status]:
    """A topic and a `Status` on it, not started; stopped at the end."""
    asyncio.run(ensure_topic(kafka, topic, partitions=PARTITIONS, config=LOG_CONFIG))
    status = Status(folder, kafka, database, topic)
    try:
        yield status
    finally:
        status.kill()
