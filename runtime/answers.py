"""Where answers are kept under their idempotency key: PostgreSQL, or memory for tests.

A key goes: free → running (claimed, until `locked_until`) → completed (the answer, until `expires_at`) → free.
Whoever runs the request extends its claim meanwhile. A claim that was neither completed nor released, because its
process died, can be taken over once its lock is over.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple, Protocol

from runtime.database import Pool

LOCK_S = 10
RETENTION_S = 48 * 3600


class Claimed(NamedTuple):
    """The key is ours: run the request, then `complete` or `release`."""

    claim: uuid.UUID


class Running(NamedTuple):
    """Another request with this key runs; its claim ends in `remaining_s` at the latest."""

    remaining_s: float


class Completed(NamedTuple):
    """The key was used and answered."""

    answer: bytes


class OtherRequest(NamedTuple):
    """The key belongs to a request with another fingerprint."""


Found = Claimed | Running | Completed | OtherRequest


class AnswerStore(Protocol):
    """Keeps answers by key. All operations are atomic."""

    async def claim(self, id: bytes, fingerprint: bytes) -> Found:
        """Claim a free key, or say what became of it."""
        ...

    async def extend(self, id: bytes, claim: uuid.UUID) -> None:
        """Let the claim last for the whole lock again; nothing happens where it was lost to another."""
        ...

    async def complete(self, id: bytes, claim: uuid.UUID, answer: bytes) -> None:
        """Keep the answer; nothing happens where the claim was lost to another."""
        ...

    async def release(self, id: bytes, claim: uuid.UUID) -> None:
        """Make the key free again: the request failed and may be repeated."""
        ...


CLAIM = """
INSERT INTO idempotency AS kept (id, fingerprint, claim, locked_until, expires_at)
VALUES ($1, $2, $3, now() + $4, now() + $5)
ON CONFLICT (id) DO UPDATE
SET fingerprint = excluded.fingerprint, claim = excluded.claim, locked_until = excluded.locked_until,
    expires_at = excluded.expires_at, answer = NULL
WHERE kept.expires_at < now()
   OR (kept.answer IS NULL AND kept.locked_until < now() AND kept.fingerprint = excluded.fingerprint)
RETURNING claim
"""
SELECT = """
SELECT fingerprint, answer, greatest(extract(epoch FROM locked_until - now()), 0)::float8 AS remaining_s
FROM idempotency WHERE id = $1
"""
EXTEND = "UPDATE idempotency SET locked_until = now() + $3 WHERE id = $1 AND claim = $2 AND answer IS NULL"
COMPLETE = "UPDATE idempotency SET answer = $3, expires_at = now() + $4 WHERE id = $1 AND claim = $2"
RELEASE = "DELETE FROM idempotency WHERE id = $1 AND claim = $2 AND answer IS NULL"
FORGET_SOME = """
DELETE FROM idempotency WHERE id IN (
    SELECT id FROM idempotency WHERE expires_at < now() ORDER BY expires_at LIMIT 2 FOR UPDATE SKIP LOCKED
)
"""


class PostgresAnswers:
    """Answers in table `idempotency` of the pool's schema.

    Each kept answer clears away up to two that are over, so the table shrinks by itself and nothing has to be scheduled.
    """

    def __init__(self, pool: Pool, *, lock_s: float = LOCK_S, retention_s: float = RETENTION_S) -> None:
        self._pool = pool
        self._lock = timedelta(seconds=lock_s)
        self._retention = timedelta(seconds=retention_s)

    async def claim(self, id: bytes, fingerprint: bytes) -> Found:
        """See `AnswerStore`."""
        claim = uuid.uuid4()
        if await self._pool.fetchval(CLAIM, id, fingerprint, claim, self._lock, self._lock + self._retention):
            return Claimed(claim)
        row = await self._pool.fetchrow(SELECT, id)
        if row is None:
            return Running(0.0)  # released in between
        if row["fingerprint"] != fingerprint:
            return OtherRequest()
        return Running(row["remaining_s"]) if row["answer"] is None else Completed(row["answer"])

    async def extend(self, id: bytes, claim: uuid.UUID) -> None:
        """See `AnswerStore`."""
        await self._pool.execute(EXTEND, id, claim, self._lock)

    async def complete(self, id: bytes, claim: uuid.UUID, answer: bytes) -> None:
        """See `AnswerStore`."""
        await self._pool.execute(COMPLETE, id, claim, answer, self._retention + self._lock)
        await self._pool.execute(FORGET_SOME)

    async def release(self, id: bytes, claim: uuid.UUID) -> None:
        """See `AnswerStore`."""
        await self._pool.execute(RELEASE, id, claim)


class _Kept(NamedTuple):
    fingerprint: bytes
    claim: uuid.UUID
    locked_until: float
    expires_at: float
    answer: bytes | None = None


class InMemoryAnswers:
    """Answers in memory, by the same rules."""

    def __init__(
        self,
        *,
        lock_s: float = LOCK_S,
        retention_s: float = RETENTION_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock_s = lock_s
        self._retention_s = retention_s
        self._monotonic = monotonic
        self._kept: dict[bytes, _Kept] = {}

    async def claim(self, id: bytes, fingerprint: bytes) -> Found:
        """See `AnswerStore`."""
        now = self._monotonic()
        kept = self._kept.get(id)
        if kept is None or kept.expires_at < now or self._is_abandoned(kept, fingerprint, now):
            kept = _Kept(fingerprint, uuid.uuid4(), now + self._lock_s, now + self._lock_s + self._retention_s)
            self._kept[id] = kept
            return Claimed(kept.claim)
        if kept.fingerprint != fingerprint:
            return OtherRequest()
        return Completed(kept.answer) if kept.answer is not None else Running(max(kept.locked_until - now, 0.0))

    @staticmethod
    def _is_abandoned(kept: _Kept, fingerprint: bytes, now: float) -> bool:
        return kept.answer is None and kept.locked_until < now and kept.fingerprint == fingerprint

    async def extend(self, id: bytes, claim: uuid.UUID) -> None:
        """See `AnswerStore`."""
        kept = self._kept.get(id)
        if kept is not None and kept.claim == claim and kept.answer is None:
            self._kept[id] = kept._replace(locked_until=self._monotonic() + self._lock_s)

    async def complete(self, id: bytes, claim: uuid.UUID, answer: bytes) -> None:
        """See `AnswerStore`."""
        kept = self._kept.get(id)
        if kept is not None and kept.claim == claim:
            self._kept[id] = kept._replace(answer=answer)

    async def release(self, id: bytes, claim: uuid.UUID) -> None:
        """See `AnswerStore`."""
        kept = self._kept.get(id)
        if kept is not None and kept.claim == claim and kept.answer is None:
            del self._kept[id]
