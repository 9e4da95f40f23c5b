"""The track page in front of the framework: for visitors without a session, from the shelf, after one lean question.

Whatever is asked otherwise, is not on the shelf, or is no longer true goes on to the framework's route (`track_pages.py`),
whose answer is put on the shelf on its way out where the route says that it may be.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from services.portal.portal import Portal
from services.portal.tracking.asking import Silent, StillTrue
from services.portal.tracking.keeping import Kept, Key, Shelf, wanted
from services.portal.visit import LANGUAGE_KEY

_PATH: Final = re.compile(r"/lacak/([A-Z]{3}(?:-[0-9A-Z]{4}){4}-[0-9A-Z*~$=])")
"""In canonical form only: anything else is redirected by the route."""
_TEMPLATE: Final = "/lacak/{number}"
_NOT_WITH_304: Final = frozenset({b"content-type", b"content-length", b"content-encoding"})
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
            await _answer(kept, headers, send)
            return
        await _Keeping(self._shelf, key, scope, headers, send).through(self._app, receive)

    async def _is_true(self, number: str, kept: Kept, scope: HTTPScope) -> bool:
        client = scope["client"]
        try:
            return await self._still_true.unchanged(number, kept.tag, client[0] if client else "")
        except Silent:
            return False


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
        kept = Kept(what.tag.encode("latin-1"), what.until, headers, message["body"], dict(headers).get(b"etag", b""))
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
