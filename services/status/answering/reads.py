"""Look-ups that wait at the same moment are answered by one statement.

A round trip to the database costs a process more than all else that a look-up needs. So a look-up that comes while the
database is being asked waits for the next question, which asks for all that wait: one index read for each, one round
trip for all. A look-up that comes alone is asked at once. Each is read after it was asked, so it sees what was
committed before.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from contracts.envelope import PARTITIONS
from runtime.database import Pool, make_pool
from services.status.folding.partitions import partition_of

LANES: Final = 4
"""Questions under way at once: while rows of one are taken in, the database works on others."""
_AT_ONCE: Final = 500
_PATIENCE_S: Final = 10.0

SELECT: Final = """
SELECT q.place, a.n, a.version, a.due, CASE WHEN a.n <> q.known THEN coalesce(a.effective, a.state) END AS state
FROM unnest($1::smallint[], $2::text[], $3::integer[]) WITH ORDINALITY AS q (partition, number, known, place)
JOIN application a ON a.partition = q.partition AND a.number = q.number
"""
"""The partition is named with the number, so that each number is looked for in the index of one table only."""

READABLE: Final = "SELECT EXISTS (SELECT FROM application)"
"""Fails where look-ups would: before the first generation is there."""

BY_INDEX: Final = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
"""Left to itself PostgreSQL reads small tables whole and joins by hash, and plans anew while that seems to pay."""


class Standing(NamedTuple):
    """Of an application: what its status depends on."""

    n: int
    version: str
    due: datetime | None
    """The deadline of the first legal clock that runs or was missed."""
    state: bytes | None
    """What counts of the application's events; left out where the asker knows `n` events already."""


_Asked = tuple[str, int, asyncio.Future[Standing | None]]


def read_pool(dsn: str, schema: str, *, before: str = "") -> Pool:
    """A pool for these reads only: its connections are not reset after each use, which spares a round trip, and a statement
    is planned once, by the indexes, whatever the statistics of a table say that has just been filled."""
    return make_pool(
        dsn,
        schema=schema,
        before=before,
        session=BY_INDEX,
        max_size=LANES,
        command_timeout_s=_PATIENCE_S,
        reset=_as_it_is,
    )


async def _as_it_is(connection: Any) -> None:
    """Reads leave nothing behind in a session."""


class Reads:
    """The look-ups of one process. Use within the running loop."""

    def __init__(self, pool: Pool, lanes: int = LANES) -> None:
        self._pool = pool
        self._free = lanes
        self._waiting: list[_Asked] = []
        self._called = False
        self._tasks: set[asyncio.Task[None]] = set()

    def standing(self, number: str, known: int = 0) -> asyncio.Future[Standing | None]:
        """Where the application `number` (in canonical form) stands; `None` where there is none.

        Raises what the database's driver raises when it cannot be asked.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Standing | None] = loop.create_future()
        self._waiting.append((number, known, answer))
        if self._free and not self._called:
            self._called = True
            loop.call_soon(self._start)  # together with what else has come in this turn of the loop
        return answer

    def _start(self) -> None:
        self._called = False
        if self._free and self._waiting:
            batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            self._free -= 1
            task = asyncio.get_running_loop().create_task(self._read(batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _read(self, batch: Sequence[_Asked]) -> None:
        try:
            rows = await self._pool.fetch(
                SELECT,
                [partition_of(number, PARTITIONS) for number, _, _ in batch],
                [number for number, _, _ in batch],
                [known for _, known, _ in batch],
            )
            found: list[Standing | None] = [None] * len(batch)
            for place, *standing in rows:
                found[place - 1] = Standing(*standing)
            for (_, _, answer), each in zip(batch, found, strict=True):
                if not answer.done():  # whoever asked may have gone
                    answer.set_result(each)
        except BaseException as error:
            for _, _, answer in batch:
                if not answer.done():
                    answer.set_exception(error) if isinstance(error, Exception) else answer.cancel()
            if not isinstance(error, Exception):
                raise
        finally:
            self._free += 1
            self._start()
