"""`lookup`, `lookup_conditional`: one status process asked for distinct applications, beside a bare ASGI function.

The status service runs as in production, but for the rate limit; its projection is its own work, from a log of real
lives. The yardstick (`tests.bench.bare`) is served with the same settings from the same tables. All take turns in one
run, one at a time, and the best round of each counts.
"""

import http.client
import random
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psycopg

from contracts.envelope import PARTITIONS
from deploy.local.database import temporary_database
from services.status.partitions import partition_of
from tests.bench.events import publish
from tests.bench.load import Order, Tally, ask
from tests.bench.measure import Measure, Result, Surroundings
from tests.system.status_process import Status, status_process, wait_until

EVENTS = 40_000
CONNECTIONS = 64
ROUNDS = 5
SECONDS = 2.0
SEED = 20261124
AIM = 0.7
AIM_CONDITIONAL = 1.0


@dataclass
class Server:
    """Something that is asked, and what came of each round."""

    name: str
    url: str
    requests: list[str]
    status: int = 200
    tallies: list[Tally] = field(default_factory=list)

    def ask(self, seed: int, seconds: float = SECONDS) -> None:
        """One round. Raises when an answer was another one than it has to be."""
        place = urlsplit(self.url)
        order = Order(place.hostname or "", place.port or 0, self.requests, CONNECTIONS, seconds, seed)
        tally = ask(order)
        if set(tally.answers) != {self.status} or tally.broken:
            raise RuntimeError(f"{self.name} was answered {tally.answers}, {tally.broken} connections were closed")
        self.tallies.append(tally)

    @property
    def best(self) -> Tally:
        return max(self.tallies, key=lambda tally: tally.rate)


def measure_lookup(around: Surroundings) -> Iterator[Result]:
    """Both measures."""
    with projected(around, EVENTS) as status, bare(status) as bare_url:
        numbers = [row[0] for row in status.fetch("SELECT number FROM application ORDER BY number")]
        random.Random(SEED).shuffle(numbers)
        tags = tags_of(status.url, numbers)
        partitions = {number: f"{partition_of(number, PARTITIONS):02d}" for number in numbers}
        servers = [
            Server("bare", bare_url, [_request(f"/{partitions[number]}/{number}") for number in numbers]),
            Server("look-up", status.url, [_request(f"/applications/{number}") for number in numbers]),
            Server(
                "conditional look-up",
                status.url,
                [_request(f"/applications/{number}", tags[number]) for number in numbers],
                status=304,
            ),
        ]
        for place in range(ROUNDS):
            for server in servers:
                server.ask(SEED + place)
    yardstick, whole, conditional = (server.best for server in servers)
    around.say(
        f"{len(numbers):,} applications of {EVENTS:,} events, {CONNECTIONS} connections, best of {ROUNDS} rounds of "
        f"{SECONDS:g} s: "
        + ", ".join(
            f"{server.name} {server.best.rate:,.0f}/s (the client took {server.best.cpu:.0%} of a core)"
            for server in servers
        )
    )
    yield Result("lookup", whole.rate / yardstick.rate, whole.rate, AIM, "requests/s")
    yield Result(
        "lookup_conditional", conditional.rate / yardstick.rate, conditional.rate, AIM_CONDITIONAL, "requests/s"
    )


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
def bare(status: Status) -> Iterator[str]:
    """The yardstick on the same tables; its URL."""
    address = status.folder / "bare-address"
    environment = status.environment | {"JEJAK_ADDRESS_FILE": str(address)}
    with (status.folder / "bare-log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "tests.bench.bare"], env=environment, stdout=log, stderr=log)
    try:
        wait_until(address.exists, "the bare function listens")
        yield address.read_text().strip()
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


MEASURES: dict[tuple[str, ...], Measure] = {("lookup", "lookup_conditional"): measure_lookup}
