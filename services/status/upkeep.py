"""Keeps a live generation there for the projector to write into."""

import asyncio

import structlog

from runtime.database import Pool
from services.status import generations

log = structlog.get_logger()

_LOOK_EVERY_S = 30.0


async def keep_live(pool: Pool, version: str) -> None:
    """Make the first generation; later on say so while the live one is of another version (the projector waits then)."""
    while True:
        async with pool.acquire() as connection:
            live = await generations.ensure_live(connection, version)
        if live.version != version:
            log.warning("projection_of_another_version", live=live.version, ours=version, remedy="jejak rebuild")
        await asyncio.sleep(_LOOK_EVERY_S)
