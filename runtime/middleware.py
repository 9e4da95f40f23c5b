"""ASGI layers around every application, outermost first: trace, security headers, HEAD, request log.

They stand outside the framework, so that its own 404 and 405 answers pass through them too.
"""

from __future__ import annotations

import time
from typing import cast

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from runtime.metrics import Metrics
from runtime.trace import TraceMiddleware

QUIET_ROUTES = frozenset({"/health/live", "/health/ready", "/metrics"})
"""Asked every few seconds by machines: logged at level debug only."""

NO_ROUTE = "(none)"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = structlog.stdlib.get_logger("jejak.http")


def wrap(app: ASGIApp, metrics: Metrics) -> ASGIApp:
    """`app` inside all layers."""
    return TraceMiddleware(SecurityHeaders(HeadAsGet(RequestLog(app, metrics))))


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
