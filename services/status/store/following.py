"""The generation of this release keeps up with the log, whoever takes the records in.

Replicas of two releases share the partitions while one replaces the other, and each writes its own version's generation
only. So how far a generation is stands in `generation_parts`, moved in the transaction that writes it. A replica that
takes records in writes them to the archive and, where its generation is in step, to its generation; what a replica of
another release has taken in, every release brings into its own from the archive, a moment later. The row of
`generation_parts` is the lock: there is one writer of a partition of a generation at a time.

An event is on a timeline once, by (source, id), so to begin too early costs time and changes nothing.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from contracts.envelope import MalformedEvent
from runtime.database import Connection, Pool
from runtime.positions import Advance, Fenced
from runtime.records import Record, by_partition
from services.status.projections import Projector, tell
from services.status.store.archive import archived, columns
from services.status.store.generations import WRITE_SHARED, live_generation

TAKE_IN: Final = "SELECT * FROM take_in($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
MOVE: Final = "SELECT move_generation($1, $2, $3, $4, $5)"
ENSURE_PART: Final = """
INSERT INTO generation_parts (generation, partition, log, target, done)
SELECT $1, $2, min(log), 0, true FROM logs
ON CONFLICT DO NOTHING
"""
LOCK_PART: Final = """
SELECT log, next_offset FROM generation_parts WHERE generation = $1 AND partition = $2 FOR UPDATE
"""
SAVE_PART: Final = "UPDATE generation_parts SET log = $3, next_offset = $4 WHERE generation = $1 AND partition = $2"
SELECT_LOGS: Final = "SELECT log FROM logs WHERE log BETWEEN $1 AND $2 ORDER BY log"
SELECT_HELD: Final = """
SELECT log, "offset" FROM quarantine JOIN logs USING (topic)
WHERE consumer = $1 AND partition = $2 AND state IN ('failed', 'behind', 'retry', 'discarded')
"""
SELECT_BEHIND: Final = """
SELECT position.partition, logs.log, position.next_offset
FROM consumer_positions position JOIN logs USING (topic)
LEFT JOIN generation_parts part ON part.generation = $1 AND part.partition = position.partition
WHERE position.consumer = $2 AND position.topic = $3 AND position.next_offset > 0
  AND (part.log IS NULL OR (part.log, part.next_offset) < (logs.log, position.next_offset))
ORDER BY 1
"""
SELECT_RELEASED: Final = """
SELECT id, partition, log, "offset" FROM quarantine JOIN logs USING (topic)
WHERE consumer = $1 AND state = 'handled' AND id <> ALL($2)
ORDER BY id
"""
_WHOLE_LOG: Final = 2**62
_AT_ONCE: Final = 20_000
"""Records that are brought in by one transaction."""

Topic = Callable[[], Awaitable[str]]
"""The log's name and generation, as positions have it; known once the broker was reached."""


