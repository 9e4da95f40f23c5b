"""`lookup`, `lookup_conditional`: one status process asked for distinct applications, beside a bare ASGI function.

The status service runs as in production, but for the rate limit; its projection is its own work, from a log of real
lives. The yardstick (`tests.bench.bare`) is served with the same settings from the same tables. All take turns in one
run, one at a time, and the best round of each counts. The status service keeps finished bodies for as long as they are
true (the database is asked each time whether they are): `lookup_anew` is the same with none kept, where every answer is
put into words anew.
"""

import http.client
import os
import random
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from contracts.envelope import PARTITIONS
from deploy.local.database import temporary_database
from services.status.folding.partitions import partition_of
from tests.bench.events import publish
from tests.bench.load import Order, Tally, ask
from tests.bench.measure import Measure, Result, Surroundings
from tests.system.status_process import Status, status_process, wait_until

EVENTS = 40_000
CONNECTIONS = 64
ROUNDS = 4
SECONDS = 2.0
SEED = 20261124
AIM = 0.7
AIM_CONDITIONAL = 1.0


@dataclass
class Server:
    """Something that is asked, and what came of each round."""

    name: str
    url: str
    pid: int
    requests: list[str]
    status: int = 200
    tallies: list[Tally] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    """Processor time of the server a request, in microseconds: other work on the machine hardly touches it."""

    def ask(self, seed: int, seconds: float = SECONDS) -> None:
        """One round. Raises when an answer was another one than it has to be."""
        place = urlsplit(self.url)
        order = Order(place.hostname or "", place.port or 0, self.requests, CONNECTIONS, seconds, seed)
        used_s = _processor_s(self.pid)
        tally = ask(order)
        used_s = _processor_s(self.pid) - used_s
        if set(tally.answers) != {self.status} or tally.broken:
            raise RuntimeError(f"{self.name} was answered {tally.answers}, {tally.broken} connections were closed")
        self.tallies.append(tally)
        self.cpu_us.append(used_s * 1e6 / tally.answers[self.status])

    @property
    def rate(self) -> float:
        """Answers a second in the best round."""
        return max(tally.rate for tally in self.tallies)

    def __str__(self) -> str:
        client = max(tally.cpu for tally in self.tallies)
        return f"{self.name} {self.rate:,.0f}/s ({min(self.cpu_us):.0f} µs of processor each, client {client:.0%} of a core)"


def measure_lookup(around: Surroundings) -> Iterator[Result]:
    """All three measures."""
    with projected(around, EVENTS) as status, bare(status) as (url, pid):
        numbers = [row[0] for row in status.fetch("SELECT number FROM application ORDER BY number")]
        random.Random(SEED).shuffle(numbers)
        tables = {number: f"{partition_of(number, PARTITIONS):02d}" for number in numbers}
        yardstick = Server("bare", url, pid, [_request(f"/{tables[number]}/{number}") for number in numbers])
        whole, conditional = _asked_for(status, numbers)
        _take_turns(yardstick, whole, conditional)
        status.stop()
        status.start(JEJAK_BODIES_MIB="0")
        anew_yardstick = Server("bare beside it", url, pid, yardstick.requests)
        anew = _asked_for(status, numbers)[0]
        _take_turns(anew_yardstick, anew)
    around.say(
        f"{len(numbers):,} applications of {EVENTS:,} events, {CONNECTIONS} connections, best of {ROUNDS} rounds of "
        f"{SECONDS:g} s: {yardstick}, look-up {whole}, conditional {conditional}; {anew_yardstick}, anew {anew}"
    )
    for name, ours, theirs, aim in (
        ("lookup", whole, yardstick, AIM),
        ("lookup_conditional", conditional, yardstick, AIM_CONDITIONAL),
        ("lookup_anew", anew, anew_yardstick, AIM),
    ):
        yield Result(name, ours.rate / theirs.rate, ours.rate, aim, "requests/s")


def _asked_for(status: Status, numbers: list[str]) -> tuple[Server, Server]:
    assert status.process is not None
    url, pid = status.url, status.process.pid
    tags = tags_of(url, numbers)
    paths = {number: f"/applications/{number}" for number in numbers}
    return (
        Server("", url, pid, [_request(path) for path in paths.values()]),
        Server("", url, pid, [_request(path, tags[number]) for number, path in paths.items()], status=304),
    )


def _take_turns(*servers: Server) -> None:
    for place in range(ROUNDS):
        for server in servers:
            server.ask(SEED + place)


@contextmanager
def projected(around: Surroundings, events: int, **settings: str) -> Iterator[Status]:
    """A status service that has taken in `events` events."""
    topic = f"bench-lookup-{secrets.token_hex(4)}"
    folder = around.folder / topic
    folder.mkdir()
    with (
        temporary_database(around.database) as database,
        status_process(folder, kafka=around.kafka, database=database, topic=topic) as status,
    ):
        publish(around.kafka, topic, events)
        status.sent = events
        status.start(**settings)
        status.wait_for_all()
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        yield status


@contextmanager
def bare(status: Status) -> Iterator[tuple[str, int]]:
    """The yardstick on the same tables; its URL and process id."""
    address = status.folder / "bare-address"
    environment = status.environment | {"JEJAK_ADDRESS_FILE": str(address)}
    with (status.folder / "bare-log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "tests.bench.bare"], env=environment, stdout=log, stderr=log)
    try:
        wait_until(address.exists, "the bare function listens")
        yield address.read_text().strip(), process.pid
    finally:
        process.terminate()
        process.wait(10)


def tags_of(url: str, numbers: list[str]) -> dict[str, str]:
    """The ETag of each application."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc)
    tags = {}
    for number in numbers:
        connection.request("GET", f"/applications/{number}")
        answer = connection.getresponse()
        answer.read()
        tags[number] = answer.headers["ETag"]
    connection.close()
    return tags


def _request(path: str, tag: str = "") -> str:
    condition = f"If-None-Match: {tag}\r\n" if tag else ""
    return f"GET {path} HTTP/1.1\r\nHost: status\r\nAccept: application/json\r\n{condition}\r\n"


def _processor_s(pid: int) -> float:
    """Processor time that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


MEASURES: dict[tuple[str, ...], Measure] = {("lookup", "lookup_conditional", "lookup_anew"): measure_lookup}
