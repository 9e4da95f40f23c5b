"""Keeps a live generation of this release's version there, for the projector to write into.

At the start a generation of an earlier version (another fold, another catalogue) is replaced: rebuilt from the archive
beside the old one, which readers see until the new one is complete. The projector waits meanwhile. A generation of a
later version is left alone: this process belongs to a release that is on its way out.
"""

import asyncio

import structlog

from runtime.database import Pool
from services.status import generations
from services.status.definitions import Definitions
from services.status.generations import Generation
from services.status.rebuild import Options, RebuildRefused, rebuild

log = structlog.get_logger()

_LOOK_EVERY_S = 30.0


class Upkeep:
    """Looks after the live generation."""

    def __init__(self, pool: Pool, definitions: Definitions) -> None:
        self._pool = pool
        self._definitions = definitions
        self._version = definitions.version

    async def run(self, options: Options) -> None:
        """Make or replace the live generation; then say so for as long as it is of another version."""
        live = await self._ensure()
        if generations.precedes(live.version, self._version):
            log.info("projection_replaced", old=live.version, new=self._version)
            try:
                await rebuild(options, self._definitions, lambda report: None)
            except RebuildRefused as refused:  # another process of this release is at it
                log.info("projection_replacement_left", reason=str(refused))
        while True:
            live = await self._ensure()
            if live.version != self._version:
                log.warning("projection_of_another_version", live=live.version, ours=self._version)
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _ensure(self) -> Generation:
        async with self._pool.acquire() as connection:
            return await generations.ensure_live(connection, self._version)
