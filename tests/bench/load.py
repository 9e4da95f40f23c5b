"""A client that asks as fast as it is answered, in a process of its own so that it shares no interpreter with a server.

python -m tests.bench.load < order: reads an `Order` as JSON, prints a `Tally` as JSON. Every connection is kept alive and
has one request under way; which one comes next is drawn from a seed. uvloop and httptools, as the servers use them, so
that the client needs a fraction of a server's time; `Tally.cpu` says which.
"""

import asyncio
import random
import subprocess
import sys
import time
from collections import Counter

import httptools
import msgspec
import uvloop
from msgspec import Struct


class Order(Struct):
    """What to ask: whole requests as they go over the wire."""

    host: str
    port: int
    requests: list[str]
    connections: int
    seconds: float
    seed: int


class Tally(Struct):
    """What came of it."""

    answers: dict[int, int]
    """By status."""
    seconds: float
    cpu: float
    """Share of one core that the client itself used."""
    broken: int = 0
    """Connections that the server closed."""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return sum(self.answers.values()) / self.seconds


class Connection(asyncio.Protocol):
    """One keep-alive connection: an answer that is complete is followed by the next request."""

    def __init__(self, load: "Load") -> None:
        self._load = load

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._transport = transport
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._load.answers[self._parser.get_status_code()] += 1
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._load.ended:
            self._load.broken += 1

    def _ask(self) -> None:
        if self._load.ended:
            self._transport.close()
        else:
            self._transport.write(self._load.next_request())


class Load:
    """All connections of an order."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._requests = [request.encode() for request in order.requests]
        self._chosen = random.Random(order.seed).choices(self._requests, k=100_000)
        self._place = 0
        self.answers: Counter[int] = Counter()
        self.broken = 0
        self.ended = False

    def next_request(self) -> bytes:
        self._place = (self._place + 1) % len(self._chosen)
        return self._chosen[self._place]

    async def run(self) -> Tally:
        """Ask for as long as was ordered."""
        loop = asyncio.get_running_loop()
        began, used = time.perf_counter(), time.process_time()
        for _ in range(self._order.connections):
            await loop.create_connection(lambda: Connection(self), self._order.host, self._order.port)
        await asyncio.sleep(self._order.seconds)
        seconds = time.perf_counter() - began
        tally = Tally(dict(self.answers), seconds, (time.process_time() - used) / seconds, self.broken)
        self.ended = True
        return tally


def ask(order: Order) -> Tally:
    """Have an order carried out by another process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"], input=msgspec.json.encode(order), capture_output=True, check=True
    )
    return msgspec.json.decode(done.stdout, type=Tally)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        tally = runner.run(Load(msgspec.json.decode(sys.stdin.buffer.read(), type=Order)).run())
    sys.stdout.buffer.write(msgspec.json.encode(tally))
