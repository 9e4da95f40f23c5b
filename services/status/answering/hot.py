"""The look-up and the event stream as bare ASGI, in front of the framework and inside the layers of every service.

`GET /applications/{number}` and `GET /applications/{number}/events` without a query are answered here; whatever is put
otherwise goes on to the framework's routes (`services.status.api`), which document both and give the same answers.
"""

import re
from collections.abc import Callable
from typing import Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from runtime import problems
from services.status.answering.answers import JSON, Answers, Asker
from services.status.answering.streams import Streams

_PATHS: Final = re.compile(r"/applications/([^/]+)(/events)?")
_TEMPLATES: Final = {None: "/applications/{number}", "/events": "/applications/{number}/events"}
_PLAIN_HOST: Final = re.compile(rb"[0-9A-Za-z.:\-\[\]]*")
_CONTENT_TYPE: Final = (b"content-type", JSON.encode())
_NO_CACHE: Final = (b"cache-control", b"no-cache")

Headers = dict[bytes, bytes]


def in_front(answers: Answers, streams: Streams) -> Callable[[ASGIApp], ASGIApp]:
    """For `create_app(front=…)`."""
    return lambda app: Hot(app, answers, streams)


class Hot:
    """ASGI: answers what it knows, and hands on the rest."""

    def __init__(self, app: ASGIApp, answers: Answers, streams: Streams) -> None:
        self._app = app
        self._answers = answers
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "GET" or scope["query_string"]:
            await self._app(scope, receive, send)
            return
        path = _PATHS.fullmatch(scope["path"])
        headers = dict(reversed(list(scope["headers"])))  # of repeated ones the first counts, as in the framework
        if path is None or _PLAIN_HOST.fullmatch(headers.get(b"host", b"")) is None:
            await self._app(scope, receive, send)
            return
        number, events = path.groups()
        scope["path_template"] = _TEMPLATES[events]
        client = scope["client"][0] if scope["client"] else ""
        try:
            answer = await (self._stream if events else self._status)(client, number, headers)
        except Exception as error:
            answer = _refusal(scope["path"], error)
        await answer(scope, receive, send)

    async def _status(self, client: str, number: str, headers: Headers) -> ASGIApp:
        asker = Asker(client, _text(headers, b"authorization"))
        status, etag, body = await self._answers.status(asker, number, _text(headers, b"if-none-match"))
        said = [(b"etag", etag.encode()), _NO_CACHE]
        if status == 200:
            said += (_CONTENT_TYPE, (b"content-length", b"%d" % len(body)))
        return _ready(status, said, body)

    async def _stream(self, client: str, number: str, headers: Headers) -> ASGIApp:
        found = await self._answers.number_of(client, number)
        return self._streams.open(found, _text(headers, b"last-event-id"))


def _ready(status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> ASGIApp:
    async def answer(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return answer


def _refusal(path: str, error: Exception) -> ASGIApp:
    status, headers, body = problems.answer(path, error)
    said = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    said += ((b"content-type", problems.PROBLEM_JSON.encode()), (b"content-length", b"%d" % len(body)))
    return _ready(status, said, body)


def _text(headers: Headers, name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
