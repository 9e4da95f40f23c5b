"""The HTTP side of every service: one `create_app` that gives health, metrics, problems, tracing and OpenAPI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ASGIApp, ControllerRouterHandler, ExceptionHandlersMap, Middleware

from runtime import middleware as layers
from runtime import openapi, problems
from runtime.auth import TokenVerifier
from runtime.claims import Places
from runtime.health import Check, health_routes, metrics_route
from runtime.jwks import KeySet
from runtime.metrics import Metrics
from runtime.settings import Settings

Lifespan = Callable[[Litestar], AbstractAsyncContextManager[Any]] | AbstractAsyncContextManager[Any]

MAX_BODY_BYTES = 1_000_000


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
    verifier: TokenVerifier | None = None,
    max_body_bytes: int = MAX_BODY_BYTES,
    front: Callable[[ASGIApp], ASGIApp] | None = None,
    exception_handlers: ExceptionHandlersMap | None = None,
) -> Litestar:
    """A Litestar application with everything our services have in common.

    `state` becomes `app.state.<name>`; beside it stand `settings`, `metrics`, `verifier` and `shutdown_event` (set
    when the process begins to stop: event streams end then). `dependencies` are ready-made objects that handlers get
    by parameter name. `ready` has one check per part that must be reachable; a check passes unless it raises or takes
    longer than two seconds. `lifespan` must not wait for Kafka or PostgreSQL: requests are answered only afterwards.
    A route takes larger bodies with its own `request_max_body_size`. `front` wraps the framework, inside the layers that
    every request passes: for routes that are asked so often that the framework's share counts. `exception_handlers`:
    instead of problem details, for what people look at. `verifier`: one that other parts use too.
    """
    metrics = metrics or Metrics(settings.service_name)
    verifier = verifier or verifier_of(settings)
    stopping = asyncio.Event()
    common = {
        "settings": settings,
        "metrics": metrics,
        "verifier": verifier,
        "shutdown_event": stopping,
    }
    app = Litestar(
        route_handlers=[*routes, health_routes(ready or {}), metrics_route],
        exception_handlers=exception_handlers or problems.exception_handlers(),
        middleware=list(middleware),
        lifespan=list(lifespan),
        on_startup=list(on_startup),
        on_shutdown=list(on_shutdown),
        dependencies={
            name: Provide(_giving(value), sync_to_thread=False) for name, value in (dependencies or {}).items()
        },
        state=State(common | dict(state or {}), deep_copy=False),
        openapi_config=openapi.openapi_config(title, version, description),
        request_max_body_size=max_body_bytes,
        logging_config=None,
        debug=False,
        pdb_on_exception=False,
    )
    openapi.mark_security(app)
    app.asgi_handler = layers.wrap(front(app.asgi_handler) if front else app.asgi_handler, metrics, stopping)
    return app


def verifier_of(settings: Settings) -> TokenVerifier:
    """What checks the bearer tokens that `settings` describe."""
    places = Places(settings.claim_roles, settings.claim_office, settings.claim_desk)
    return TokenVerifier(issuer=settings.issuer, audience=settings.audience, keys=KeySet(settings.jwks), places=places)


def _giving(value: object) -> Callable[[], Any]:
    def give() -> Any:
        return value

    return give
