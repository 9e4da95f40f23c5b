"""How many applications are ahead of one, in the order in which the office's inbox shows them.

Among those of the same service, office and stage that wait for the office: by the deadline, the earliest first, those
without one after all that have one; where it is the same, by how long the office is waited on, then by number. A group is
read by one index (migration 0021) and kept for a few seconds for all of its applications, so that a page which a thousand
people hold open costs what one costs.
"""

import asyncio
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from time import monotonic
from typing import Any, Final, NamedTuple

from contracts.envelope import PARTITIONS
from runtime.database import Pool
from services.status.folding.partitions import partition_of
from services.status.folding.reading import in_us

MOST: Final = 10_000
"""So many of a group are counted; of who is behind them is said that there are more."""
FRESH_S: Final = 5.0
_GROUPS: Final = 256
_WITHOUT_DEADLINE: Final = 2**63 - 1

SELECT_GROUP: Final = """
SELECT due, since, number FROM application
WHERE waits_for = 'office' AND service = $1 AND office = $2 AND stage = $3
ORDER BY due, since, number LIMIT $4
"""
"""PostgreSQL sorts what has no deadline last."""


class Group(NamedTuple):
    """Applications that wait for the same office at the same point."""

    service: str
    office: str
    stage: str


class Turn(NamedTuple):
    """What the order goes by: times in microseconds since 1970."""

    due: int
    since: int
    number: str


class Standing(NamedTuple):
    """Of an application: in which group it waits, if for the office, and its turn there."""

    waits_for: str
    group: Group
    turn: Turn


class Place(NamedTuple):
    """Where it is in its group."""

    ahead: int | None
    """How many come before it; none: more than are counted."""
    waiting: int | None
    """How many wait, with itself; none: more than are counted."""


def turn_of(due: datetime | None, since: datetime, number: str) -> Turn:
    """What a row is ordered by."""
    return Turn(_WITHOUT_DEADLINE if due is None else in_us(due), in_us(since), number)


def place_of(turn: Turn, queue: Sequence[Turn], most: int = MOST) -> Place:
    """The place of `turn` in `queue`, which is in order and, where it has more than `most`, cut off after one more.

    Who came into the queue after it was read is placed as if it had been there.
    """
    ahead = bisect_left(queue, turn)
    is_there = ahead < len(queue) and queue[ahead] == turn
    if len(queue) > most:
        return Place(ahead if ahead <= most and is_there else None, None)
    return Place(ahead, len(queue) if is_there else len(queue) + 1)


@cache
def _select_standing(partition: int) -> str:
    return f"SELECT waits_for, service, office, stage, due, since FROM application_{partition:02d} WHERE number = $1"  # noqa: S608


class Places:
    """The places of one process: groups are read when they are asked for, and kept for `fresh_s`."""

    def __init__(
        self, pool: Pool, *, fresh_s: float = FRESH_S, most: int = MOST, clock: Callable[[], float] = monotonic
    ) -> None:
        self._pool = pool
        self._fresh_s = fresh_s
        self._most = most
        self._clock = clock
        self._queues: OrderedDict[Group, tuple[float, asyncio.Task[list[Turn]]]] = OrderedDict()

    async def standing(self, number: str) -> Standing | None:
        """Where the application `number`, in canonical form, waits; none where there is none."""
        row: Any = await self._pool.fetchrow(_select_standing(partition_of(number, PARTITIONS)), number)
        if row is None:
            return None
        group = Group(row["service"], row["office"], row["stage"])
        return Standing(row["waits_for"], group, turn_of(row["due"], row["since"], number))

    async def place(self, standing: Standing) -> Place:
        """The place in its group, at most `fresh_s` old. Raises what the database's driver raises."""
        return place_of(standing.turn, await self._queue(standing.group), self._most)

    async def _queue(self, group: Group) -> list[Turn]:
        read_at, task = self._queues.get(group, (float("-inf"), None))
        failed = task is not None and task.done() and (task.cancelled() or task.exception() is not None)
        if task is None or failed or self._clock() - read_at > self._fresh_s:
            task = asyncio.get_running_loop().create_task(self._read(group))
            self._queues[group] = (self._clock(), task)
        self._queues.move_to_end(group)
        if len(self._queues) > _GROUPS:
            self._queues.popitem(last=False)
        return await asyncio.shield(task)  # whoever asked may go; the others wait for the same

    async def _read(self, group: Group) -> list[Turn]:
        rows = await self._pool.fetch(SELECT_GROUP, *group, self._most + 1)
        return [turn_of(*row) for row in rows]
