"""Questions to the projection. Readers ask the views of one partition, so that a look-up is one read by one index."""

from functools import cache
from typing import Any, Final, NamedTuple

import msgspec

from contracts.envelope import PARTITIONS
from contracts.number import InvalidNumber, parse_number
from runtime.database import Pool
from services.status.folding.partitions import partition_of

NOBODYS_NUMBER: Final = "AAA-0000-0000-0000-0000-0"
"""Asked for in place of a text that is no tracking number, so that such a question costs what any other does."""

COUNTS: Final = """
SELECT service, stage, situation, waits_for, count(*) AS applications, sum(n)::bigint AS events
FROM application GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
ARCHIVED: Final = """
SELECT log, partition, "offset", timestamp_ms, key, value, headers, topic FROM archive JOIN logs USING (log)
WHERE partition = $1 AND (log, "offset") > ($2, $3) ORDER BY log, "offset" LIMIT $4
"""
IS_QUARANTINED: Final = """
SELECT EXISTS (SELECT FROM quarantine WHERE key = $1 AND state IN ('failed', 'behind', 'retry'))
"""


class Head(NamedTuple):
    """Of an application: what its answers depend on."""

    number: str
    n: int
    version: str
    service: str
    office: str
    state: bytes


class Count(msgspec.Struct, frozen=True):
    """How many applications of a service are at one point."""

    service: str
    stage: str
    situation: str
    waits_for: str
    applications: int
    events: int


@cache
def _select_head(partition: int) -> str:
    return f"SELECT number, n, version, service, office, coalesce(effective, state) FROM application_{partition:02d} WHERE number = $1"  # noqa: S608


@cache
def _select_entries(partition: int) -> str:
    return (
        f"SELECT n, fact, occurred, recorded, source, event_id, data, deviations FROM timeline_{partition:02d}"  # noqa: S608
        " WHERE number = $1 AND n > $2 ORDER BY n LIMIT $3"
    )


class Lookups:
    """Reads by tracking number."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def head(self, text: str) -> Head | None:
        """The application that a person means by `text`; none for an unknown number and for what is none."""
        try:
            number = parse_number(text)
        except InvalidNumber:
            number = NOBODYS_NUMBER
        row = await self._pool.fetchrow(_select_head(partition_of(number, PARTITIONS)), number)
        return Head(*row) if row else None

    async def entries(self, number: str, after: int, limit: int) -> list[Any]:
        """The timeline rows after the `after`th event."""
        partition = partition_of(number, PARTITIONS)
        return list(await self._pool.fetch(_select_entries(partition), number, after, limit))

    async def is_quarantined(self, number: str) -> bool:
        """Whether a record of the application waits in quarantine: taken in later, it will have been recorded earlier."""
        return bool(await self._pool.fetchval(IS_QUARANTINED, number.encode()))

    async def counts(self) -> list[Count]:
        """How many applications and events there are, by service and point of the process."""
        return [Count(**dict(row)) for row in await self._pool.fetch(COUNTS)]

    async def archived(self, partition: int, after: tuple[int, int], limit: int) -> list[Any]:
        """Archive rows of one partition after (log, offset)."""
        return list(await self._pool.fetch(ARCHIVED, partition, *after, limit))
