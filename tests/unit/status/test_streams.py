"""Event streams: each gets every event after its own beginning, in order, once."""

import asyncio
from datetime import UTC, datetime

import pytest

from services.status.entries import By, Entry
from services.status.streams import Streams
from services.status.words import Text

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


async def _take(streams: Streams, after: int, count: int, into: list[int]) -> None:
    stream = streams.stream(NUMBER, after)
    async for piece in stream:
        if piece.startswith(b"id: "):
            into.append(int(piece.split(b"\n")[0].removeprefix(b"id: ")))
        if len(into) == count:
            break
    await stream.aclose()  # type: ignore[attr-defined]


@pytest.fixture
def timeline() -> Timeline:
    return Timeline(3)


def _streams(timeline: Timeline, heartbeat_s: float = 60) -> Streams:
    return Streams("", "status", timeline.read, limit=2, heartbeat_s=heartbeat_s)


async def test_a_stream_that_opens_while_another_is_served_misses_nothing(timeline: Timeline) -> None:
    streams = _streams(timeline)
    distribution = asyncio.create_task(streams.distribute())
    timeline.may_answer.clear()
    late: list[int] = []
    early: list[int] = []
    from_two = asyncio.create_task(_take(streams, 2, 1, late))
    await timeline.asked.wait()
    from_the_beginning = asyncio.create_task(_take(streams, 0, 3, early))
    await asyncio.sleep(0)
    timeline.may_answer.set()
    async with asyncio.timeout(10):
        await asyncio.gather(from_two, from_the_beginning)
    assert (late, early) == ([3], [1, 2, 3])
    distribution.cancel()


async def test_a_long_timeline_is_sent_to_its_end(timeline: Timeline) -> None:
    timeline.count = 1_200
    streams = _streams(timeline)
    distribution = asyncio.create_task(streams.distribute())
    seen: list[int] = []
    async with asyncio.timeout(10):
        await _take(streams, 0, 1_200, seen)
    assert seen == list(range(1, 1_201))
    distribution.cancel()


async def test_an_open_stream_counts_until_it_is_closed(timeline: Timeline) -> None:
    streams = _streams(timeline, heartbeat_s=0.01)
    stream = streams.stream(NUMBER, 0)
    assert (await anext(stream)).startswith(b"retry:")
    assert (await anext(stream)).startswith(b":")
    other = streams.stream(NUMBER, 0)
    await anext(other)
    assert streams.is_full()
    await other.aclose()  # type: ignore[attr-defined]
    assert not streams.is_full()
    await stream.aclose()  # type: ignore[attr-defined]
    assert streams.open == 0


async def test_streams_end_when_the_process_stops(timeline: Timeline) -> None:
    streams = _streams(timeline)
    seen: list[int] = []
    reading = asyncio.create_task(_take(streams, 0, 99, seen))
    await asyncio.sleep(0)
    streams.end()
    async with asyncio.timeout(10):
        await reading
