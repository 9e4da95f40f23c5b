"""The HTTP side of every service: one `create_app` that gives health, metrics, problems, tracing and OpenAPI."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import structlog
from litestar import Litestar, Request, Response, Router, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.enums import ScopeType
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, License, SecurityScheme
from litestar.types import ASGIApp, ControllerRouterHandler, HTTPScope, Message, Middleware, Receive, Scope, Send

from runtime import problems
from runtime.auth import TokenVerifier
from runtime.jwks import KeySet
from runtime.metrics import CONTENT_TYPE, Metrics
from runtime.problems import Problem
from runtime.settings import Settings
from runtime.trace import TraceMiddleware

Check = Callable[[], Awaitable[object]]
Lifespan = Callable[[Litestar], AbstractAsyncContextManager[Any]] | AbstractAsyncContextManager[Any]

MAX_BODY_BYTES = 1_000_000
_CHECK_TIMEOUT_S = 2.0
_QUIET_ROUTES = frozenset({"/health/live", "/health/ready", "/metrics"})
_log = structlog.stdlib.get_logger("jejak.http")


def create_app(
    *,
    settings: Settings,
    title: str,
    version: str,
    routes: Sequence[ControllerRouterHandler],
    description: str = "",
    state: Mapping[str, object] | None = None,
    dependencies: Mapping[str, object] | None = None,
    lifespan: Sequence[Lifespan] = (),
    on_startup: Sequence[Callable[..., Any]] = (),
    on_shutdown: Sequence[Callable[..., Any]] = (),
    ready: Mapping[str, Check] | None = None,
    middleware: Sequence[Middleware] = (),
    metrics: Metrics | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> Litestar:
    """A Litestar application with everything our services have in common.

    `state` becomes `app.state.<name>`; beside it stand `settings`, `metrics`, `verifier` and `shutdown_event` (set
    when the process begins to stop: event streams end then). `dependencies` are ready-made objects that handlers get
    by parameter name. `ready` has one check per part that must be reachable; a check passes unless it raises or takes
    longer than two seconds. `lifespan` must not wait for Kafka or PostgreSQL: the server listens only afterwards.
    A route takes larger bodies with its own `request_max_body_size`.
    """
    metrics = metrics or Metrics(settings.service_name)
    app = Litestar(
        route_handlers=[*routes, health_routes(ready or {}), metrics_route],
        exception_handlers=problems.exception_handlers(),
        middleware=list(middleware),
        lifespan=list(lifespan),
        on_startup=list(on_startup),
        on_shutdown=list(on_shutdown),
        dependencies={
            name: Provide(_giving(value), sync_to_thread=False) for name, value in (dependencies or {}).items()
        },
        state=State(
            {
                "settings": settings,
                "metrics": metrics,
                "verifier": TokenVerifier(
                    issuer=settings.issuer, audience=settings.audience, keys=KeySet(settings.jwks)
                ),
                "shutdown_event": asyncio.Event(),
                **(state or {}),
            },
            deep_copy=False,
        ),
        openapi_config=_openapi(title, version, description),
        request_max_body_size=max_body_bytes,
        logging_config=None,
        debug=False,
        pdb_on_exception=False,
    )
    app.asgi_handler = TraceMiddleware(HeadMiddleware(RequestLog(app.asgi_handler, metrics)))
    return app


def _giving(value: object) -> Callable[[], Any]:
    def give() -> Any:
        return value

    return give


def _openapi(title: str, version: str, description: str) -> OpenAPIConfig:
    schemes = {
        "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT", description="Staff and systems."),
        "applicant": SecurityScheme(
            type="http", scheme="basic", description="Applicants: tracking number and access code."
        ),
    }
    return OpenAPIConfig(
        title=title,
        version=version,
        description=description or None,
        license=License(name="EUPL-1.2", identifier="EUPL-1.2"),
        components=Components(security_schemes=schemes),  # type: ignore[arg-type]
        use_handler_docstrings=True,
        path="/openapi.json",
        render_plugins=[JsonRenderPlugin(path="/")],
    )


def health_routes(checks: Mapping[str, Check]) -> Router:
    """`/health/live`: the process answers. `/health/ready`: every named check passes, else 503 naming which do not."""

    @get("/live", sync_to_thread=False)
    def live() -> dict[str, str]:
        """The process is up."""
        return {"status": "live"}

    @get("/ready")
    async def ready() -> dict[str, Any]:
        """The service can do its work."""
        names = list(checks)
        answers = await asyncio.gather(*(_passes(name, checks[name]) for name in names))
        results = dict(zip(names, answers, strict=True))
        if not all(answer == "ok" for answer in answers):
            away = ", ".join(name for name, answer in results.items() if answer != "ok")
            raise Problem(
                "not-ready", 503, "Not ready", f"Not reachable: {away}.", headers={"Retry-After": "2"},
                status_text="unready", checks=results,
            )  # fmt: skip
        return {"status": "ready", "checks": results}

    return Router("/health", route_handlers=[live, ready], include_in_schema=False)


async def _passes(name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(_CHECK_TIMEOUT_S):
            await check()
    except TimeoutError:
        return "timeout"
    except Exception as error:  # whatever a check raises means not ready; the type is enough, a message may hold a DSN
        _log.debug("not ready", check=name, error=type(error).__name__)
        return type(error).__name__
    return "ok"


@get("/metrics", include_in_schema=False, sync_to_thread=False)
def metrics_route(request: Request[Any, Any, State]) -> Response[bytes]:
    """Metrics in Prometheus' text format."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.exposition(), media_type=CONTENT_TYPE)


class RequestLog:
    """ASGI: one log line and one measurement a request: method, route template, status, time; never bodies or headers."""

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

        self._metrics.requests_in_flight.inc()
        try:
            await self._app(scope, receive, send_noting_status)
        finally:
            self._metrics.requests_in_flight.dec()
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, duration_s: float) -> None:
        method, route = cast(HTTPScope, scope)["method"], scope.get("path_template") or "(none)"
        self._metrics.requests.labels(method, route, str(status)).observe(duration_s)
        level = "debug" if route in _QUIET_ROUTES else "info"
        getattr(_log, level)(
            "request", method=method, route=route, status=status, duration_ms=round(duration_s * 1e3, 2)
        )


class HeadMiddleware:
    """ASGI: answers HEAD as GET without the body (RFC 9110, 9.3.2), on every route, event streams too."""

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
