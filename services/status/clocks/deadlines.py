"""Says on the log when a legal deadline has passed: exactly once for each application, rule, version and deadline.

The row of an application holds the first deadline whose passing the log does not say yet (`unsaid`); when that was said
and projected, the row leaves the index by itself. Between saying and projecting, the event store remembers: the stream of
an event is named after what it says and takes one event, so that neither a restart nor a second replica nor a rebuild
can say it twice. The relay (`runtime.relay`) publishes it. Said is only what can be known: everything that the log had
recorded by then is projected, and nothing of the application waits in quarantine.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

import structlog
from prometheus_client import Counter

from contracts.envelope import SALT_BYTES, encode_event, new_salt
from contracts.facts import Actor, DeadlinePassed
from runtime.database import Connection, Pool
from runtime.eventstore import Append, EventStore, NewEvent, VersionConflict
from services.status.clocks.clockwork import Clockwork
from services.status.clocks.legal import passings
from services.status.folding.fold import state_of
from services.status.folding.progress import Progress
from services.status.folding.reading import EPOCH, in_us

log = structlog.get_logger()

TRY_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || '.deadlines', 0))"
SELECT_PASSED: Final = """
SELECT a.number, a.unsaid, a.state, a.effective FROM application a
WHERE a.unsaid <= $1 AND (a.unsaid, a.number) > ($2, $3) AND a.version = $4
  AND NOT EXISTS (
      SELECT FROM quarantine q
      WHERE q.consumer = $5 AND q.state IN ('failed', 'behind', 'retry') AND q.key = convert_to(a.number, 'UTF8')
  )
ORDER BY a.unsaid, a.number LIMIT $6
"""
SELECT_NEXT: Final = "SELECT min(unsaid) FROM application WHERE unsaid > $1"

_PAGE: Final = 500
_PAGES: Final = 20
"""Of one round: a history of many years is said some thousands at a time, with other work in between."""
_SHORTEST_S: Final = 0.2
_BEGINNING: Final = (datetime(1, 1, 1, tzinfo=UTC), "")
_IDS: Final = UUID("8b0f6a52-3f0e-5a38-9d63-5b7c1f0c2e41")


class Saying(NamedTuple):
    """That a deadline has passed: the fact, and the stream that is its own."""

    number: str
    stream: str
    fact: DeadlinePassed


def sayings(number: str, progress: Progress, clockwork: Clockwork, until: datetime, by: Actor) -> list[Saying]:
    """What is to be said of an application whose deadlines passed by `until` without the log saying so."""
    said = []
    for rule, version, deadline_us in passings(progress, clockwork, in_us(until)):
        deadline = EPOCH + timedelta(microseconds=deadline_us)
        fact = DeadlinePassed(rule=rule, rule_version=version, deadline=deadline, by=by)
        said.append(Saying(number, f"deadline:{number}:{rule}:{version}:{deadline_us}", fact))
    return said


def event_of(saying: Saying, source: str) -> NewEvent:
    """The event: its `id` is always the same, its `time` is the deadline."""
    state = encode_event(
        saying.fact,
        id=str(uuid5(_IDS, saying.stream)),
        source=source,
        subject=saying.number,
        time=saying.fact.deadline,
        salt=new_salt(os.urandom(SALT_BYTES)),
    )
    return NewEvent(saying.fact.TYPE, state)


class Round(NamedTuple):
    """What one look has brought."""

    said: int
    """Deadlines that were said."""
    more: bool
    """There may be more to be said at once."""
    next: datetime | None
    """The first deadline after those that were looked at."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Looks for deadlines that have passed. Of several replicas one looks at a time."""

    pool: Pool
    store: EventStore
    clockwork: Clockwork
    version: str
    """Of the projection: rows of another release are left to it."""
    consumer: str
    """Under whose name records wait in quarantine."""
    source: str
    by: Actor
    known_until: Callable[[], datetime | None]
    """Up to when everything that was recorded is projected; `None` while that is not known."""
    every_s: float
    grace: timedelta
    """How long after a deadline a fact that met it may still be on its way."""
    counter: Counter | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def run(self) -> None:
        """For ever; raises what the database raises. Looks at every interval, and when the next deadline passes."""
        while True:
            until = self._until()
            found = await self.look(until) if until is not None else Round(0, more=False, next=None)
            await asyncio.sleep(0 if found.more else self._pause_s(until, found.next))

    async def look(self, until: datetime) -> Round:
        """Say what passed by `until`: up to some thousand deadlines."""
        async with self.pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval(TRY_LOCK):
                return Round(0, more=False, next=None)
            said, place = 0, _BEGINNING
            for _ in range(_PAGES):
                rows = await self._page(connection, until, place)
                said += await self._say(
                    [
                        saying
                        for row in rows
                        for saying in sayings(row["number"], state_of(row), self.clockwork, until, self.by)
                    ]
                )
                if len(rows) < _PAGE:
                    return Round(said, more=False, next=await connection.fetchval(SELECT_NEXT, until))
                place = (rows[-1]["unsaid"], rows[-1]["number"])
            return Round(said, more=said > 0, next=None)

    async def _page(self, connection: Connection, until: datetime, place: tuple[datetime, str]) -> list[Any]:
        return await connection.fetch(SELECT_PASSED, until, *place, self.version, self.consumer, _PAGE)

    async def _say(self, found: Sequence[Saying]) -> int:
        """Append what is not in the store yet. Another writer that was first leaves it to the next look."""
        stored = await self.store.load_many([saying.stream for saying in found])
        new = [saying for saying in found if not stored[saying.stream]]
        if not new:
            return 0
        try:
            await self.store.append(*[Append(saying.stream, 0, [event_of(saying, self.source)]) for saying in new])
        except VersionConflict:
            return 0
        log.info("deadlines_passed", count=len(new))
        if self.counter is not None:
            self.counter.inc(len(new))
        return len(new)

    def _until(self) -> datetime | None:
        """The latest deadline of which it can be known that it passed."""
        known = self.known_until()
        return None if known is None else min(known, self.clock()) - self.grace

    def _pause_s(self, until: datetime | None, following: datetime | None) -> float:
        if until is None or following is None:
            return self.every_s
        return min(self.every_s, max(_SHORTEST_S, (following - until).total_seconds()))
