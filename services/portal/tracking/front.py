"""The track page in front of the framework: for visitors without a session, from the shelf, after one lean question.

Whatever is asked otherwise, is not on the shelf, or is no longer true goes on to the framework's route (`track_pages.py`),
whose answer is put on the shelf on its way out where the route says that it may be.
"""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final, cast

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from services.portal.portal import Portal
from services.portal.tracking.asking import Silent, StillTrue
from services.portal.tracking.keeping import Kept, Key, Shelf, wanted
from services.portal.visit import LANGUAGE_KEY

_log = structlog.stdlib.get_logger("jejak.portal")
_PATH: Final = re.compile(r"/lacak/([A-Z]{3}(?:-[0-9A-Z]{4}){4}-[0-9A-Z*~$=])")
"""In canonical form only: anything else is redirected by the route."""
_TEMPLATE: Final = "/lacak/{number}"
_NOT_WITH_304: Final = frozenset({b"content-type", b"content-length", b"content-encoding"})
_MOST_WISHES: Final = 5_000
_REST: Final = 4
"""So much longer than it worked the renewal rests."""
Headers = dict[bytes, bytes]


def in_front(portal: Portal) -> Callable[[ASGIApp], ASGIApp]:
    """For `create_app(front=…)`. Nothing stands in front while templates are being written, and where the status service
    is not at a plain address."""
    if portal.settings.portal_reload or not portal.status.url.startswith("http://"):
        return lambda app: app
    still_true, shelf = StillTrue(portal.status.url), Shelf()
    return lambda app: Front(app, still_true, shelf, session_cookie=portal.sessions.name)


class Front:
    """ASGI: answers the pages that it has, and hands on the rest. `session_cookie`: whoever brings it is handed on."""

    def __init__(
        self,
        app: ASGIApp,
        still_true: StillTrue,
        shelf: Shelf,
        *,
        session_cookie: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._app = app
        self._still_true = still_true
        self._shelf = shelf
        self._cookie = session_cookie.encode()
        self._now = now
        self._renewal = _Renewal(app, shelf)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "GET" or scope["query_string"]:
            await self._app(scope, receive, send)
            return
        path = _PATH.fullmatch(scope["path"])
        headers: Headers = dict(scope["headers"])
        if path is None or self._cookie in headers.get(b"cookie", b"") or b"authorization" in headers:
            await self._app(scope, receive, send)
            return
        key = _key(path[1], scope, headers)
        kept = self._shelf.get(key, self._now())
        if kept is not None and await self._is_true(key.number, kept, scope):
            cast(dict[str, object], scope)["path_template"] = _TEMPLATE
            if kept.fresh <= self._now():
                self._renewal.wish(key, scope)
            await _answer(kept, headers, send)
            return
        await _Keeping(self._shelf, key, scope, headers, send).through(self._app, receive)

    async def _is_true(self, number: str, kept: Kept, scope: HTTPScope) -> bool:
        client = scope["client"]
        try:
            return await self._still_true.unchanged(number, kept.tag, client[0] if client else "")
        except Silent:
            return False


class _Renewal:
    """Makes kept pages anew behind those who ask, one after the other, in a fifth of the time at most."""

    def __init__(self, app: ASGIApp, shelf: Shelf) -> None:
        self._app = app
        self._shelf = shelf
        self._wished: dict[Key, HTTPScope] = {}
        self._working: asyncio.Task[None] | None = None

    def wish(self, key: Key, scope: HTTPScope) -> None:
        """Have a page made anew, as it was asked for in `scope`; more than `_MOST_WISHES` at once are not noted."""
        if key not in self._wished and len(self._wished) < _MOST_WISHES:
            self._wished[key] = _like(scope)
        if self._wished and (self._working is None or self._working.done()):
            self._working = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        while self._wished:
            key = next(iter(self._wished))
            scope = self._wished.pop(key)
            began = monotonic()
            try:
                await _Keeping(self._shelf, key, scope, {}, _into_nothing).through(self._app, _nothing_more)
            except Exception as error:  # the page that is kept stays; the next one who asks wishes again
                _log.warning("page not made anew", error=type(error).__name__, exc_info=error)
            await asyncio.sleep(_REST * (monotonic() - began))


def _like(scope: HTTPScope) -> HTTPScope:
    """The same question, for the framework to answer once more. Taken before the framework has seen the first."""
    held = cast(dict[str, Any], scope)
    return cast(HTTPScope, {name: dict(value) if name == "state" else value for name, value in held.items()})


async def _into_nothing(_: Message) -> None:
    """Nobody reads this answer."""


async def _nothing_more() -> Any:
    """A request without a body."""
    return {"type": "http.request", "body": b"", "more_body": False}


class _Keeping:
    """Lets an answer of the framework pass, and puts it on the shelf where it may be kept."""

    def __init__(self, shelf: Shelf, key: Key, scope: HTTPScope, asked: Headers, send: Send) -> None:
        self._shelf = shelf
        self._key = key
        self._scope = scope
        self._asked = asked
        self._send = send
        self._begun: Message | None = None

    async def through(self, app: ASGIApp, receive: Receive) -> None:
        """Have `app` answer."""
        await app(self._scope, receive, self._pass)

    async def _pass(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            self._begun = message
            return
        if self._begun is None:
            await self._send(message)
            return
        begun, self._begun = self._begun, None
        what = wanted(self._scope)
        if what is None or message["type"] != "http.response.body" or message.get("more_body"):
            await self._send(begun)
            await self._send(message)
            return
        headers = [(name.lower(), value) for name, value in cast(list[tuple[bytes, bytes]], begun["headers"])]  # type: ignore[typeddict-item]
        kept = Kept(
            what.tag.encode("latin-1"),
            what.fresh,
            what.until,
            headers,
            message["body"],
            dict(headers).get(b"etag", b""),
        )
        if kept.tag and kept.etag and b"set-cookie" not in dict(headers):
            self._shelf.put(self._key, kept)
        await _answer(kept, self._asked, self._send)


def _key(number: str, scope: HTTPScope, headers: Headers) -> Key:
    language = cast(dict[str, str], scope).get(LANGUAGE_KEY, "id")
    return Key(number, language, headers.get(b"host", b""), b"gzip" in headers.get(b"accept-encoding", b""))


async def _answer(kept: Kept, asked: Headers, send: Send) -> None:
    condition = asked.get(b"if-none-match", b"")
    if kept.etag and kept.etag in condition:
        headers = [one for one in kept.headers if one[0] not in _NOT_WITH_304]
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    await send({"type": "http.response.start", "status": 200, "headers": kept.headers})
    await send({"type": "http.response.body", "body": kept.body, "more_body": False})
