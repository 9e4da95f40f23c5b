"""Drafts that nobody went on with: after a time they are destroyed, with the person's data and files.

Whoever began an application and never handed it in has asked for nothing; the office has no reason to keep who they are.
First the stream says so, which shuts out an applicant who comes back in that moment; then the files go, then the key
and the sealed records. A process that dies in between leaves the key, so that the next sweep finds the draft again.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from runtime.database import Pool
from runtime.eventstore import EventStore, NewEvent, decide
from services.intake import domain, journal
from services.intake.documents import DocumentStorage
from services.intake.domain import Application
from services.intake.vault import Vault

log = structlog.get_logger()

SELECT_OLD: Final = """
SELECT application, created_at FROM applicant_keys
WHERE draft AND created_at <= $1 AND (created_at, application) > ($2, $3)
ORDER BY created_at, application
LIMIT $4
"""
SET_NO_DRAFTS: Final = "UPDATE applicant_keys SET draft = false WHERE application = ANY($1::text[])"

_BATCH: Final = 500
_EVERY_S: Final = 3600.0
_BEGINNING: Final = (datetime(1970, 1, 1, tzinfo=UTC), "")


class AbandonedDrafts:
    """Sweeps them up. `after`: how long a draft is kept since its applicant last changed it."""

    def __init__(
        self,
        pool: Pool,
        *,
        store: EventStore,
        vault: Vault,
        storage: DocumentStorage,
        source: str,
        after: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._pool = pool
        self._store = store
        self._vault = vault
        self._storage = storage
        self._source = source
        self._after = after
        self._clock = clock

    async def sweep_for_ever(self) -> None:
        """Sweep now and every hour."""
        while True:
            await self.sweep()
            await asyncio.sleep(_EVERY_S)

    async def sweep(self) -> int:
        """Destroy the drafts that were abandoned; how many. Several processes may sweep at once."""
        limit, place, destroyed = self._clock() - self._after, _BEGINNING, 0
        while rows := await self._pool.fetch(SELECT_OLD, limit, *place, _BATCH):
            place = (rows[-1]["created_at"], rows[-1]["application"])
            streams = await self._store.load_many([row["application"] for row in rows])
            drafts = {number: journal.read(history) for number, history in streams.items()}
            handed_in = [number for number, draft in drafts.items() if draft and draft.submitted_at]
            await self._pool.execute(SET_NO_DRAFTS, handed_in)
            for number in drafts.keys() - set(handed_in):
                destroyed += await self._destroy_if_abandoned(number, limit)
        if destroyed:
            log.info("abandoned_drafts_destroyed", count=destroyed)
        return destroyed

    async def _destroy_if_abandoned(self, number: str, limit: datetime) -> bool:
        def events(draft: Application | None) -> Sequence[NewEvent]:
            # Without a stream, opening it failed, and nobody ever had this number.
            facts = domain.abandon(draft, limit) if draft else []
            return journal.write(facts, number=number, at=self._clock(), source=self._source)

        draft, appended = await decide(self._store, number, journal.read, events)
        if draft is not None:
            if draft.abandoned_at is None and not appended:
                return False
            for document in draft.known.values():
                await self._storage.remove(document)
        await self._vault.destroy(number)
        return True
