"""The officers' read models: rows made anew from the cases, following the event store.

They follow the service's own event store, not the event log: what officers must see beside the public facts (payments
that did not fit) never leaves the service, and the order of the store is the order in which the cases decided.
A row is a pure function of its case, written only over an older version: a repetition changes nothing, and after
emptying the tables and setting the position to 0 the same rows come back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from functools import partial
from typing import Final

from contracts.catalogue import Catalogue
from runtime.database import Connection, Pool
from runtime.eventstore import EventStore
from runtime.listening import follow
from services.processing.application import Dossier, dossier_of
from services.processing.deadlines import AHEAD, Ahead
from services.processing.handling.application import handling_of
from services.processing.handling.domain import PREFIX, stream_of
from services.processing.payments import PaymentProblemRow, problem_row
from services.processing.worklist import WorklistRow, row_of

_BATCH: Final = 500
_WAKE_S: Final = 2.0
_COLUMNS: Final = [field.name for field in fields(WorklistRow)]
_PROBLEM_COLUMNS: Final = [field.name for field in fields(PaymentProblemRow)]

SELECT_POSITION = "SELECT notification_id FROM worklist_position"
LOCK_POSITION = "SELECT notification_id FROM worklist_position FOR UPDATE"
STORE_POSITION = "UPDATE worklist_position SET notification_id = $1"
UPSERT_ROW = f"""
INSERT INTO worklist ({", ".join(_COLUMNS)})
VALUES ({", ".join(f"${n}" for n in range(1, len(_COLUMNS) + 1))})
ON CONFLICT (number) DO UPDATE
SET ({", ".join(_COLUMNS)}) = ROW ({", ".join(f"excluded.{name}" for name in _COLUMNS)})
WHERE worklist.version <= excluded.version AND worklist.handling_version <= excluded.handling_version
"""  # noqa: S608 - only names of our own columns
UPSERT_PROBLEM = f"""
INSERT INTO payment_problems ({", ".join(_PROBLEM_COLUMNS)})
VALUES ({", ".join(f"${n}" for n in range(1, len(_PROBLEM_COLUMNS) + 1))})
ON CONFLICT (number, version) DO UPDATE
SET (settled_at, settled_reason, settled_parameters)
    = ROW (excluded.settled_at, excluded.settled_reason, excluded.settled_parameters)
WHERE payment_problems.settled_at IS NULL AND excluded.settled_at IS NOT NULL
"""  # noqa: S608 - only names of our own columns


class WorklistProjection:
    """Keeps `worklist` and `payment_problems` up to date. Several may run: each batch is written by one of them."""

    def __init__(
        self, pool: Pool, store: EventStore, catalogue: Catalogue, *, channel: str, ahead: Ahead = AHEAD
    ) -> None:
        self._ahead = ahead
        self._pool = pool
        self._store = store
        self._catalogue = catalogue
        self._channel = channel

    async def run(self) -> None:
        """Follow the event store for ever. Raises on any trouble; start it again (`runtime.tasks`)."""
        async with self._pool.acquire() as connection:
            await follow(connection, self._channel, partial(self.catch_up, connection), look_every_s=_WAKE_S)

    async def catch_up(self, connection: Connection) -> bool:
        """Write the next batch; rows and position in one transaction. False when there was nothing to do."""
        if not await self._store.notifications(int(await connection.fetchval(SELECT_POSITION)), 1):
            return False
        async with connection.transaction():
            position = int(await connection.fetchval(LOCK_POSITION))
            batch = await self._store.notifications(position, _BATCH)
            if not batch:  # another replica wrote it
                return False
            # A stream that is no case (a reserved billing code, an operator's note) has no row.
            streams = (event.stream.removeprefix(PREFIX) for event in batch)
            await self.write(connection, list(dict.fromkeys(stream for stream in streams if ":" not in stream)))
            await connection.execute(STORE_POSITION, batch[-1].id)
            return True

    async def write(self, connection: Connection, numbers: Sequence[str]) -> None:
        """Make the rows of these cases anew, each with who works at it, as the event store has both now."""
        histories = await self._store.load_many([*numbers, *map(stream_of, numbers)])
        found = [(dossier_of(number, histories[number]), histories[stream_of(number)]) for number in numbers]
        present = [(dossier, handling_of(stored)) for dossier, stored in found if dossier.case.exists]
        rows = [
            row_of(
                dossier.number,
                dossier.case,
                service,
                self._catalogue.offices[dossier.case.office],
                handling=handling,
                ahead=self._ahead,
            )
            for dossier, handling in present
            if (service := self._catalogue.services.get(dossier.case.service))
        ]
        await connection.executemany(UPSERT_ROW, [astuple(row) for row in rows])
        await connection.executemany(UPSERT_PROBLEM, _problems(dossier for dossier, _ in present))


def _problems(dossiers: Iterable[Dossier]) -> list[tuple[object, ...]]:
    return [astuple(problem_row(dossier.number, problem)) for dossier in dossiers for problem in dossier.case.problems]