class Following:
    """Takes records into the generation of the projector's version."""

    def __init__(self, projector: Projector, consumer: str, topic: Topic) -> None:
        self._projector = projector
        self._consumer = consumer
        self._topic = topic
        self._released: set[int] = set()
        """What was taken in out of quarantine and looked at already, by its id there."""

    async def take_in(
        self, connection: Connection, log: int, records: Sequence[Record], steps: Sequence[Advance]
    ) -> None:
        """Take in and archive records of `log`, those of a partition in order, and move the positions past them, a step a
        partition, within the caller's transaction; tell the listeners.

        While no generation of this version is live they are only looked at: they are in the archive. Raises
        `MalformedEvent` for a record that cannot be read, `Fenced` when a position is elsewhere.
        """
        runs = by_partition(records)
        partitions = [step.partition for step in steps]
        firsts = [runs[partition][0].offset for partition in partitions]
        reached = [step.next_offset for step in steps]
        (taken,) = await connection.fetch(
            TAKE_IN, self._consumer, steps[0].topic, self._projector.version,
            partitions, firsts, [step.expected for step in steps], reached,
            log, *columns(records),
        )  # fmt: skip
        if not taken["is_advanced"]:
            raise Fenced.at(steps)
        if taken["generation"] is None:
            self._projector.check(records)
            return
        brought: list[str] = []
        if behind := sorted(runs.keys() - set(taken["moved"])):
            brought = await self._bring(connection, taken["generation"], log, [runs[partition] for partition in behind])
            await connection.fetch(MOVE, taken["generation"], log, partitions, firsts, reached)
        await self._project(connection, taken["generation"], records, brought)

    async def take_released(self, connection: Connection, log: int, records: Sequence[Record]) -> None:
        """Take in records that come out of quarantine: they are archived, and passed already. As `take_in` otherwise."""
        await connection.fetchval(WRITE_SHARED)
        live = await live_generation(connection, self._projector.version)
        if live is None:
            self._projector.check(records)
            return
        brought = await self._bring(connection, live.id, log, by_partition(records).values())
        await self._project(connection, live.id, records, brought)

    async def keep_up(self, pool: Pool) -> int:
        """Bring the live generation of this version to where the log was taken in; how many events that gave."""
        async with pool.acquire() as connection:
            live = await live_generation(connection, self._projector.version)
            if live is None:
                return 0
            return await self.catch_up(connection, live.id)

    async def catch_up(self, connection: Connection, generation: int) -> int:
        """Bring a generation of this version to where the log was taken in, a transaction some thousand records; how many
        events that gave."""
        count = 0
        topic = await self._topic()
        while behind := await connection.fetch(SELECT_BEHIND, generation, self._consumer, topic):
            for row in behind:
                async with connection.transaction():
                    await connection.fetchval(WRITE_SHARED)
                    changed = await self._reach(connection, generation, *row, at_most=_AT_ONCE)
                    await tell(connection, changed)
                count += len(changed)
        return count + await self._take_released(connection, generation)

    async def finish(self, connection: Connection, generation: int) -> None:
        """The last of catching up, within the transaction of a switch."""
        for row in await connection.fetch(SELECT_BEHIND, generation, self._consumer, await self._topic()):
            await self._reach(connection, generation, *row)
        self._released.clear()
        await self._take_released(connection, generation)

    async def _bring(
        self, connection: Connection, generation: int, log: int, runs: Iterable[Sequence[Record]]
    ) -> list[str]:
        """Bring a generation from the archive to before records, those of one partition each."""
        brought: list[str] = []
        for run in runs:
            brought += await self._reach(connection, generation, run[0].partition, log, run[0].offset)
        return brought

    async def _project(
        self, connection: Connection, generation: int, records: Sequence[Record], brought: Sequence[str]
    ) -> None:
        changed = await self._projector.project(connection, generation, records)
        await tell(connection, [*brought, *changed])

    async def _reach(
        self, connection: Connection, generation: int, partition: int, log: int, end: int, *, at_most: int = _WHOLE_LOG
    ) -> list[str]:
        """Bring one partition from the archive to before offset `end` of `log`, or `at_most` records on."""
        await connection.execute(ENSURE_PART, generation, partition)
        part = await connection.fetchrow(LOCK_PART, generation, partition)
        if part is None or (part["log"], part["next_offset"]) >= (log, end):
            return []
        rows = await connection.fetch(SELECT_HELD, self._consumer, partition)
        held = {(row["log"], row["offset"]) for row in rows}
        changed: list[str] = []
        for row in await connection.fetch(SELECT_LOGS, part["log"], log):
            begin = part["next_offset"] if row["log"] == part["log"] else 0
            until = min(end, begin + at_most) if row["log"] == log else _WHOLE_LOG
            async for records in archived(connection, partition, row["log"], begin, until):
                kept = [record for record in records if (row["log"], record.offset) not in held]
                changed += await self._take(connection, generation, kept)
        await connection.execute(SAVE_PART, generation, partition, log, until)
        return changed

    async def _take(self, connection: Connection, generation: int, records: Sequence[Record]) -> list[str]:
        """Take records in, halving what holds one that cannot be read until that one is left alone."""
        if not records:
            return []
        try:
            async with connection.transaction():
                return await self._projector.project(connection, generation, records)
        except MalformedEvent:
            if len(records) == 1:
                return []  # it is in quarantine, or was when it was met
            middle = len(records) // 2
            first = await self._take(connection, generation, records[:middle])
            return first + await self._take(connection, generation, records[middle:])

    async def _take_released(self, connection: Connection, generation: int) -> int:
        """Take in what came out of quarantine, by whichever release."""
        count = 0
        for row in await connection.fetch(SELECT_RELEASED, self._consumer, list(self._released)):
            async with connection.transaction():
                await connection.fetchval(WRITE_SHARED)
                end = row["offset"] + 1
                async for records in archived(connection, row["partition"], row["log"], row["offset"], end):
                    changed = await self._take(connection, generation, records)
                    await tell(connection, changed)
                    count += len(changed)
            self._released.add(row["id"])
        return count
