"""Bring a built generation to where the live one stands, from the archive.

The live projection goes on meanwhile; the last step is made while nobody writes (`generations.switch`). Records that
were in quarantine when their place in the log was passed are taken in at the end, if the live projection has taken
them in by then.
"""

from collections.abc import Sequence
from typing import Final

from contracts.envelope import MalformedEvent
from runtime.database import Connection
from runtime.records import Record
from services.status.folding.reading import read
from services.status.projections import Projector
from services.status.rebuilding.plans import SELECT_EXCLUDED, SELECT_POSITIONS, Part, Plan
from services.status.store import tables
from services.status.store.archive import archived
from services.status.store.generations import Generation

SELECT_RELEASED: Final = """
SELECT partition, "offset" FROM quarantine WHERE consumer = $1 AND topic = $2 AND state IN ('handled', 'retry')
"""
SAVE_OFFSET: Final = "UPDATE generation_parts SET next_offset = $3 WHERE generation = $1 AND partition = $2"


class CatchUp:
    """Follows the live projection of `live` with the generation of `plan`."""

    def __init__(
        self, connection: Connection, projector: Projector, plan: Plan, live: Generation | None, consumer: str
    ) -> None:
        self._connection = connection
        self._projector = projector
        self._plan = plan
        self._live = live
        self._consumer = consumer
        self._passed = {part.partition: set(part.excluded) for part in plan.parts}

    async def step(self) -> int:
        """Take in what the live projection has taken in up to now; how many records that were."""
        positions = await self._places(SELECT_POSITIONS, "next_offset")
        excluded = await self._places(SELECT_EXCLUDED, "offset")
        count = 0
        for part in self._plan.parts:
            held = set(excluded.get(part.partition, ()))
            for end in positions.get(part.partition, ()):
                count += await self._follow(part, end, held)
        return count

    async def finish(self) -> None:
        """The last step, within the transaction of the switch: then the generations hold the same."""
        await self.step()
        released = await self._places(SELECT_RELEASED, "offset")
        for part in self._plan.parts:
            for offset in sorted(self._passed[part.partition]):
                async for records in archived(self._connection, part.partition, part.log, offset, offset + 1):
                    if offset in released.get(part.partition, ()) or await self._is_live(records[0]):
                        await self._take(part, records)

    async def _follow(self, part: Part, end: int, held: set[int]) -> int:
        count = 0
        async for records in archived(self._connection, part.partition, part.log, part.next_offset, end):
            count += len(records)
            self._passed[part.partition] |= {record.offset for record in records if record.offset in held}
            async with self._connection.transaction():
                await self._take(part, [record for record in records if record.offset not in held])
                part.next_offset = records[-1].offset + 1
                await self._connection.execute(SAVE_OFFSET, self._plan.generation, part.partition, part.next_offset)
        return count

    async def _take(self, part: Part, records: Sequence[Record]) -> None:
        """Take records in, halving what holds one that cannot be read until that one is left alone."""
        if not records:
            return
        try:
            async with self._connection.transaction():
                await self._projector.project(self._connection, self._plan.generation, records)
        except MalformedEvent:
            if len(records) > 1:
                middle = len(records) // 2
                await self._take(part, records[:middle])
                await self._take(part, records[middle:])
            else:
                part.unreadable += 1

    async def _is_live(self, record: Record) -> bool:
        """Whether the live generation has the record's event."""
        try:
            event, _, _ = read(record.value)
        except MalformedEvent:
            return False
        if self._live is None:
            return False
        table = tables.leaf(self._live.id, "timeline", record.partition)
        return bool(
            await self._connection.fetchval(
                f"SELECT EXISTS (SELECT FROM {table} WHERE number = $1 AND source = $2 AND event_id = $3)",  # noqa: S608
                event.subject,
                event.source,
                event.id,
            )
        )

    async def _places(self, query: str, column: str) -> dict[int, list[int]]:
        places: dict[int, list[int]] = {}
        for row in await self._connection.fetch(query, self._consumer, self._plan.topic):
            places.setdefault(row["partition"], []).append(row[column])
        return places
