"""Many event streams at a real status service: `make bench ONLY=event_streams` measures ten times as many."""

import asyncio
import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from contracts.envelope import encode_event, new_salt
from contracts.facts import DocumentsVerified
from deploy.local.database import temporary_database
from tests.system.status_process import BEGAN, OFFICE, OFFICER, Status, status_process, wait_until
from tests.system.watching import Watcher, allow_many_sockets, memory_mib, until, watch

pytestmark = pytest.mark.system

STREAMS = 500
APPLICATIONS = 50
MOST_KIB_A_STREAM = 36
"""With which 5,000 streams stay within 300 MiB."""
WARM_UP_MIB = 12
"""What the first requests of a process take, whatever they are."""


@pytest.fixture(scope="module")
def status(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Status]:
    allow_many_sockets()
    with (
        temporary_database(infrastructure.database) as database,
        status_process(
            tmp_path_factory.mktemp("streams"),
            kafka=infrastructure.kafka,
            database=database,
            topic=f"test-streams-{secrets.token_hex(5)}",
        ) as service,
    ):
        service.start(JEJAK_STREAMS=str(STREAMS))
        yield service


def _one_more(number: str) -> bytes:
    return encode_event(
        DocumentsVerified(by=OFFICER), id="one more", source=f"{OFFICE}/processing", subject=number, time=BEGAN, salt=new_salt(bytes(32))
    )  # fmt: skip


def _have(watchers: list[Watcher], expected: dict[str, int]) -> bool:
    return all(len(watcher.ids) >= expected[watcher.number] for watcher in watchers)


async def test_five_hundred_streams_are_each_sent_every_event_once_and_cost_little(status: Status) -> None:
    numbers = await asyncio.to_thread(status.publish_lives, APPLICATIONS)
    await asyncio.to_thread(status.wait_for_all)
    assert status.process is not None
    before = memory_mib(status.process.pid)
    expected = dict(status.fetch("SELECT number, n FROM application"))
    watchers = await watch(status.url, [number for number in numbers for _ in range(STREAMS // APPLICATIONS)])
    await until(lambda: _have(watchers, expected), "all have caught up")
    left = watchers[::7]
    for watcher in left:
        watcher.leave()
    staying = [watcher for watcher in watchers if watcher not in left]
    told = numbers[::2]
    await asyncio.to_thread(status.publish, [(number, _one_more(number)) for number in told])
    expected |= {number: expected[number] + 1 for number in told}
    await until(lambda: _have(staying, expected), "the news is there")
    await asyncio.sleep(1.5)  # the heartbeat of the tests is a second: a sign of life is no event
    assert [watcher.ids for watcher in staying] == [list(range(1, expected[w.number] + 1)) for w in staying]
    assert not any(watcher.closed for watcher in staying)
    grown = memory_mib(status.process.pid, "VmHWM") - before
    assert grown <= WARM_UP_MIB + STREAMS * MOST_KIB_A_STREAM / 1024
    await asyncio.to_thread(status.stop)
    await until(lambda: all(watcher.closed for watcher in staying), "the end of the process ends them", within_s=5)


async def test_the_place_of_a_stream_that_was_left_is_free_again(status: Status) -> None:
    await asyncio.to_thread(status.start, JEJAK_STREAMS="20")
    (number,) = await asyncio.to_thread(status.publish_lives, 1)
    await asyncio.to_thread(status.wait_for_all)
    for _ in range(3):
        watchers = await watch(status.url, [number] * 20)
        with status.client() as client:
            refused = await asyncio.to_thread(client.get, f"/applications/{number}/events")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            for watcher in watchers:
                watcher.leave()
            await asyncio.to_thread(
                wait_until, lambda: _in_flight(client) == 1, "the process has noticed that they left", 10
            )


def _in_flight(client: httpx.Client) -> float:
    """How many requests are being answered, with the one that asks."""
    lines = client.get("/metrics").text.splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith("jejak_http_requests_in_flight "))
