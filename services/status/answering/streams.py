"""Server-sent events: one LISTEN a process, fanned out to every open stream.

The projection notifies with the numbers of the applications that have new events. For a number that somebody watches
the new rows are read once, put into words once, and the same bytes go to all of its streams. A stream that does not
keep up is ended; its client comes back with `Last-Event-ID` and misses nothing.

An idle stream is a request that waits for its client to go, and one entry in a table: no task, timer or generator of
its own. Whoever has something for it (new events, a sign of life) sends it in passing.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Final

import asyncpg
import msgspec
import structlog
from litestar.types import ASGIApp, Receive, Scope, Send

from runtime import problems
from services.status.answering.entries import Entry

log = structlog.get_logger()

EVENT_STREAM: Final = "text/event-stream"
_RETRY: Final = b"retry: 2000\n\n"
_SIGN_OF_LIFE: Final = b": still here\n\n"
_WAITING_EVENTS: Final = 1_000
"""How many events a stream may be behind before it is ended."""
_ROWS_AT_ONCE: Final = 500
_STREAMS_AT_ONCE: Final = 100
"""How many streams are given something before the loop has its turn: each costs a task until it is sent."""
_BUSY_RETRY_S: Final = 5
_HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
    (b"content-type", EVENT_STREAM.encode() + b"; charset=utf-8"),
)

Read = Callable[[str, int, int], Awaitable[list[Entry]]]
"""(number, after n, limit) → entries."""


class _Stream:
    __slots__ = ("after", "ended", "gone", "send", "sending", "waiting")

    def __init__(self, after: int, send: Send) -> None:
        self.after = after
        """The last event that was put to it."""
        self.send = send
        self.waiting: list[bytes] = []
        self.sending = False
        self.ended = False
        """Nothing more is put to it; it closes when what waits has been sent."""
        self.gone = False


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
        self._quiet: OrderedDict[_Stream, float] = OrderedDict()
        """Every stream with the time at which it was last sent something, the longest quiet first."""
        self._changed: set[str] = set()
        self._woken = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._signs: asyncio.Task[None] | None = None
        self._ended = False

    @property
    def open_streams(self) -> int:
        """How many there are."""
        return len(self._quiet)

    def open(self, number: str, last_event_id: str | None) -> ASGIApp:
        """The answer to a request for the events of an application: those after the one that the client had last, then
        new ones as they come. Raises 503 when this process holds as many streams as it may.
        """
        if len(self._quiet) >= self._limit:
            raise problems.unavailable("All event streams of this process are taken.", retry_after_s=_BUSY_RETRY_S)
        given = last_event_id or ""
        after = int(given) if given.isascii() and given.isdigit() and len(given) < 10 else 0

        async def stream(_: Scope, receive: Receive, send: Send) -> None:
            await self._hold(_Stream(after, send), number, receive)

        return stream

    async def _hold(self, stream: _Stream, number: str, receive: Receive) -> None:
        """Be open for as long as the client is there, or until the stream is ended."""
        headers = list(_HEADERS)
        await stream.send({"type": "http.response.start", "status": 200, "headers": headers})
        self._watched.setdefault(number, set()).add(stream)
        self._give(stream, [_RETRY])
        self._keep_alive()
        if self._ended:
            self._end(stream)
        self._wake([number])
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            stream.gone = True
            stream.waiting.clear()
            del self._quiet[stream]
            self._watched[number].discard(stream)
            if not self._watched[number]:
                del self._watched[number]

    def end(self) -> None:
        """End every stream: the process stops."""
        self._ended = True
        for stream in list(self._quiet):
            self._end(stream)

    async def run(self, dsn: str | None = None) -> None:
        """Listen and distribute until the connection is lost. Run it again then: nothing is missed.

        `dsn`: where to listen, if elsewhere than where is read; several databases may be listened to at the same time.
        """
        connection = await asyncpg.connect(
            dsn or self._dsn, server_settings={"application_name": f"jejak-{self._schema}-listen"}, timeout=5.0
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

    def _wake(self, numbers: Iterable[str]) -> None:
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
        streams = [stream for stream in self._watched.get(number, ()) if not stream.ended]
        if not streams:
            return
        entries = await self._read(number, min(stream.after for stream in streams), _ROWS_AT_ONCE)
        written = [(entry.n, as_event(entry)) for entry in entries]
        for place, stream in enumerate(streams):
            if stream.gone or stream.ended:
                continue
            if new := [event for n, event in written if n > stream.after]:
                stream.after = written[-1][0]
                self._give(stream, new)
            if place % _STREAMS_AT_ONCE == 0:
                await asyncio.sleep(0)
        if len(entries) == _ROWS_AT_ONCE:
            self._wake([number])

    def _give(self, stream: _Stream, pieces: list[bytes]) -> None:
        """Have something sent to a stream, after what waits there already."""
        self._quiet[stream] = asyncio.get_running_loop().time()
        self._quiet.move_to_end(stream)
        stream.waiting += pieces
        if len(stream.waiting) > _WAITING_EVENTS + _ROWS_AT_ONCE:
            stream.waiting.clear()
            stream.ended = True
        if not stream.sending:
            stream.sending = True
            self._in_background(self._send_waiting(stream))

    def _end(self, stream: _Stream) -> None:
        stream.ended = True
        self._give(stream, [])

    async def _send_waiting(self, stream: _Stream) -> None:
        """Lasts for as long as the client takes to read, which is mostly no time at all."""
        try:
            while stream.waiting:
                piece = b"".join(stream.waiting)
                stream.waiting.clear()
                await stream.send({"type": "http.response.body", "body": piece, "more_body": True})
            if stream.ended and not stream.gone:
                await stream.send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            stream.sending = False

    def _keep_alive(self) -> None:
        if self._signs is None or self._signs.done():
            self._signs = self._in_background(self._give_signs_of_life())

    async def _give_signs_of_life(self) -> None:
        """While there are streams: say something to each that was sent nothing for as long as the heartbeat lasts."""
        given = 0
        while self._quiet:
            stream, since = next(iter(self._quiet.items()))
            wait_s = since + self._heartbeat_s - asyncio.get_running_loop().time()
            if wait_s > 0 or given % _STREAMS_AT_ONCE == 0:
                await asyncio.sleep(max(0.0, wait_s))
            if wait_s <= 0 and stream in self._quiet:
                self._give(stream, [] if stream.sending else [_SIGN_OF_LIFE])
                given += 1

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
