"""A small service for tests that need a process of its own: `python depot.py`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, get
from litestar.params import FromPath
from litestar.response import ServerSentEvent

from runtime.serve import run
from runtime.settings import Settings, load_settings
from runtime.web import create_app


class DepotSettings(Settings):
    service_name = "depot"
    stop_takes_s: float = 0.0


@get("/items/{number:str}")
async def item(number: FromPath[str]) -> str:
    return number


@get("/boom")
async def boom() -> None:
    raise RuntimeError("pemohon@example.org lives in Jalan Merdeka")


@get("/never")
async def never(request: Request[Any, Any, Any]) -> None:
    """Begins at once, as `/begun` then says, and does not end."""
    request.app.state.begun = True
    await asyncio.Event().wait()


@get("/begun")
async def begun(request: Request[Any, Any, Any]) -> bool:
    return bool(request.app.state.begun)


@get("/stream")
async def stream(request: Request[Any, Any, Any]) -> ServerSentEvent:
    async def events() -> AsyncIterator[str]:
        yield "first"
        await request.app.state.shutdown_event.wait()
        yield "last"

    return ServerSentEvent(events())


@get("/deaf-stream")
async def deaf_stream() -> ServerSentEvent:
    async def events() -> AsyncIterator[str]:
        yield "first"
        await asyncio.Event().wait()

    return ServerSentEvent(events())


def build(settings: DepotSettings) -> Litestar:
    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
        yield
        time.sleep(settings.stop_takes_s)  # as a driver's thread would: nothing can cancel it

    return create_app(
        settings=settings,
        title="Depot",
        version="1",
        routes=[item, boom, never, begun, stream, deaf_stream],
        lifespan=[lifespan],
        state={"begun": False},
    )


if __name__ == "__main__":
    run(build, load_settings(DepotSettings))
