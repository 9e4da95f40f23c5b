"""The projection's generations: several side by side, one of each version live, and the switch from one to the next.

A release writes and reads the generation that is live for its own version, by views in a schema of that version's own
(`views_of`), so that two releases run side by side and each reader sees one whole version. The views in the service's
own schema show the newest. A generation that another one has replaced is retired: kept, with its tables, until an
operator confirms the new one or goes back (`jejak generations`).

Who writes to a live generation holds a shared advisory lock to the end of its transaction and asks only then which one
is live; the switch holds the same lock alone. So no write can land in a generation that has just been retired.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

import asyncpg
import msgspec

from contracts.catalogue import Catalogue
from contracts.envelope import PARTITIONS
from runtime.database import Connection
from services.status.clocks.clockwork import clock_rules, fingerprint
from services.status.domain import PROJECTION_VERSION
from services.status.folding.procedure import procedures_of
from services.status.store import tables

WRITE_SHARED = "SELECT pg_advisory_xact_lock_shared(hashtext(current_schema() || '.projection'))"
WRITE_ALONE = "SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.projection'))"
SELECT_LIVE = "SELECT generation, version FROM generations WHERE state = 'live' AND version = $1"
SELECT_NEWEST = """
SELECT generation, version FROM generations WHERE state = 'live'
ORDER BY split_part(version, '-', 1)::integer DESC, live_since DESC LIMIT 1
"""
SELECT_RETIRED = """
SELECT generation, version FROM generations WHERE state = 'retired' AND version = $1 ORDER BY generation DESC LIMIT 1
"""
INSERT_GENERATION = "INSERT INTO generations (version, state, source) VALUES ($1, 'building', $2) RETURNING generation"
RETIRE = "UPDATE generations SET state = 'retired' WHERE state = 'live' AND version = $1"
MAKE_LIVE = "UPDATE generations SET state = 'live', live_since = now() WHERE generation = $1"
DELETE_GENERATION = "DELETE FROM generations WHERE generation = $1 RETURNING version"
IS_LEFT = "SELECT EXISTS (SELECT FROM generations WHERE version = $1)"
SELECT_SCHEMA = "SELECT current_schema()"
SELECT_PATH = "SELECT current_setting('search_path')"
SET_PATH = "SELECT set_config('search_path', $1, true)"

Source = Literal["live", "kafka", "archive"]


class Generation(NamedTuple):
    """One generation of the projection and the version that it was made with."""

    id: int
    version: str


def version_of(catalogue: Catalogue) -> str:
    """The version of what this code and this catalogue make of the log: a change of either wants a rebuild."""
    stages = {code: procedure.stages for code, procedure in procedures_of(catalogue.services).items()}
    declared = [stages, fingerprint(clock_rules(catalogue))]
    return f"{PROJECTION_VERSION}-{hashlib.sha256(msgspec.json.encode(declared, order='sorted')).hexdigest()[:8]}"


def views_of(schema: str, version: str) -> str:
    """The schema of the views that show the live generation of `version`."""
    return f"{schema}_{version.replace('-', '_')}"


async def live_generation(connection: Connection, version: str | None = None) -> Generation | None:
    """The live generation of `version`, or the newest of all; none before the first start."""
    row = await (connection.fetchrow(SELECT_LIVE, version) if version else connection.fetchrow(SELECT_NEWEST))
    return Generation(row["generation"], row["version"]) if row else None


async def retired_generation(connection: Connection, version: str) -> Generation | None:
    """The generation of `version` that was retired last, if one is kept."""
    row = await connection.fetchrow(SELECT_RETIRED, version)
    return Generation(row["generation"], row["version"]) if row else None


async def create_generation(connection: Connection, version: str, source: Source) -> int:
    """A new generation without partitions, in the caller's transaction."""
    generation = int(await connection.fetchval(INSERT_GENERATION, version, source))
    await connection.execute(tables.create_generation(generation))
    return generation


async def create_empty_partitions(connection: Connection, generation: int) -> None:
    """The partitions of a generation that begins without events."""
    for partition in range(PARTITIONS):
        await connection.execute(
            tables.create_leaves(generation, partition)
            + tables.key_leaves(generation, partition)
            + tables.attach_leaves(generation, partition)
        )


async def ensure_live(connection: Connection, version: str) -> Generation:
    """The newest live generation, of whichever version; when there is none at all, an empty one of `version`."""
    async with connection.transaction():
        await connection.execute(WRITE_ALONE)
        live = await live_generation(connection)
        if live is None:
            generation = await create_generation(connection, version, "live")
            await create_empty_partitions(connection, generation)
            await _make_live(connection, generation, version)
            live = Generation(generation, version)
    return live


async def switch(
    connection: Connection, generation: int, version: str, catch_up: Callable[[], Awaitable[None]]
) -> None:
    """Make `generation` the live one of `version`, in one transaction: nobody writes meanwhile, and readers see the old one
    until the moment at which they see the new one. `catch_up` brings it to where the old one stands."""
    async with connection.transaction():
        await connection.execute(WRITE_ALONE)
        await catch_up()
        await _make_live(connection, generation, version)


async def retire(connection: Connection, version: str) -> None:
    """`version` has no live generation any more; its last one is kept, as it is."""
    async with connection.transaction():
        await connection.execute(WRITE_ALONE)
        await connection.execute(RETIRE, version)
        await _show_newest(connection)


async def _make_live(connection: Connection, generation: int, version: str) -> None:
    await connection.execute(RETIRE, version)
    await connection.execute(MAKE_LIVE, generation)
    views = views_of(await connection.fetchval(SELECT_SCHEMA), version)
    path = await connection.fetchval(SELECT_PATH)
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {views}")
    await connection.execute(SET_PATH, f"{views},{path}")
    await connection.execute(tables.show_generation(generation, version, PARTITIONS))
    await connection.execute(SET_PATH, path)
    await _show_newest(connection)


async def _show_newest(connection: Connection) -> None:
    """Have the views of the service's own schema show the newest live generation."""
    newest = await live_generation(connection)
    if newest is None:
        return
    show = tables.show_generation(newest.id, newest.version, PARTITIONS)
    try:
        async with connection.transaction():
            await connection.execute(show)
    except asyncpg.InvalidTableDefinitionError:  # back to a version that has fewer columns
        for kind in ("timeline", "application"):
            for place in ["", *(f"_{partition:02d}" for partition in range(PARTITIONS))]:
                await connection.execute(f"DROP VIEW {kind}{place}")
        await connection.execute(show)


async def drop(connection: Connection, generation: int) -> None:
    """Its tables and its row gone; with the last one of a version, that version's views."""
    async with connection.transaction():
        await connection.execute(tables.drop_generation(generation, PARTITIONS))
        version = await connection.fetchval(DELETE_GENERATION, generation)
        if version is not None and not await connection.fetchval(IS_LEFT, version):
            views = views_of(await connection.fetchval(SELECT_SCHEMA), version)
            await connection.execute(f"DROP SCHEMA IF EXISTS {views} CASCADE")
