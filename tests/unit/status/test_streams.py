"""Event streams: each gets every event after its own beginning, in order, once."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from runtime.problems import Problem
from services.status.answering.entries import By, Entry
from services.status.answering.streams import Streams
from services.status.answering.words import Text

NUMBER = "LBG-0000-0000-0000-0000-0"
WORDS = Text("x", "x")


class Timeline:
    """A timeline that can be made to answer slowly."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def read(self, number: str, after: int, limit: int) -> list[Entry]:
        self.asked.set()
        await self.may_answer.wait()
        at = datetime(2026, 3, 2, tzinfo=UTC)
        return [
            Entry(n, "submitted", at, at, By("system", WORDS), WORDS, WORDS, [], "s", str(n))
            for n in range(after + 1, min(self.count, after + limit) + 1)
        ]


class Client:
    """Someone at the other end of a stream, who can be slow, and can go."""

    def __init__(self, streams: Streams, last_event_id: str | None = None) -> None:
        self.text = b""
        self.status = 0
        self.closed = False
        self._reads = asyncio.Event()
        self._reads.set()
        self._gone = asyncio.Event()
        self._news = asyncio.Event()
        app = streams.open(NUMBER, last_event_id)
        self.request = asyncio.create_task(app({}, self._receive, self._send))  # type: ignore[arg-type]

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self._reads.wait()
        self.status = message.get("status", self.status)
        self.text += message.get("body", b"")
        if message.get("more_body") is False:
            self.closed = True
            self._gone.set()
        self._news.set()

    def stop_reading(self) -> None:
        self._reads.clear()

    def read_on(self) -> None:
        self._reads.set()

    def leave(self) -> None:
        self._gone.set()

    @property
    def ids(self) -> list[int]:
        return [int(line[4:]) for line in self.text.split(b"\n") if line.startswith(b"id: ")]

    async def wait(self, until: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not until():
                self._news.clear()
                await self._news.wait()


@pytest.fixture
def timeline() -> Timeline:
    return Timeline(3)


def _streams(timeline: Timeline, heartbeat_s: float = 60) -> Streams:
    return Streams("", "status", timeline.read, limit=2, heartbeat_s=heartbeat_s)


async def test_a_stream_that_opens_while_another_is_served_misses_nothing(timeline: Timeline) -> None:
    streams = _streams(timeline)
    distribution = asyncio.create_task(streams.distribute())
    timeline.may_answer.clear()
    late = Client(streams, "2")
    await timeline.asked.wait()
    early = Client(streams)
    await asyncio.sleep(0)
    timeline.may_answer.set()
    await late.wait(lambda: late.ids == [3])
    await early.wait(lambda: early.ids == [1, 2, 3])
    distribution.cancel()


async def test_what_came_before_is_sent_first_and_nothing_twice(timeline: Timeline) -> None:
    streams = _streams(timeline)
    distribution = asyncio.create_task(streams.distribute())
    client = Client(streams)
    await client.wait(lambda: len(client.ids) == 3)
    timeline.count = 5
    streams._heard(None, 0, "", f"XXX-0000-0000-0000-0000-0 {NUMBER}")
    streams._heard(None, 0, "", NUMBER)
    await client.wait(lambda: len(client.ids) == 5)
    assert client.ids == [1, 2, 3, 4, 5]
    assert client.text.startswith(b"retry: 2000\n\nid: 1\n")
    distribution.cancel()


async def test_a_long_timeline_is_sent_to_its_end(timeline: Timeline) -> None:
    timeline.count = 1_200
    streams = _streams(timeline)
    distribution = asyncio.create_task(streams.distribute())
    client = Client(streams)
    await client.wait(lambda: len(client.ids) == 1_200)
    assert client.ids == list(range(1, 1_201))
    distribution.cancel()


async def test_a_client_that_does_not_keep_up_is_ended_and_holds_nobody_up(timeline: Timeline) -> None:
    timeline.count = 4_000
    streams = _streams(timeline)
    slow, quick = Client(streams), Client(streams)
    await slow.wait(lambda: slow.status == 200)
    slow.stop_reading()
    distribution = asyncio.create_task(streams.distribute())
    await quick.wait(lambda: len(quick.ids) == 4_000)
    assert not slow.closed
    slow.read_on()
    await slow.wait(lambda: slow.closed)
    assert len(slow.ids) < 4_000
    assert slow.ids == list(range(1, len(slow.ids) + 1))
    distribution.cancel()


async def test_an_open_stream_counts_until_its_client_goes(timeline: Timeline) -> None:
    streams = _streams(timeline)
    first, second = Client(streams), Client(streams)
    await second.wait(lambda: second.status == 200)
    with pytest.raises(Problem) as refused:
        streams.open(NUMBER, None)
    assert refused.value.status == 503
    second.leave()
    await second.request
    streams.open(NUMBER, None)
    first.leave()
    await first.request
    assert streams.open_streams == 0


async def test_a_quiet_stream_says_that_it_is_still_there(timeline: Timeline) -> None:
    streams = _streams(timeline, heartbeat_s=0.01)
    client = Client(streams, "3")
    await client.wait(lambda: client.text.count(b": still here\n\n") == 3)
    client.leave()


async def test_streams_end_when_the_process_stops(timeline: Timeline) -> None:
    streams = _streams(timeline)
    before = Client(streams)
    await before.wait(lambda: before.status == 200)
    streams.end()
    after = Client(streams)
    async with asyncio.timeout(10):
        await asyncio.gather(before.request, after.request)
    assert before.closed
    assert after.closed
