"""Mails with a link: which ones wait, what becomes of an attempt, and the table that remembers it.

Nothing here goes onto a timeline: a link to "my applications" belongs to no application. What is kept is an id, a state
and a count; to whom, in which language and with which link is asked from intake for every attempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from runtime.database import Pool
from services.notify.deliveries import LeaseLost
from services.notify.domain import Accepted, Failure, NotAccepted, Result, State, Unknown

KEPT: Final = timedelta(days=7)

INSERT: Final = """
INSERT INTO link_mails (id, due_at, planned_at) SELECT id, $2, $2 FROM unnest($1::uuid[]) AS link (id) ON CONFLICT DO NOTHING
"""
CLAIM: Final = """
UPDATE link_mails l
SET lease = $3, leased_until = clock_timestamp() + $4::interval
FROM (
    SELECT id, in_flight FROM link_mails
    WHERE state = 'waiting' AND due_at <= $1 AND (lease IS NULL OR leased_until < clock_timestamp())
    ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
) due
WHERE l.id = due.id
RETURNING l.id, l.attempts, l.unknown, l.postponed, due.in_flight
"""
BEGIN: Final = """
UPDATE link_mails SET in_flight = true, leased_until = clock_timestamp() + $3::interval
WHERE id = $1 AND lease = $2 AND state = 'waiting'
"""
CLOSE: Final = """
UPDATE link_mails
SET state = $3, attempts = $4, unknown = $5, reason = $6, postponed = $7, due_at = $8,
    closed_at = CASE WHEN $3 = 'waiting' THEN NULL ELSE $8::timestamptz END, in_flight = false, lease = NULL, leased_until = NULL
WHERE id = $1 AND lease = $2 AND state = 'waiting'
"""
HAND_BACK: Final = "UPDATE link_mails SET leased_until = clock_timestamp() WHERE lease = $1 AND state = 'waiting'"
DELETE_OLD: Final = "DELETE FROM link_mails WHERE state <> 'waiting' AND closed_at < $1"


@dataclass(frozen=True, slots=True)
class LinkMail:
    """One mail with a link. `unknown`: how often the content was handed over and no answer was seen."""

    id: UUID
    lease: UUID
    attempts: int = 0
    unknown: int = 0
    postponed: int = 0
    in_flight: bool = False
    state: State = State.WAITING
    reason: str | None = None


def after(mail: LinkMail, result: Result, attempts_allowed: int) -> LinkMail:
    """`mail` after an attempt. What may have arrived is sent once more and not a third time."""
    attempts = mail.attempts + 1
    match result:
        case Accepted():
            return replace(mail, attempts=attempts, state=State.SENT, reason=None)
        case NotAccepted(failure=failure, permanent=permanent):
            over, unknown, reason = permanent or attempts >= attempts_allowed, mail.unknown, failure.value
        case Unknown():
            unknown, reason = mail.unknown + 1, Failure.OUTCOME_UNKNOWN.value
            over = unknown > 1 or attempts >= attempts_allowed
    return replace(
        mail, attempts=attempts, unknown=unknown, state=State.FAILED if over else State.WAITING, reason=reason
    )


class LinkMails:
    """The table. `lease` is how long a sender may take for one mail."""

    def __init__(self, pool: Pool, *, lease: timedelta) -> None:
        self._pool = pool
        self._lease = lease

    async def plan(self, links: Sequence[UUID], now: datetime) -> None:
        """These links are to be sent; those that are here already stay as they are."""
        await self._pool.execute(INSERT, list(links), now)

    async def claim(self, now: datetime, limit: int) -> list[LinkMail]:
        """Up to `limit` that are due; they are the caller's until the lease ends."""
        lease = uuid4()
        rows: list[Any] = await self._pool.fetch(CLAIM, now, limit, lease, self._lease)
        return [
            LinkMail(row["id"], lease, row["attempts"], row["unknown"], row["postponed"], row["in_flight"])
            for row in rows
        ]

    async def begin(self, mail: LinkMail) -> None:
        """Mark that the content is about to be handed over. Raises `LeaseLost`."""
        if await self._pool.execute(BEGIN, mail.id, mail.lease, self._lease) != "UPDATE 1":
            raise LeaseLost(str(mail.id))

    async def close(self, mail: LinkMail, at: datetime) -> None:
        """Write its new state; `at`: when it is due again, or ended."""
        await self._pool.execute(
            CLOSE, mail.id, mail.lease, mail.state.value, mail.attempts, mail.unknown, mail.reason, mail.postponed, at
        )

    async def hand_back(self, lease: UUID) -> None:
        """End a lease early: this process stops."""
        await self._pool.execute(HAND_BACK, lease)

    async def forget(self, now: datetime) -> None:
        """Remove what ended long ago."""
        await self._pool.execute(DELETE_OLD, now - KEPT)
