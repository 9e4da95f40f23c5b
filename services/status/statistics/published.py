"""The statistics that are answered from: computed now and then in a process of its own, kept in a table, held in memory.

Of several processes of the service one computes; all of them answer from what it kept.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec
import structlog

from runtime.database import Pool
from services.status.statistics.figures import Document
from services.status.statistics.order import Recount

log = structlog.get_logger()

SELECT_NEWER: Final = """
SELECT computed_at, digest, document FROM statistics WHERE $1::timestamptz IS NULL OR computed_at > $1
"""
_LOOK_EVERY_S: Final = 20.0
_FIRST_AFTER_S: Final = 20.0
"""A start has other things to do first."""
_MOST_S: Final = 3_600.0


@dataclass(frozen=True)
class Published:
    """Statistics, when they were computed, and the digest of their JSON."""

    computed_at: datetime
    digest: str
    document: Document


class Publisher:
    """Has statistics computed every `every_s` seconds, and holds the newest."""

    def __init__(self, pool: Pool, order: Callable[[], Awaitable[Recount]], every_s: float) -> None:
        self.newest: Published | None = None
        self.every_s = every_s
        self._pool = pool
        self._order = order

    async def run(self) -> None:
        """For ever. Raises what asyncpg raises."""
        loop = asyncio.get_running_loop()
        due = loop.time() + min(_FIRST_AFTER_S, self.every_s)
        while True:
            await self.load()
            await asyncio.sleep(min(_LOOK_EVERY_S, max(due - loop.time(), 0.1)))
            if loop.time() >= due:
                due = loop.time() + self.every_s
                await self.compute()

    async def load(self) -> None:
        """Take what was computed since, whoever did."""
        row = await self._pool.fetchrow(SELECT_NEWER, self.newest.computed_at if self.newest else None)
        if row is not None:
            document = await asyncio.to_thread(msgspec.json.decode, row["document"], type=Document)
            self.newest = Published(row["computed_at"], row["digest"], document)

    async def compute(self) -> None:
        """Let a process compute and keep; what hinders it is logged, and it is tried again the next time."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.status.statistics.recount",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_MOST_S):
                _, said = await process.communicate(msgspec.json.encode(await self._order()))
            if process.returncode:
                log.warning("statistics_not_computed", reason=said.decode(errors="replace").strip()[-300:])
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
