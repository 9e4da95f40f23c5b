"""`/lacak/{number}/langsung`: that something is new, as it happens.

One stream of the status service for each page that is held open; of what comes in it only the number of the event goes on:
the page then asks for itself again, and gets what everybody gets. An open stream is a task and two sockets here, so a
process takes `STREAMS` at once and then answers 503; the page asks every minute instead.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import aiohttp
from litestar import Response, get
from litestar.params import FromPath
from litestar.response import Stream
from litestar.types import ControllerRouterHandler

from runtime.addresses import segment
from services.portal.portal import Asked, Portal
from services.portal.tracking.numbers import canonical
from services.portal.upstream import Away

STREAMS: Final = 1_000
QUIET_S: Final = 90
"""A stream that says nothing for so long, not even that it is there, is given up; the page opens another."""
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_SIGN_OF_LIFE: Final = b": masih di sini\n\n"


class Live:
    """The streams of one process. The connections are made when the first page asks, and end as the process stops."""

    def __init__(self, url: str, *, streams: int = STREAMS) -> None:
        self._url = url
        self._left = streams
        self._session: aiohttp.ClientSession | None = None
        self._ending: asyncio.Task[None] | None = None

    async def open(
        self, number: str, after: int, address: str, stopping: asyncio.Event
    ) -> aiohttp.ClientResponse | None:
        """The status service's stream of what comes after event `after`; none where it refuses. Raises `Away`."""
        if self._left <= 0:
            raise Away("status", retry_after_s=60)
        self._left -= 1
        try:
            answer = await self._connections(stopping).get(
                f"{self._url}/applications/{segment(number)}/events",
                headers={"Last-Event-ID": str(after), "X-Forwarded-For": address},
            )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._left += 1
            raise Away("status") from error
        except BaseException:
            self._left += 1
            raise
        if answer.status == 200:
            return answer
        self._release(answer)
        if answer.status >= 500:
            raise Away("status", retry_after_s=60)
        return None

    async def changes(self, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """Of each new event its number, and signs of life; ends when the status service's stream does."""
        try:
            async for line in answer.content:
                if line.startswith(b"id: "):
                    n = line[4:].strip()
                    yield b"id: %b\nevent: kabar\ndata: %b\n\n" % (n, n)
                elif line.startswith(b"retry: "):
                    yield line + b"\n"
                elif line.startswith(b":"):
                    yield _SIGN_OF_LIFE
        except (aiohttp.ClientError, TimeoutError):
            return
        finally:
            self._release(answer)

    def _release(self, answer: aiohttp.ClientResponse) -> None:
        answer.close()
        self._left += 1

    def _connections(self, stopping: asyncio.Event) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=3, sock_read=QUIET_S),
                read_bufsize=2**16,
                auto_decompress=False,
            )
            self._ending = asyncio.get_running_loop().create_task(self._end(stopping))
        return self._session

    async def _end(self, stopping: asyncio.Event) -> None:
        """Every stream ends as the process begins to stop, so that it need not wait for them."""
        await stopping.wait()
        if self._session is not None:
            await self._session.close()


def live_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/lacak/{number}/langsung`."""
    live = Live(portal.status.url)

    @get("/lacak/{number:str}/langsung", include_in_schema=False)
    async def changes(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Server-sent events; after the last that the page has (`?sejak=`, `Last-Event-ID`)."""
        visit = portal.visit(request)
        known = canonical(number)
        said: str = request.headers.get("last-event-id") or request.query_params.get("sejak") or ""
        after = int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0
        answer = await live.open(known, after, visit.address, request.app.state.shutdown_event) if known else None
        if answer is None:
            return Response(b"", status_code=404, media_type="text/plain", headers=_HEADERS)
        return Stream(live.changes(answer), media_type="text/event-stream", headers=_HEADERS)

    return [changes]
