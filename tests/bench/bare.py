"""The yardstick of the look-ups: the same SELECT behind a bare ASGI function, served by our server with our settings.

python -m tests.bench.bare: `/PARTITION/NUMBER` is answered with the row's `state` as it is. No routing, no check of the
number, no log, no trace, no metrics, no words; even which table to ask is told by the path.
"""

import asyncio
from types import SimpleNamespace
from typing import Any

from runtime.database import open_pool
from runtime.serve import run
from runtime.settings import load_settings
from services.status.settings import StatusSettings

SELECT = "SELECT number, n, version, service, office, state FROM application_{} WHERE number = $1"


class Bare:
    """An ASGI application as `runtime.serve` takes it."""

    def __init__(self, settings: StatusSettings) -> None:
        self.state = SimpleNamespace(shutdown_event=asyncio.Event())
        self._settings = settings
        self._selects = {f"{partition:02d}": SELECT.format(f"{partition:02d}") for partition in range(100)}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        _, partition, number = scope["path"].split("/")
        row = await self._pool.fetchrow(self._selects[partition], number)
        body = row["state"]
        headers = [(b"content-type", b"application/octet-stream"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        self._pool = await open_pool(
            self._settings.database, schema=self._settings.schema_name, max_size=self._settings.connections
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._pool.terminate()
        await send({"type": "lifespan.shutdown.complete"})


if __name__ == "__main__":
    run(Bare, load_settings(StatusSettings))
