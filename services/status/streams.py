"""Server-sent events: one LISTEN a process, fanned out to every open stream.

The projection notifies with the numbers of the applications that have new events. For a number that somebody watches
the new rows are read once, put into words once, and the same bytes go to all of its streams. A stream that does not
keep up is ended; its client comes back with `Last-Event-ID` and misses nothing.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import asyncpg
import msgspec
import structlog

from services.status.entries import Entry

log = structlog.get_logger()

_RETRY_MS: Final = 2_000
_WAITING_EVENTS: Final = 1_000
"""How many events a stream may be behind before it is ended."""
_ROWS_AT_ONCE: Final = 500

Read = Callable[[str, int, int], Awaitable[list[Entry]]]
"""(number, after n, limit) → entries."""


class _Stream:
    def __init__(self, after: int) -> None:
        self.after = after
        self.waiting: deque[bytes] = deque()
        self.woken = asyncio.Event()
        self.ended = False

    def end(self) -> None:
        self.ended = True
        self.woken.set()


def as_event(entry: Entry) -> bytes:
    """One entry in the format of an event stream; its id is the entry's `n`."""
    return b"id: %d\nevent: entry\ndata: %s\n\n" % (entry.n, msgspec.json.encode(entry))


class Streams:
    """The open streams of this process."""

    def __init__(self, dsn: str, schema: str, read: Read, *, limit: int, heartbeat_s: float) -> None:
        self._dsn = dsn
        self._schema = schema
        self._read = read
        self._limit = limit
        self._heartbeat_s = heartbeat_s
        self._watched: dict[str, set[_Stream]] = {}
        self._changed: set[str] = set()
        self._woken = asyncio.Event()
        self._ended = False
        self.open = 0

    async def stream(self, number: str, after: int) -> AsyncIterator[bytes]:
        """The events of an application after the `after`th, then new ones as they come."""
        stream = _Stream(after)
        self._watched.setdefault(number, set()).add(stream)
        self.open += 1
        self._wake([number])
        try:
            yield b"retry: %d\n\n" % _RETRY_MS
            while not (self._ended or stream.ended):
                try:
                    async with asyncio.timeout(self._heartbeat_s):
                        await stream.woken.wait()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                stream.woken.clear()
                while stream.waiting:
                    yield stream.waiting.popleft()
        finally:
            self.open -= 1
            self._watched[number].discard(stream)
            if not self._watched[number]:
                del self._watched[number]

    def is_full(self) -> bool:
        """Whether this process holds as many streams as it may."""
        return self.open >= self._limit

    def end(self) -> None:
        """End every stream: the process stops."""
        self._ended = True
        for streams in self._watched.values():
            for stream in streams:
                stream.end()

    async def run(self) -> None:
        """Listen and distribute until the connection is lost. Run it again then: nothing is missed."""
        connection = await asyncpg.connect(
            self._dsn, server_settings={"application_name": f"jejak-{self._schema}-listen"}, timeout=5.0
        )
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            await connection.add_listener(f"{self._schema}_events", self._heard)
            self._wake(list(self._watched))  # what came while nobody listened
            async with asyncio.TaskGroup() as group:
                distribution = group.create_task(self.distribute())
                await lost.wait()
                distribution.cancel()
            raise ConnectionError("the connection that listens for new events was lost")
        finally:
            await connection.close(timeout=1.0)

    def _heard(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        self._wake(str(payload).split())

    def _wake(self, numbers: list[str]) -> None:
        mine = [number for number in numbers if number in self._watched]
        if mine:
            self._changed.update(mine)
            self._woken.set()

    async def distribute(self) -> None:
        """For ever: give every stream of an application that has changed what it has not had yet."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._changed:
                number = self._changed.pop()
                try:
                    await self._send(number)
                except BaseException:
                    self._changed.add(number)  # its turn comes again when this is run again
                    self._woken.set()
                    raise

    async def _send(self, number: str) -> None:
        # Of now: a stream that opens during the read may want earlier events than are read, and has its own turn.
        streams = list(self._watched.get(number, ()))
        if not streams:
            return
        entries = await self._read(number, min(stream.after for stream in streams), _ROWS_AT_ONCE)
        written = [(entry.n, as_event(entry)) for entry in entries]
        for stream in streams:
            new = [event for n, event in written if n > stream.after]
            if not new:
                continue
            stream.after = written[-1][0]
            stream.waiting.extend(new)
            stream.woken.set()
            if len(stream.waiting) > _WAITING_EVENTS + _ROWS_AT_ONCE:
                stream.end()
        if len(entries) == _ROWS_AT_ONCE:
            self._wake([number])
