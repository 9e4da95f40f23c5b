"""What a rebuild is to build: a generation, and for each partition how far and without which records."""

from dataclasses import dataclass
from typing import Final

from contracts.envelope import PARTITIONS
from runtime.database import Connection
from services.status.store import generations
from services.status.store.archive import log_number

SELECT_UNFINISHED: Final = """
SELECT generation, version, source, expected_digest FROM generations WHERE state = 'building'
"""
SELECT_PARTS: Final = """
SELECT partition, log, target, excluded, next_offset, events, applications, unreadable, done, topic
FROM generation_parts JOIN logs USING (log) WHERE generation = $1 ORDER BY partition
"""
SELECT_POSITIONS: Final = """
SELECT partition, next_offset FROM consumer_positions WHERE consumer = $1 AND topic = $2
"""
SELECT_EXCLUDED: Final = """
SELECT partition, "offset" FROM quarantine
WHERE consumer = $1 AND topic = $2 AND state IN ('failed', 'behind', 'retry', 'discarded')
ORDER BY partition, "offset"
"""
INSERT_PART: Final = """
INSERT INTO generation_parts (generation, partition, log, target, excluded) VALUES ($1, $2, $3, $4, $5)
"""


@dataclass
class Part:
    """One partition of a plan."""

    partition: int
    log: int
    target: int
    """The bulk ends before this offset."""
    excluded: list[int]
    """Offsets that the live projection had in quarantine, or that were discarded."""
    next_offset: int = 0
    """The next record to catch up with."""
    events: int = 0
    applications: int = 0
    unreadable: int = 0
    done: bool = False


@dataclass
class Plan:
    """A generation under construction."""

    generation: int
    topic: str
    """The log's name and generation."""
    parts: list[Part]
    expected_digest: str | None = None
    from_positions: bool = True
    """Whether the targets are positions of the live projection (else the ends of the log)."""


async def begin(
    connection: Connection, *, version: str, source: generations.Source, consumer: str, topic: str, ends: list[int]
) -> Plan:
    """A new plan: up to the live projection's positions, or up to `ends` where it has read nothing yet.

    Within the caller's transaction, which keeps the live projection from moving.
    """
    log = await log_number(connection, topic)
    rows = await connection.fetch(SELECT_POSITIONS, consumer, topic)
    positions = {row["partition"]: row["next_offset"] for row in rows}
    excluded: dict[int, list[int]] = {}
    for row in await connection.fetch(SELECT_EXCLUDED, consumer, topic):
        excluded.setdefault(row["partition"], []).append(row["offset"])
    generation = await generations.create_generation(connection, version, source)
    parts = [
        Part(place, log, target, [offset for offset in excluded.get(place, []) if offset < target])
        for place in range(PARTITIONS)
        for target in [positions.get(place, 0) if any(positions.values()) else ends[place]]
    ]
    await connection.executemany(
        INSERT_PART, [(generation, part.partition, log, part.target, part.excluded) for part in parts]
    )
    return Plan(generation, topic, parts, from_positions=any(positions.values()))


async def unfinished(connection: Connection, version: str, source: generations.Source) -> Plan | None:
    """The plan of a rebuild of the same kind that was begun and not finished."""
    row = await connection.fetchrow(SELECT_UNFINISHED)
    if row is None or (row["version"], row["source"]) != (version, source):
        return None
    plan = Plan(row["generation"], "", [], row["expected_digest"])
    await refresh(connection, plan)
    return plan if plan.parts else None


async def refresh(connection: Connection, plan: Plan) -> None:
    """Read again how far the partitions are."""
    rows = [dict(row) for row in await connection.fetch(SELECT_PARTS, plan.generation)]
    for row in rows:
        plan.topic = row.pop("topic")
    plan.parts = [Part(**row) for row in rows]


async def drop_unfinished(connection: Connection) -> None:
    """Drop the generation of a rebuild that will not be taken up again."""
    row = await connection.fetchrow(SELECT_UNFINISHED)
    if row is not None:
        await generations.drop(connection, row["generation"])
