"""Looking for deadlines that are near, and telling the supervisor: once each, whatever restarts in between."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from contracts.catalogue import Catalogue
from runtime.database import Pool
from runtime.eventstore import Append, EventStore, VersionConflict
from services.processing.application import dossier_of
from services.processing.deadlines import Ahead, running_deadline
from services.processing.handling.application import handling_of
from services.processing.handling.decisions import escalate
from services.processing.handling.domain import Run, stream_of
from services.processing.stamping import Stamp

log = structlog.get_logger()
_BATCH: Final = 200
SELECT_NEAR = """
SELECT number FROM worklist
WHERE stage <> 'closed' AND escalated_at IS NULL AND escalate_at <= $1 AND number > $2
ORDER BY number LIMIT $3
"""


class Escalation:
    """Escalates what is near its deadline. Several may run: the stream's version lets one of them write."""

    def __init__(
        self,
        *,
        pool: Pool,
        store: EventStore,
        catalogue: Catalogue,
        stamp: Stamp,
        clock: Callable[[], datetime],
        ahead: Ahead,
        look_every_s: float,
    ) -> None:
        self._pool = pool
        self._store = store
        self._catalogue = catalogue
        self._stamp = stamp
        self._clock = clock
        self._ahead = ahead
        self._look_every_s = look_every_s

    async def run(self) -> None:
        """Look for ever. Raises on any trouble; start it again (`runtime.tasks`)."""
        while True:
            await self.look()
            await asyncio.sleep(self._look_every_s)

    async def look(self) -> int:
        """Escalate all that is near its deadline now; how many that were."""
        after, done = "", 0
        while True:
            rows = await self._pool.fetch(SELECT_NEAR, self._clock(), after, _BATCH)
            for row in rows:
                done += await self._escalate(str(row["number"]))
            if len(rows) < _BATCH:
                return done
            after = str(rows[-1]["number"])

    async def _escalate(self, number: str) -> bool:
        """On the event store's own state: the row that led here may be older. A writer that was first is looked at again."""
        histories = await self._store.load_many([number, stream_of(number)])
        case, handling = dossier_of(number, histories[number]).case, handling_of(histories[stream_of(number)])
        service = self._catalogue.services.get(case.service)
        deadline = service and running_deadline(case, service, self._catalogue.offices[case.office], self._ahead)
        if not deadline or deadline.started_at is None:
            return False
        now = self._clock()
        facts = escalate(handling, Run(deadline.rule, deadline.started_at), deadline, now)
        if not facts:
            return False
        try:
            events = [self._stamp.event(fact, number, now) for fact in facts]
            await self._store.append(Append(stream_of(number), handling.version, events))
        except VersionConflict:
            return False
        log.info("case_escalated", rule=deadline.rule)
        return True
