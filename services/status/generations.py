"""The projection's generations: several side by side, one of them live, and the switch from one to the next.

Who writes to the live generation holds a shared advisory lock to the end of its transaction and asks only then which
one is live; the switch holds the same lock alone. So no write can land in a generation that has just been retired.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple

import msgspec

from contracts.catalogue import Catalogue
from contracts.envelope import PARTITIONS
from runtime.database import Connection
from services.status import tables
from services.status.clockwork import clock_rules, fingerprint
from services.status.domain import PROJECTION_VERSION
from services.status.procedure import procedures_of

WRITE_SHARED = "SELECT pg_advisory_xact_lock_shared(hashtext(current_schema() || '.projection'))"
WRITE_ALONE = "SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.projection'))"
SELECT_LIVE = "SELECT generation, version FROM generations WHERE state = 'live'"
INSERT_GENERATION = "INSERT INTO generations (version, state, source) VALUES ($1, 'building', $2) RETURNING generation"
RETIRE_LIVE = "UPDATE generations SET state = 'retired' WHERE state = 'live'"
MAKE_LIVE = "UPDATE generations SET state = 'live', live_since = now() WHERE generation = $1"
DELETE_GENERATION = "DELETE FROM generations WHERE generation = $1"

Source = Literal["live", "kafka", "archive"]


class Generation(NamedTuple):
    """One generation of the projection and the version that it was made with."""

    id: int
    version: str


class ProjectionMoved(ConnectionError):
    """The live generation is of another version: this process is of an older or a newer release, and writes nothing.

    A `ConnectionError`, so that the consumer waits and asks again: the record is sound, the place to write it is away.
    """


def version_of(catalogue: Catalogue) -> str:
    """The version of what this code and this catalogue make of the log: a change of either wants a rebuild."""
    stages = {code: procedure.stages for code, procedure in procedures_of(catalogue.services).items()}
    declared = [stages, fingerprint(clock_rules(catalogue))]
    return f"{PROJECTION_VERSION}-{hashlib.sha256(msgspec.json.encode(declared, order='sorted')).hexdigest()[:8]}"


def precedes(version: str, other: str) -> bool:
    """Whether `version` is to be replaced by `other`: another one, and not of a later fold."""
    return version != other and int(version.partition("-")[0]) <= int(other.partition("-")[0])


async def live_generation(connection: Connection) -> Generation | None:
    """The live generation; none before the first start."""
    row = await connection.fetchrow(SELECT_LIVE)
    return Generation(row["generation"], row["version"]) if row else None


async def writable_generation(connection: Connection, version: str) -> int:
    """The live generation, held live to the end of the caller's transaction. Raises `ProjectionMoved`."""
    await connection.execute(WRITE_SHARED)
    live = await live_generation(connection)
    if live is None or live.version != version:
        raise ProjectionMoved(f"the live projection is of version {live.version if live else 'none'}, not {version}")
    return live.id


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
    """The live generation, made empty when there is none."""
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
    """Make `generation` the live one, in one transaction: nobody writes meanwhile, and readers see the old one until the
    moment at which they see the new one. `catch_up` brings it to where the old one stands."""
    async with connection.transaction():
        await connection.execute(WRITE_ALONE)
        await catch_up()
        await _make_live(connection, generation, version)


async def _make_live(connection: Connection, generation: int, version: str) -> None:
    await connection.execute(RETIRE_LIVE)
    await connection.execute(MAKE_LIVE, generation)
    await connection.execute(tables.show_generation(generation, version, PARTITIONS))


async def drop(connection: Connection, generation: int) -> None:
    """Its tables and its row gone."""
    async with connection.transaction():
        await connection.execute(tables.drop_generation(generation, PARTITIONS))
        await connection.execute(DELETE_GENERATION, generation)
