"""The table of deliveries: planned by the inbox, claimed by one sender at a time, closed by the outcome.

A claim is a lease: `FOR UPDATE SKIP LOCKED` lets any number of processes claim side by side, and what a process that
died had claimed is claimed again when its lease has run out. Messages to one place about one application go out in the
order of its events: a delivery can be claimed only when no earlier one of its application and place waits.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from contracts.facts import EventRef
from runtime.database import Pool
from services.notify.domain import Delivery, State
from services.notify.telling import Application

CLAIM: Final = """
WITH due AS (
    SELECT d.sequence, d.number, d.lease IS NOT NULL AS interrupted
    FROM deliveries d
    WHERE d.state = 'waiting' AND d.due_at <= $1
      AND (d.lease IS NULL OR d.leased_until < clock_timestamp())
      AND d.id <> ALL($2::uuid[])
      AND NOT EXISTS (
          SELECT FROM deliveries ahead
          WHERE ahead.number = d.number AND ahead.channel = d.channel AND ahead.state = 'waiting'
            AND ahead.subscription IS NOT DISTINCT FROM d.subscription AND ahead.sequence < d.sequence
      )
    ORDER BY d.due_at, d.sequence
    LIMIT $3
    FOR UPDATE OF d SKIP LOCKED
)
UPDATE deliveries d
SET lease = $4, leased_until = clock_timestamp() + $5::interval
FROM due LEFT JOIN applications a ON a.number = due.number
WHERE d.sequence = due.sequence
RETURNING d.*, due.interrupted, a.service, a.office
"""
BEGIN: Final = """
UPDATE deliveries SET in_flight = true, leased_until = clock_timestamp() + $3::interval
WHERE id = $1 AND lease = $2 AND state = 'waiting'
"""
CLOSE: Final = """
UPDATE deliveries
SET state = $2, attempts = $3, unknown = $4, may_have_arrived = $5, reason = $6, due_at = $7, closed_at = $8,
    in_flight = false, postponed = 0, lease = NULL, leased_until = NULL
WHERE id = $1 AND state = 'waiting' AND attempts < $3
"""
POSTPONE: Final = """
UPDATE deliveries SET postponed = postponed + 1, due_at = $3, lease = NULL, leased_until = NULL
WHERE id = $1 AND lease = $2
"""
SKIP: Final = """
UPDATE deliveries SET state = 'skipped', reason = $3, closed_at = $4, lease = NULL, leased_until = NULL
WHERE id = $1 AND lease = $2 AND state = 'waiting'
"""
HAND_BACK: Final = "UPDATE deliveries SET leased_until = clock_timestamp() WHERE lease = ANY($1) AND state = 'waiting'"
GRANT: Final = """
UPDATE deliveries
SET state = 'waiting', attempts_allowed = $2, unknown = 0, due_at = $3, closed_at = NULL
WHERE id = $1 AND state = 'failed'
"""
SELECT_ONE: Final = "SELECT * FROM deliveries WHERE id = $1"
SELECT_PAGE: Final = """
SELECT * FROM deliveries
WHERE sequence < $1 AND ($2::text IS NULL OR number = $2) AND ($3::text IS NULL OR state = $3)
ORDER BY sequence DESC
LIMIT $4
"""
COUNT: Final = "SELECT state, count(*) AS n FROM deliveries GROUP BY state"
COUNT_WAITING: Final = "SELECT count(*) FROM deliveries WHERE state = 'waiting'"


class LeaseLost(Exception):
    """Another sender has the delivery now, or it waits no more: this one must not go on."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery in the hands of one sender. `interrupted`: an earlier one had it and did not finish."""

    delivery: Delivery
    application: Application
    event: bytes
    recorded_at: datetime
    lease: UUID
    in_flight: bool
    postponed: int
    interrupted: bool


def as_delivery(row: Any) -> Delivery:
    """A row as the domain sees it."""
    return Delivery(
        id=row["id"],
        number=row["number"],
        about=EventRef(source=row["about_source"], id=row["about_id"]),
        channel=row["channel"],
        template=row["template"],
        attempts_allowed=row["attempts_allowed"],
        state=State(row["state"]),
        attempts=row["attempts"],
        unknown=row["unknown"],
        may_have_arrived=row["may_have_arrived"],
        reason=row["reason"],
        subscription=row["subscription"],
    )


class Deliveries:
    """The deliveries of one notify database. `lease` is how long a sender may take for one message."""

    def __init__(self, pool: Pool, *, lease: timedelta) -> None:
        self._pool = pool
        self._lease = lease

    async def claim(self, *, now: datetime, limit: int, besides: Collection[UUID]) -> list[Claimed]:
        """Up to `limit` deliveries that are due at `now`, none of `besides`; they are the caller's until the lease ends."""
        lease = uuid4()
        rows = await self._pool.fetch(CLAIM, now, list(besides), limit, lease, self._lease)
        return [
            Claimed(
                delivery=as_delivery(row),
                application=Application(row["number"], row["service"], row["office"]),
                event=row["event"],
                recorded_at=row["recorded_at"],
                lease=lease,
                in_flight=row["in_flight"],
                postponed=row["postponed"],
                interrupted=row["interrupted"],
            )
            for row in rows
        ]

    async def begin(self, claimed: Claimed) -> None:
        """Mark that the content is about to be handed over. Raises `LeaseLost` when it is no longer the caller's."""
        if await self._pool.execute(BEGIN, claimed.delivery.id, claimed.lease, self._lease) != "UPDATE 1":
            raise LeaseLost(str(claimed.delivery.id))

    async def close(self, after: Delivery, *, due_at: datetime, closed_at: datetime | None) -> None:
        """Write the state after an outcome; a repetition changes nothing."""
        await self._pool.execute(
            CLOSE, after.id, after.state.value, after.attempts, after.unknown, after.may_have_arrived, after.reason,
            due_at, closed_at,
        )  # fmt: skip

    async def postpone(self, claimed: Claimed, due_at: datetime) -> None:
        """Give it back until `due_at`: intake could not be asked."""
        await self._pool.execute(POSTPONE, claimed.delivery.id, claimed.lease, due_at)

    async def skip(self, claimed: Claimed, reason: str, at: datetime) -> None:
        """It will not be sent, for good."""
        await self._pool.execute(SKIP, claimed.delivery.id, claimed.lease, reason, at)

    async def hand_back(self, leases: Collection[UUID]) -> None:
        """End leases early: this process stops, and another may go on at once where it left off."""
        await self._pool.execute(HAND_BACK, list(leases))

    async def find(self, id: UUID) -> Delivery | None:
        """One delivery."""
        row = await self._pool.fetchrow(SELECT_ONE, id)
        return as_delivery(row) if row else None

    async def grant(self, granted: Delivery, due_at: datetime) -> bool:
        """Let a failed delivery wait again, as `granted` says. False when it is no longer failed."""
        done = await self._pool.execute(GRANT, granted.id, granted.attempts_allowed, due_at)
        return bool(done == "UPDATE 1")

    async def page(self, *, before: int | None, number: str | None, state: str | None, limit: int) -> list[Any]:
        """Rows from the newest on, those with a sequence below `before`."""
        return await self._pool.fetch(SELECT_PAGE, before or 2**63 - 1, number, state, limit)

    async def counts(self) -> dict[str, int]:
        """How many there are in each state."""
        found = {row["state"]: row["n"] for row in await self._pool.fetch(COUNT)}
        return {state.value: found.get(state.value, 0) for state in State}

    async def waiting(self) -> int:
        """How many wait to be sent."""
        return int(await self._pool.fetchval(COUNT_WAITING))
