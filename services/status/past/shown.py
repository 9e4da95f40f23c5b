"""What applicants were shown: for each look-up how far the timeline was shown and when. Never who looked.

A look-up only notes (number, n) in memory; every `flush_s` seconds what was noted is written in batches, one row a
number, n and flush with the first and the last time and the count. So the time of a look-up is kept exactly where it was
the only one of its flush, and else to within `flush_s`; and nobody can fill the table faster by asking more often.

What is promised: a row that was written is written once (its key makes repeating a batch harmless). A process that is
stopped writes what it holds; one that is killed loses at most the look-ups of one flush. While PostgreSQL is away as
much is held as `limit` allows; look-ups beyond it are answered, not kept, and counted (`jejak_shown_dropped_total`).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final, NamedTuple

import structlog
from litestar import Litestar
from msgspec import Struct

from runtime.database import Connection, Pool
from runtime.metrics import Metrics
from runtime.tasks import wait_at_most

log = structlog.get_logger()

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LIMIT: Final = 50_000
"""Pairs of number and n held at once, 300 bytes each: 15 MB, seven seconds of 7,000 look-ups a second of as many numbers."""
_ROWS_AT_ONCE: Final = 500
"""Few enough that packing them does not hold up look-ups for more than a millisecond or two."""
_DAY_NS: Final = 86_400_000_000_000
_UPKEEP_EVERY_S: Final = 3_600.0
_LAST_FLUSH_S: Final = 3.0

INSERT: Final = """
INSERT INTO shown (number, n, first_at, last_at, looks)
SELECT * FROM unnest($1::text[], $2::integer[], $3::timestamptz[], $4::timestamptz[], $5::integer[])
ON CONFLICT (number, first_at, n) DO UPDATE
SET last_at = greatest(shown.last_at, excluded.last_at), looks = greatest(shown.looks, excluded.looks)
"""
SELECT: Final = """
SELECT n, min(first_at) AS first_at, max(least(last_at, $3)) AS last_at, sum(looks)::bigint AS looks
FROM shown WHERE number = $1 AND first_at > $2 AND first_at <= $3 GROUP BY n ORDER BY n
"""
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || '/shown', 0))"
SELECT_MONTHS: Final = """
SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'shown'::regclass
"""


class Look(NamedTuple):
    """One row: the timeline of `number` was shown up to event `n`, `looks` times from `first_ns` to `last_ns`."""

    number: str
    n: int
    first_ns: int
    last_ns: int
    looks: int


class Seen(Struct, frozen=True):
    """How far a timeline was shown, and when."""

    events: int
    """Up to which event."""
    first_at: datetime
    last_at: datetime
    looks: int


Held = dict[tuple[str, int], list[int]]
"""(Number, n) → first time, last time, look-ups."""


def first_of(held: Held, most: int) -> list[Look]:
    """Up to `most` rows of what is held, the longest held first."""
    return [Look(number, n, *times) for (number, n), times in islice(held.items(), most)]


class Notes:
    """What is noted and not yet written, at most `limit` pairs of number and n. Times: nanoseconds since 1970."""

    def __init__(self, limit: int, half_full: Callable[[], None] = lambda: None) -> None:
        self._limit = limit
        self._half_full = half_full
        self._held: Held = {}
        self.dropped = 0
        """Look-ups that there was no room for, since the last `take_dropped`."""

    def __len__(self) -> int:
        return len(self._held)

    def add(self, number: str, n: int, at: int) -> None:
        """One look-up."""
        times = self._held.get((number, n))
        if times is not None:
            times[1] = at
            times[2] += 1
        elif len(self._held) < self._limit:
            self._held[number, n] = [at, at, 1]
            if len(self._held) * 2 == self._limit:
                self._half_full()
        else:
            self.dropped += 1

    def take(self) -> Held:
        """Everything that is held, which is no longer held."""
        held, self._held = self._held, {}
        return held

    def put_back(self, held: Held) -> None:
        """Hold what was taken and could not be written; what was noted meanwhile is joined to it."""
        for shown, (first, last, looks) in held.items():
            times = self._held.get(shown)
            if times is not None:
                times[0] = first
                times[2] += looks
            elif len(self._held) < self._limit:
                self._held[shown] = [first, last, looks]
            else:
                self.dropped += looks

    def take_dropped(self) -> int:
        """How many look-ups there was no room for since the last time."""
        dropped, self.dropped = self.dropped, 0
        return dropped


class Shown:
    """Notes look-ups, writes them in batches, forgets them after the retention, and tells what was shown."""

    def __init__(
        self,
        pool: Pool,
        metrics: Metrics,
        *,
        retention_days: int,
        flush_s: float,
        limit: int = _LIMIT,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._pool = pool
        self._retention = timedelta(days=retention_days)
        self._flush_s = flush_s
        self._now_ns = now_ns
        self._half_full = asyncio.Event()
        self._notes = Notes(limit, self._half_full.set)
        self._add = self._notes.add
        self._writing = asyncio.Lock()
        self._months: set[str] = set()
        self._kept = metrics.counter("shown_looks", "Look-ups of which was kept what they showed")
        self._dropped = metrics.counter("shown_dropped", "Look-ups of which was not kept what they showed: no room")

    def note(self, number: str, n: int) -> None:
        """The timeline of `number` is being shown up to event `n`. Costs less than a microsecond, waits for nothing."""
        self._add(number, n, self._now_ns())

    async def run(self) -> None:
        """Write what is noted every `flush_s` seconds, and keep the tables, until PostgreSQL fails. Run it again then."""
        while True:
            await self.keep_tables()
            until = time.monotonic() + _UPKEEP_EVERY_S
            while time.monotonic() < until:
                await wait_at_most(self._half_full, self._flush_s)
                self._half_full.clear()
                await self.flush()

    @asynccontextmanager
    async def ending(self, _: Litestar | None = None) -> AsyncIterator[None]:
        """At the end of the context what is still held is written, if PostgreSQL takes it within three seconds."""
        try:
            yield
        finally:
            try:
                async with asyncio.timeout(_LAST_FLUSH_S):
                    await self.flush()
            except Exception as error:
                # The process ends: there is nobody left to try again. What is lost is said.
                log.warning("shown_lost", rows=len(self._notes), error=type(error).__name__)

    async def flush(self) -> None:
        """Write what is noted. What could not be written is held again, and the failure raised."""
        async with self._writing:
            waiting = self._notes.take()
            try:
                while waiting:
                    batch = first_of(waiting, _ROWS_AT_ONCE)
                    await self._write(batch)
                    for look in batch:
                        del waiting[look.number, look.n]
                    self._kept.inc(sum(look.looks for look in batch))
            finally:
                if waiting:
                    self._months.clear()  # whatever it was, it may have been a table that is gone
                    self._notes.put_back(waiting)
                self._dropped.inc(self._notes.take_dropped())

    async def _write(self, looks: list[Look]) -> None:
        days = {look.first_ns // _DAY_NS for look in looks}
        months = {_month(_at(day * _DAY_NS)) for day in days}
        if not months <= self._months:
            await self._make_months(months)
        await self._pool.execute(
            INSERT,
            [look.number for look in looks],
            [look.n for look in looks],
            [_at(look.first_ns) for look in looks],
            [_at(look.last_ns) for look in looks],
            [look.looks for look in looks],
        )

    async def seen(self, number: str, until: datetime) -> list[Seen]:
        """How far the timeline was shown at or before `until`, by number of events; of more than the retention, nothing.

        Look-ups of one flush are told apart only by their first and last time: `looks` of the last may count some that
        came up to `flush_s` later than `until`.
        """
        rows = await self._pool.fetch(SELECT, number, self.kept_since, until)
        return [Seen(row["n"], row["first_at"], row["last_at"], row["looks"]) for row in rows]

    @property
    def kept_since(self) -> datetime:
        """Before this nothing is told, even where a month's table still holds it."""
        return _at(self._now_ns()) - self._retention

    async def keep_tables(self) -> None:
        """Make the tables of this month and the next; drop those of months that are past the retention."""
        now = _at(self._now_ns())
        await self._make_months({_month(now), _month(_following(now))})
        async with self._pool.acquire() as connection, connection.transaction():
            await _lock(connection)
            for row in await connection.fetch(SELECT_MONTHS):
                if _ends(row["relname"]) <= now - self._retention:
                    await connection.execute(f"DROP TABLE {row['relname']}")
                    self._months.discard(row["relname"])
                    log.info("shown_forgotten", month=row["relname"])

    async def _make_months(self, months: set[str]) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            await _lock(connection)
            for month in sorted(months):
                begins = _begins(month)
                await connection.execute(
                    f"CREATE TABLE IF NOT EXISTS {month} PARTITION OF shown"
                    f" FOR VALUES FROM ('{begins.isoformat()}') TO ('{_following(begins).isoformat()}')"
                )
        self._months |= months


async def _lock(connection: Connection) -> None:
    """One process at a time; and no look at the table, however long it takes, makes the writing wait for more than 2 s."""
    await connection.execute("SET LOCAL lock_timeout = '2s'")
    await connection.execute(LOCK)


def _at(ns: int) -> datetime:
    return _EPOCH + timedelta(microseconds=ns // 1_000)


def _month(at: datetime) -> str:
    """The table of a moment's month (UTC)."""
    return f"shown_{at:%Y_%m}"


def _begins(month: str) -> datetime:
    _, year, number = month.split("_")
    return datetime(int(year), int(number), 1, tzinfo=UTC)


def _following(at: datetime) -> datetime:
    """The beginning of the month after the one of `at`."""
    return datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC)


def _ends(month: str) -> datetime:
    return _following(_begins(month))
