"""Payments of the treasury that name a billing code which no application has yet: kept until one has.

The code becomes known through the log (`projections.py`). What waits for it is then admitted under its application, by
a task that joins the two tables, so that it makes no difference which of them came first, or whether a process died in
between: the stream of an admitted event takes it once.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

import msgspec
import structlog
from msgspec import Struct

from contracts.facts import FeePaid
from runtime.database import Connection, Pool
from runtime.eventstore import Append, EventStore, NewEvent, VersionConflict
from runtime.tasks import wait_at_most
from services.intake.admission import Candidate, HeldEvent
from services.intake.refusals import Refused

log = structlog.get_logger()

SELECT_APPLICATIONS: Final = """
SELECT billing_code, application FROM billing_codes WHERE billing_code = ANY($1::text[])
"""
SELECT_KNOWN: Final = """
SELECT stream, event FROM held_events WHERE stream = ANY($1::text[])
"""
INSERT_HELD: Final = """
INSERT INTO held_events (stream, publisher, source, event_id, billing_code, happened_at, event)
SELECT *
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::bytea[])
ON CONFLICT (stream) DO NOTHING
RETURNING stream
"""
SELECT_RELEASABLE: Final = """
SELECT stream, event, application
FROM held_events JOIN billing_codes USING (billing_code)
WHERE state = 'held'
ORDER BY held_at, stream
LIMIT $1
FOR UPDATE OF held_events SKIP LOCKED
"""
SET_RELEASED: Final = """
UPDATE held_events SET state = 'released', changed_at = now() WHERE stream = ANY($1::text[])
"""
SET_DISCARDED: Final = """
UPDATE held_events SET state = 'discarded', reason = $2, changed_by = $3, changed_at = now()
WHERE stream = $1 AND state = 'held'
"""
SELECT_STATE: Final = """
SELECT state FROM held_events WHERE stream = $1
"""
SELECT_PAGE: Final = """
SELECT stream, publisher, source, event_id, billing_code, happened_at, held_at
FROM held_events
WHERE state = 'held' AND (held_at, stream) > ($1, $2)
ORDER BY held_at, stream
LIMIT $3
"""

_BATCH: Final = 500
_LOOK_EVERY_S: Final = 1.0


class NotHeld(Refused):
    """It was released or discarded already. Parameters: state."""

    slug = "not-held"


class UnknownHeldEvent(Refused):
    """Nothing was ever held under this id."""

    slug = "no-such-held-event"


class HeldView(Struct, frozen=True, kw_only=True):
    """One held payment as an operator sees it."""

    id: str
    publisher: str
    source: str
    event: str
    billing_code: str
    happened_at: datetime
    held_at: datetime


class HeldEvents:
    """The held payments, by asyncpg."""

    def __init__(self, pool: Pool, store: EventStore) -> None:
        self._pool = pool
        self._store = store
        self._wake = asyncio.Event()

    async def applications(self, billing_codes: Collection[str]) -> dict[str, str]:
        """The applications of those billing codes that are known."""
        rows = await self._pool.fetch(SELECT_APPLICATIONS, list(billing_codes)) if billing_codes else []
        return {row["billing_code"]: row["application"] for row in rows}

    async def known(self, streams: Sequence[str]) -> dict[str, HeldEvent]:
        """Those of `streams` that were held before, whatever became of them."""
        rows = await self._pool.fetch(SELECT_KNOWN, list(streams)) if streams else []
        return {row["stream"]: msgspec.json.decode(row["event"], type=HeldEvent) for row in rows}

    async def put(self, publisher: str, held: Sequence[tuple[Candidate, HeldEvent]]) -> None:
        """Keep payments until their code is known, which may have happened since it was looked up.

        Raises `VersionConflict` when another request put one of them aside in this moment.
        """
        if held:
            columns = zip(*(_row(publisher, *one) for one in held), strict=True)
            kept = await self._pool.fetch(INSERT_HELD, *(list(column) for column in columns))
            self.look_again()
            if len(kept) < len(held):
                raise VersionConflict("held events")

    async def page(self, after: tuple[datetime, str], limit: int) -> list[HeldView]:
        """Held payments, the longest held first, after a (`held_at`, `id`)."""
        rows = await self._pool.fetch(SELECT_PAGE, *after, limit)
        return [
            HeldView(
                id=row["stream"],
                publisher=row["publisher"],
                source=row["source"],
                event=row["event_id"],
                billing_code=row["billing_code"],
                happened_at=row["happened_at"],
                held_at=row["held_at"],
            )
            for row in rows
        ]

    async def discard(self, stream: str, reason: str, by: str) -> None:
        """Never admit it; who decided so and why is kept. Raises `NotHeld`, `UnknownHeldEvent`."""
        if await self._pool.execute(SET_DISCARDED, stream, reason, by) == "UPDATE 1":
            log.info("held_event_discarded", stream=stream, by=by)
            return
        state = await self._pool.fetchval(SELECT_STATE, stream)
        raise UnknownHeldEvent() if state is None else NotHeld(state=state)

    def look_again(self) -> None:
        """A code became known: do not wait for the next look."""
        self._wake.set()

    async def release_all(self) -> None:
        """Release for ever whatever can be released."""
        while True:
            self._wake.clear()
            while await self.release_some() == _BATCH:
                pass
            await self._sleep()

    async def release_some(self) -> int:
        """Admit held payments whose code is known by now; how many."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(SELECT_RELEASABLE, _BATCH)
            for row in rows:
                held = msgspec.json.decode(row["event"], type=HeldEvent)
                await self._admit(row["stream"], held, row["application"])
            await _set_released(connection, [row["stream"] for row in rows])
        return len(rows)

    async def _admit(self, stream: str, held: HeldEvent, application: str) -> None:
        event = NewEvent(str(held.attributes["type"]), held.admitted(application))
        try:
            await self._store.append(Append(stream, 0, [event]))
        except VersionConflict:
            log.info("held_event_known", stream=stream)  # the publisher sent it again once its code was known
        else:
            log.info("held_event_released", stream=stream)

    async def _sleep(self) -> None:
        await wait_at_most(self._wake, _LOOK_EVERY_S)


async def _set_released(connection: Connection, streams: Sequence[str]) -> None:
    if streams:
        await connection.execute(SET_RELEASED, streams)


def _row(publisher: str, candidate: Candidate, held: HeldEvent) -> tuple[object, ...]:
    code = candidate.fact.billing_code if isinstance(candidate.fact, FeePaid) else ""
    return (
        candidate.stream,
        publisher,
        candidate.event.source,
        candidate.event.id,
        code,
        candidate.event.time,
        msgspec.json.encode(held),
    )
