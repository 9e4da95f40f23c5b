"""ASGI layers around every application, outermost first: trace, security headers, HEAD, request log, the end.

They stand outside the framework, so that its own 404 and 405 answers pass through them too.
"""

from __future__ import annotations

import asyncio
import time
from typing import cast

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from runtime.metrics import Metrics
from runtime.problems import PROBLEM_JSON, unavailable
from runtime.trace import TraceMiddleware

QUIET_ROUTES = frozenset({"/health/live", "/health/ready", "/metrics"})
"""Asked every few seconds by machines: logged at level debug only."""

NO_ROUTE = "(none)"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = structlog.stdlib.get_logger("jejak.http")


def wrap(app: ASGIApp, metrics: Metrics, stopping: asyncio.Event) -> ASGIApp:
    """`app` inside all layers; `stopping` is set when the process begins to stop."""
    return TraceMiddleware(SecurityHeaders(HeadAsGet(RequestLog(AnswerAtTheEnd(app, stopping), metrics))))


class RequestLog:
    """One log line and one measurement a request: method, route template, status, time; never bodies or headers."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._metrics.requests_in_flight.track_inprogress():
            try:
                await self._app(scope, receive, send_noting_status)
            finally:
                self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: HTTPScope, status: int, duration_s: float) -> None:
        # a method or path of the caller's invention must not become a label of its own
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = scope.get("path_template") or NO_ROUTE
        self._metrics.requests.labels(method, route, str(status)).observe(duration_s)
        say = _log.debug if route in QUIET_ROUTES else _log.info
        say("request", method=method, route=route, status=status, duration_ms=round(duration_s * 1000, 2))


class AnswerAtTheEnd:
    """Answers 503 to a request that the end of the process cuts short; the server would answer 500, as for a defect.

    What became of it is open, so the words promise nothing: to send it again, with its key, is safe.
    """

    def __init__(self, app: ASGIApp, stopping: asyncio.Event) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def send_noting_begin(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting_begin)
        except asyncio.CancelledError:
            if begun or scope["type"] != ScopeType.HTTP or not self._stopping.is_set():
                raise
            await self._answer(send)

    @staticmethod
    async def _answer(send: Send) -> None:
        problem = unavailable(
            "This service is just stopping. Whether the request was carried out is open: send it again."
        )
        headers = {"Content-Type": PROBLEM_JSON, "Cache-Control": "no-store", **problem.headers}
        await send(
            {
                "type": "http.response.start",
                "status": problem.status,
                "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            }
        )
        await send({"type": "http.response.body", "body": problem.body(), "more_body": False})


class HeadAsGet:
    """Answers HEAD as GET without the body (RFC 9110, 9.3.2), on every route; an event stream ends at once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(cast(HTTPScope, {**scope, "method": "GET"}), receive, send_head)


class SecurityHeaders:
    """Headers that keep a browser from doing more with an answer than was meant; a handler's own values stand.

    Whatever was asked with credentials is not to be stored by caches.
    """

    _ALWAYS = (
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
    )
    _PRIVATE = (*_ALWAYS, (b"cache-control", b"no-store"))

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        private = any(name == b"authorization" for name, _ in scope["headers"])
        wanted = self._PRIVATE if private else self._ALWAYS

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                given = {name.lower() for name, _ in headers}
                message["headers"] = [*headers, *(header for header in wanted if header[0] not in given)]
            await send(message)

        await self._app(scope, receive, send_guarded)
