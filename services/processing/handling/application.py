"""Use cases around a case: load who works at it, decide, append; and the officers' fair shares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from contracts.catalogue import Catalogue
from contracts.facts import Fact, Reason
from runtime.database import Connection, Pool
from runtime.eventstore import Append, EventStore, StreamEvent, VersionConflict
from services.processing.application import Cases, NoSuchCase
from services.processing.domain import Case
from services.processing.events import Happened, read_event
from services.processing.handling import decisions
from services.processing.handling.decisions import Colleague
from services.processing.handling.domain import Handling, evolve, replay, stream_of
from services.processing.handling.refusals import HoldsEnough, NothingToTake
from services.processing.refusals import Refusal
from services.processing.stamping import Stamp

_ATTEMPTS: Final = 8
_CANDIDATES: Final = 25
_ROUNDS: Final = 4

LOCK_OFFICER = "SELECT pg_advisory_xact_lock(hashtextextended('jejak-officer:' || $1, 0))"
COUNT_HELD = """
SELECT count(*) FROM worklist WHERE stage <> 'closed' AND officer = $1 AND act_from <= $2 AND NOT paused
"""
SELECT_NEXT = """
SELECT number FROM worklist
WHERE stage <> 'closed' AND officer IS NULL AND holder = $1 AND act_from <= $2 AND NOT paused
  AND (queue IS NULL OR queue = $3) AND number <> ALL($4::text[])
ORDER BY escalated_at IS NULL, coalesce(deadline_at, 'infinity'), number
LIMIT $5
"""
SELECT_OFFICERS = """
SELECT officer, min(officer_desk) AS desk, count(*) AS holds, count(*) FILTER (WHERE act_from <= $1 AND NOT paused) AS waiting
FROM worklist WHERE stage <> 'closed' AND officer IS NOT NULL GROUP BY officer ORDER BY officer LIMIT 500
"""


class Rows(Protocol):
    """What makes the inbox's rows anew."""

    async def write(self, connection: Connection, numbers: Sequence[str]) -> None:
        """Of these cases."""
        ...


@dataclass(frozen=True, slots=True)
class Worked:
    """A case and who works at it; `history[i]` made version i + 1 of the handling."""

    number: str
    case: Case
    handling: Handling
    history: tuple[Happened, ...]


@dataclass(frozen=True, slots=True)
class Load:
    """How much an officer holds; `waiting` of it waits for the office."""

    officer: str
    desk: str | None
    holds: int
    waiting: int


class Handlings:
    """Who works at the office's cases. `most`: how many that wait for the office an officer may claim."""

    def __init__(
        self,
        *,
        cases: Cases,
        store: EventStore,
        pool: Pool,
        rows: Rows,
        catalogue: Catalogue,
        stamp: Stamp,
        clock: Callable[[], datetime],
        most: int,
    ) -> None:
        self._cases = cases
        self._store = store
        self._pool = pool
        self._rows = rows
        self._catalogue = catalogue
        self._stamp = stamp
        self._clock = clock
        self._most = most

    async def load(self, number: str) -> Worked:
        """A case and who works at it. Raises `NoSuchCase`."""
        dossier = await self._cases.load(number)
        history = _history(await self._store.load(stream_of(number)))
        return Worked(number, dossier.case, replay(history), history)

    async def claim(self, number: str, me: Colleague) -> Worked:
        """Take this case. Raises `ClaimedByAnother`, `HoldsEnough`."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(LOCK_OFFICER, me.officer)
            return await self._claim(connection, number, me)

    async def take_next(self, me: Colleague) -> Worked:
        """Take the case that is due first among those that wait for the office and that nobody has.

        Two officers at once never get the same: whose claim is appended second sees the first, and looks at the next
        case. An officer's own requests come one after the other (advisory lock), so the limit holds for them too.
        Raises `HoldsEnough`, `NothingToTake`.
        """
        tried: list[str] = []
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(LOCK_OFFICER, me.officer)
            for _ in range(_ROUNDS):
                for number in await self._due_first(connection, me, tried):
                    tried.append(number)
                    try:
                        return await self._claim(connection, number, me)
                    except HoldsEnough:
                        raise
                    except (Refusal, NoSuchCase):
                        continue  # the row was older than the case: a colleague has it, or it ended
        raise NothingToTake()

    async def _due_first(self, connection: Connection, me: Colleague, tried: Sequence[str]) -> list[str]:
        wanted = (me.by.office, self._clock(), me.by.desk, list(tried), _CANDIDATES)
        return [str(row["number"]) for row in await connection.fetch(SELECT_NEXT, *wanted)]

    async def _claim(self, connection: Connection, number: str, me: Colleague) -> Worked:
        load = int(await connection.fetchval(COUNT_HELD, me.officer, self._clock()))
        worked = await self._decide(number, lambda w: decisions.claim(w.case, w.handling, me, load, self._most))
        await self._rows.write(connection, [number])  # the officer's next claim counts this one
        return worked

    async def release(self, number: str, me: Colleague) -> Worked:
        """Give the case back. Raises `ClaimedByAnother`."""
        return await self._decide_and_show(number, lambda w: decisions.release(w.case, w.handling, me))

    async def assign(self, number: str, officer: str | None, desk: str | None, me: Colleague) -> Worked:
        """Hand the case on. Raises `ClaimedByAnother`, `OneReceiver`."""
        return await self._decide_and_show(number, lambda w: decisions.assign(w.case, w.handling, officer, desk, me))

    async def look_into(self, number: str, reason: Reason, me: Colleague) -> Worked:
        """Note why the help desk opened the case. Raises `UnknownReason`."""
        known = self._catalogue.reason_uses["case_opening"]
        return await self._decide(number, lambda w: decisions.look_into(w.case, reason, known, me))

    async def loads(self) -> list[Load]:
        """The officers who hold cases, and how many."""
        return [Load(**row) for row in await self._pool.fetch(SELECT_OFFICERS, self._clock())]

    async def _decide_and_show(self, number: str, decide: Callable[[Worked], list[Fact]]) -> Worked:
        worked = await self._decide(number, decide)
        async with self._pool.acquire() as connection:
            await self._rows.write(connection, [number])
        return worked

    async def _decide(self, number: str, decide: Callable[[Worked], list[Fact]]) -> Worked:
        """Append what `decide` makes of the case as it is, again on fresh state when another writer was first."""
        for _ in range(_ATTEMPTS):
            worked, now = await self.load(number), self._clock()
            facts = decide(worked)
            if not facts:
                return worked
            events = [self._stamp.event(fact, number, now) for fact in facts]
            try:
                await self._store.append(Append(stream_of(number), worked.handling.version, events))
            except VersionConflict:
                continue
            handling = worked.handling
            for fact in facts:
                handling = evolve(handling, now, fact)
            return Worked(number, worked.case, handling, (*worked.history, *(Happened(now, fact) for fact in facts)))
        raise VersionConflict(number)


def handling_of(stored: Sequence[StreamEvent]) -> Handling:
    """Who works at a case, of the stream that says so."""
    return replay(_history(stored))


def _history(stored: Sequence[StreamEvent]) -> tuple[Happened, ...]:
    return tuple(read_event(event.state) for event in stored)
