"""Keeps a live generation of this release's version there, and in step with the log.

At the start: the one that is live for this version; else the one that was retired last, brought up to date; else, where
only other versions are, one rebuilt from the archive beside them, which their readers do not notice; else an empty one.
Afterwards: what replicas of another release have taken in is brought from the archive, and a version whose last process
is gone is retired. Every process holds a shared advisory lock of its version for as long as it lives: who gets that lock
alone knows that no process of the version is left.
"""

import asyncio
from typing import Final

import asyncpg
import structlog

from runtime.database import Connection, Pool
from services.status.folding.definitions import Definitions
from services.status.rebuilding.options import Options, RebuildRefused
from services.status.store import generations
from services.status.store.following import Following

log = structlog.get_logger()

PRESENT: Final = "SELECT pg_advisory_lock_shared(hashtext(current_schema() || '.version.' || $1))"
NOBODY_PRESENT: Final = "SELECT pg_try_advisory_lock(hashtext(current_schema() || '.version.' || $1))"
LEAVE: Final = "SELECT pg_advisory_unlock(hashtext(current_schema() || '.version.' || $1))"
SELECT_OTHERS: Final = "SELECT version FROM generations WHERE state = 'live' AND version <> $1"
_KEEP_UP_EVERY_S: Final = 0.25
_LOOK_EVERY_S: Final = 5.0


class Upkeep:
    """Looks after the live generation of this release's version."""

    def __init__(self, pool: Pool, definitions: Definitions, following: Following) -> None:
        self._pool = pool
        self._definitions = definitions
        self._version = definitions.version
        self._following = following

    async def run(self, options: Options) -> None:
        """For ever. Raises on any trouble; start it again (`runtime.tasks`)."""
        control = await asyncpg.connect(
            options.dsn, server_settings={"search_path": f"{options.schema},public"}, timeout=5.0
        )
        try:
            await control.execute(PRESENT, self._version)
            while True:
                await self._ensure(control, options)
                await retire_the_absent(control, self._version)
                for _ in range(round(_LOOK_EVERY_S / _KEEP_UP_EVERY_S)):
                    await self._following.keep_up(self._pool)
                    await asyncio.sleep(_KEEP_UP_EVERY_S)
        finally:
            await control.close()

    async def _ensure(self, control: Connection, options: Options) -> None:
        """Return once a generation of this version is live."""
        newest = await generations.ensure_live(control, self._version)
        while await generations.live_generation(control, self._version) is None:
            kept = await generations.retired_generation(control, self._version)
            if kept is not None:
                log.info("projection_revived", generation=kept.id, version=self._version)
                await revive(control, self._following, kept)
                continue
            log.info("projection_built_beside", live=newest.version, ours=self._version)
            from services.status.rebuilding.rebuild import rebuild  # noqa: PLC0415 - psycopg and librdkafka, 15 MiB

            try:
                await rebuild(options, self._definitions, lambda report: None)
            except RebuildRefused as refused:  # another process is at it, or nothing was archived yet
                log.info("projection_waits", reason=str(refused))
                await asyncio.sleep(_KEEP_UP_EVERY_S * 4)


async def revive(connection: Connection, following: Following, kept: generations.Generation) -> None:
    """Bring a retired generation up to date and make it the live one of its version."""
    await following.catch_up(connection, kept.id)
    await generations.switch(connection, kept.id, kept.version, lambda: following.finish(connection, kept.id))


async def retire_the_absent(connection: Connection, version: str) -> None:
    """Retire every other version of which no process is left. `version` must have a live generation."""
    for (other,) in await connection.fetch(SELECT_OTHERS, version):
        if await connection.fetchval(NOBODY_PRESENT, other):
            try:
                await generations.retire(connection, other)
                log.info("projection_retired", version=other)
            finally:
                await connection.execute(LEAVE, other)
