"""One ASGI layer around every application: trace, security headers, HEAD, request log, metrics, the end.

It stands outside the framework, so that the framework's own 404 and 405 answers pass through it too. It is one layer
and not six, because each layer costs a coroutine and a closure a request.
"""

from __future__ import annotations

import asyncio
import time
from functools import lru_cache
from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from runtime.logging import RequestLines, request_lines
from runtime.metrics import Metrics
from runtime.problems import PROBLEM_JSON, unavailable
from runtime.trace import TraceContext, span

QUIET_ROUTES = frozenset({"/health/live", "/health/ready", "/metrics"})
"""Asked every few seconds by machines: logged at level debug only."""

NO_ROUTE = "(none)"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ALWAYS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'; sandbox"),
)
"""Headers that keep a browser from doing more with an answer than was meant; a handler's own values stand."""
_PRIVATE = (*_ALWAYS, (b"cache-control", b"no-store"))
"""Whatever was asked with credentials is not to be stored by caches."""


def wrap(app: ASGIApp, metrics: Metrics, stopping: asyncio.Event) -> ASGIApp:
    """`app` inside the layer; `stopping` is set when the process begins to stop."""
    return Layers(app, metrics, stopping)


class Layers:
    """`app` for the outside. Each HTTP request runs in a span of its caller's trace, which the answer names; it is
    measured and logged in one line: method, route template, status, time, never bodies or headers.

    HEAD is answered as GET without the body (RFC 9110, 9.3.2), on every route; an event stream ends at once. A request
    that the end of the process (`stopping`) cuts short is answered with 503.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, stopping: asyncio.Event) -> None:
        self._app = app
        self._metrics = metrics
        self._stopping = stopping
        self._observed = lru_cache(1_024)(metrics.requests.labels)
        self._lines: RequestLines | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        traceparent, wanted = None, _ALWAYS
        for name, value in scope["headers"]:
            if name == b"traceparent" and traceparent is None:
                traceparent = value.decode("latin-1")
            elif name == b"authorization":
                wanted = _PRIVATE
        head = scope["method"] == "HEAD"
        if head:
            scope = cast(HTTPScope, {**scope, "method": "GET"})
        began = time.perf_counter()
        with span(traceparent) as trace:
            exchange = _Exchange(send, wanted, trace, head=head)
            self._metrics.requests_in_flight.inc()
            try:
                await self._app(scope, receive, exchange.send)
            except asyncio.CancelledError:
                if exchange.status or not self._stopping.is_set():
                    raise
                await _answer_the_end(exchange.send)
            finally:
                self._metrics.requests_in_flight.dec()
                self._note(scope, exchange.status or 500, time.perf_counter() - began, trace)

    def _note(self, scope: HTTPScope, status: int, duration_s: float, trace: TraceContext) -> None:
        # a method or path of the caller's invention must not become a label of its own
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        route = scope.get("path_template") or NO_ROUTE
        self._observed(method, route, str(status)).observe(duration_s)
        self._lines = self._lines or request_lines("jejak.http")
        self._lines.write(method, route, status, round(duration_s * 1000, 2), trace, quiet=route in QUIET_ROUTES)


class _Exchange:
    """One request's way out."""

    __slots__ = ("_head", "_send", "_trace", "_wanted", "status")

    def __init__(self, send: Send, wanted: tuple[tuple[bytes, bytes], ...], trace: TraceContext, *, head: bool) -> None:
        self._send = send
        self._wanted = wanted
        self._trace = trace
        self._head = head
        self.status = 0
        """0 until the answer has begun."""

    async def send(self, message: Message) -> None:
        """Send on what the application answers, with the headers that every answer has, for HEAD without its body."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            given = {name.lower() for name, _ in headers}
            headers += [header for header in self._wanted if header[0] not in given]
            headers.append((b"traceparent", self._trace.traceparent.encode()))
            await self._send(cast(Message, {**message, "headers": headers}))
            if self._head:
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        elif not self._head:
            await self._send(message)


async def _answer_the_end(send: Send) -> None:
    """503 to a request that the end of the process cuts short; the server would answer 500, as for a defect.

    What became of it is open, so the words promise nothing: to send it again, with its key, is safe.
    """
    problem = unavailable("This service is just stopping. Whether the request was carried out is open: send it again.")
    headers = {"Content-Type": PROBLEM_JSON, "Cache-Control": "no-store", **problem.headers}
    await send(
        {
            "type": "http.response.start",
            "status": problem.status,
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": problem.body(), "more_body": False})
