"""Whether the status service still says the same, asked as leanly as HTTP/1.1 allows.

A track page that is kept needs one thing at each request: that its entity tag is still the status's. A general client
costs ten times what that answer costs the status service; this one keeps plain connections open, one question at a time on
each, and reads no bodies. Only for `http:` addresses: a service behind TLS is asked by the ordinary client (`gathering.py`).
"""

import asyncio
from collections import deque
from typing import Final, cast
from urllib.parse import urlsplit

import httptools

from runtime.addresses import segment

CONNECTIONS: Final = 64
PATIENCE_S: Final = 3.0
_UNCHANGED: Final = 304


class Silent(Exception):
    """No answer came: the service is away, or slow."""


class Slow(Silent):
    """No answer came in time."""


class _Line(asyncio.Protocol):
    """One connection; one question at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[int] | None = None
        self.is_open = False
        self.asked_s = 0.0
        """When, on the loop's clock."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.is_open = cast(asyncio.Transport, transport), True

    def ask(self, question: bytes) -> "asyncio.Future[int]":
        """The status of the answer. Fails with `Silent` when the connection breaks, with `Slow` when it is given up."""
        loop = asyncio.get_running_loop()
        self._answer, self.asked_s = loop.create_future(), loop.time()
        if self.transport is None or not self.is_open:
            self._answer.set_exception(Silent())
        else:
            self.transport.write(question)
        return self._answer

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.close()

    def on_message_complete(self) -> None:
        status, stays = self._parser.get_status_code(), self._parser.should_keep_alive()
        self._parser = httptools.HttpResponseParser(self)
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(status)
        self._answer = None
        if not stays:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Silent())

    def give_up(self) -> None:
        """Wait for the answer no longer."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(Slow())
        self.close()

    def close(self) -> None:
        """End the connection."""
        self.is_open = False
        if self.transport is not None:
            self.transport.abort()


class StillTrue:
    """Asks the status service at `url` (`http://…`). Use within the running loop; `close` at the end."""

    def __init__(self, url: str, *, connections: int = CONNECTIONS, patience_s: float = PATIENCE_S) -> None:
        place = urlsplit(url)
        self._host, self._port = place.hostname or "", place.port or 80
        self._base = place.path.rstrip("/")
        self._netloc = place.netloc
        self._patience_s = patience_s
        self._free: list[_Line] = []
        self._left = connections
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._busy: set[_Line] = set()
        self._watch: asyncio.TimerHandle | None = None

    async def unchanged(self, number: str, tag: bytes, address: str) -> bool:
        """Whether the status of `number` still has the entity tag `tag`, for a visitor at `address`. Raises `Silent`.

        It counts as a look-up of the status: for its limit, and for what applicants were shown. Patience may last a
        quarter longer than it says: one timer looks after all questions, since one each would be 5 of 140 µs a page.
        """
        question = (
            f"GET {self._base}/applications/{segment(number)} HTTP/1.1\r\nHost: {self._netloc}\r\n"
            f"X-Forwarded-For: {address}\r\nIf-None-Match: {tag.decode('latin-1')}\r\n\r\n"
        ).encode("latin-1")
        return await self._asked(question) == _UNCHANGED

    def close(self) -> None:
        """Close the connections."""
        if self._watch is not None:
            self._watch.cancel()
        for line in self._free:
            line.close()
        self._free.clear()

    async def _asked(self, question: bytes) -> int:
        line = await self._take()
        was_used = line is not None
        try:
            line = line or await self._connect()
            try:
                return await self._answer(line, question)
            except Silent as silent:
                if not was_used or isinstance(silent, Slow):
                    raise
                self._busy.discard(line)
                line = await self._connect()  # the service ended a connection that was at rest: that says nothing
                return await self._answer(line, question)
        except BaseException:
            if line is not None:
                line.close()
            raise
        finally:
            self._give_back(line)

    def _answer(self, line: _Line, question: bytes) -> "asyncio.Future[int]":
        self._busy.add(line)
        if self._watch is None:
            self._watch = asyncio.get_running_loop().call_later(self._patience_s / 4, self._look)
        return line.ask(question)

    def _look(self) -> None:
        """Give up what has been waited for too long."""
        loop = asyncio.get_running_loop()
        for line in [one for one in self._busy if loop.time() - one.asked_s >= self._patience_s]:
            line.give_up()
        self._watch = loop.call_later(self._patience_s / 4, self._look) if self._busy else None

    async def _take(self) -> _Line | None:
        """A connection at rest, or leave to open one."""
        while not self._free and self._left == 0:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                async with asyncio.timeout(self._patience_s):
                    await turn
            except (asyncio.CancelledError, TimeoutError) as error:
                if turn.done() and not turn.cancelled():
                    self._wake()  # the turn was ours already: it is the next one's now
                if isinstance(error, TimeoutError):
                    raise Slow from error
                raise
        while self._free:
            if (line := self._free.pop()).is_open:
                return line
            self._left += 1
        self._left -= 1
        return None

    def _give_back(self, line: _Line | None) -> None:
        if line is not None:
            self._busy.discard(line)
        if line is not None and line.is_open:
            self._free.append(line)
        else:
            self._left += 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                break

    async def _connect(self) -> _Line:
        try:
            async with asyncio.timeout(self._patience_s):
                _, line = await asyncio.get_running_loop().create_connection(_Line, self._host, self._port)
        except TimeoutError as error:
            raise Slow from error
        except OSError as error:
            raise Silent from error
        return line
