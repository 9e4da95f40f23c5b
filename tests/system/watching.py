"""Many event streams from one process: real sockets, and what each was sent."""

import asyncio
import re
import resource
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

_ID = re.compile(rb"^id: (\d+)$")
_OPENED_AT_ONCE = 200


class Watcher(asyncio.Protocol):
    """One open event stream: the ids of the events that it was sent, in the order in which they came."""

    def __init__(self, number: str) -> None:
        self.number = number
        self.ids: list[int] = []
        self.status = 0
        self.closed = False
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._transport.write(f"GET /applications/{self.number}/events HTTP/1.1\r\nHost: status\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if not self.status:
                self.status = int(line.split()[1])
            elif found := _ID.match(line):
                self.ids.append(int(found[1]))

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True

    def leave(self) -> None:
        self._transport.abort()


async def watch(url: str, numbers: Sequence[str]) -> list[Watcher]:
    """A stream for each of `numbers`, which may have some several times; all answered with 200."""
    place = urlsplit(url)
    loop = asyncio.get_running_loop()
    watchers: list[Watcher] = []
    for begin in range(0, len(numbers), _OPENED_AT_ONCE):
        wave = numbers[begin : begin + _OPENED_AT_ONCE]
        opened = await asyncio.gather(
            *[
                loop.create_connection(lambda number=number: Watcher(number), place.hostname, place.port)
                for number in wave
            ]  # type: ignore[misc]
        )
        watchers += [watcher for _, watcher in opened]
        await until(lambda watchers=watchers: all(watcher.status for watcher in watchers), "the streams are open")  # type: ignore[misc]
    statuses = {watcher.status for watcher in watchers}
    assert statuses == {200}, statuses
    return watchers


async def until(holds: Callable[[], bool], what: str, within_s: float = 60.0) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.02)


def allow_many_sockets() -> int:
    """As many open files as this process, and those that it starts, may have; how many that is."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def memory_mib(pid: int, figure: str = "VmRSS") -> float:
    """What /proc says of a process: `VmRSS` resident now, `VmHWM` at most so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(figure + ":"):
            return int(line.split()[1]) / 1024
    raise LookupError(figure)
