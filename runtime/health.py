"""`/health/live`, `/health/ready` and `/metrics`: what whoever runs a service asks it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from litestar import Request, Response, Router, get
from litestar.datastructures import State

from runtime.metrics import CONTENT_TYPE, Metrics
from runtime.problems import Problem

Check = Callable[[], Awaitable[object]]
"""Passes unless it raises or takes too long."""

CHECK_TIMEOUT_S = 2.0
_log = structlog.stdlib.get_logger("jejak.health")


def health_routes(checks: Mapping[str, Check], *, timeout_s: float = CHECK_TIMEOUT_S) -> Router:
    """`live`: the process answers. `ready`: every named check passes, else 503 naming which do not and how."""

    @get("/live", sync_to_thread=False)
    def live() -> dict[str, str]:
        """The process is up."""
        return {"status": "live"}

    @get("/ready")
    async def ready() -> dict[str, Any]:
        """The service can do its work."""
        results = dict(
            zip(checks, await asyncio.gather(*(_outcome(*c, timeout_s) for c in checks.items())), strict=True)
        )
        away = [name for name, outcome in results.items() if outcome != "ok"]
        if away:
            retry = {"Retry-After": "2"}
            raise Problem(
                "not-ready", 503, "Not ready", f"Not ready: {', '.join(away)}.", headers=retry, checks=results
            )
        return {"status": "ready", "checks": results}

    return Router("/health", route_handlers=[live, ready], include_in_schema=False)


async def _outcome(name: str, check: Check, timeout_s: float) -> str:
    try:
        async with asyncio.timeout(timeout_s):
            await check()
    except TimeoutError:
        return "timeout"
    except Exception as error:
        # whatever a check raises means not ready; only the type is shown: a message may hold a password
        _log.debug("not ready", check=name, error=type(error).__name__)
        return type(error).__name__
    return "ok"


@get("/metrics", include_in_schema=False, sync_to_thread=False)
def metrics_route(request: Request[Any, Any, State]) -> Response[bytes]:
    """Metrics in Prometheus' text format."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.exposition(), media_type=CONTENT_TYPE)
