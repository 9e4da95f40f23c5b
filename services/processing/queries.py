"""Reading the officers' read models."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Annotated, Any, Final, Literal, NamedTuple

import asyncpg
from msgspec import Meta

from runtime.database import Pool
from services.processing.payments import PaymentProblemRow
from services.processing.worklist import CLOSED, WorklistRow

Sort = Literal["deadline", "age", "urgency"]
"""`urgency`: what was escalated first, then by deadline."""
Claimed = Literal["me", "others", "nobody", "anybody"]
WaitsFor = Literal["office", "applicant", "agency", "pause"]
Instant = Annotated[datetime, Meta(tz=True)]
Number = Annotated[str, Meta(pattern=r"^[0-9A-Z*~$=-]{1,40}$(?!\n)")]


class Place(NamedTuple):
    """Where a page of the inbox ended: what it is sorted by (None: no deadline, which comes last), and the number."""

    key: Instant | None
    number: Number
    escalated: bool = False


class ProblemPlace(NamedTuple):
    """Where a page of payment problems ended."""

    reported_at: Instant
    number: Number
    version: Annotated[int, Meta(ge=0, le=2**31 - 1)]


class BadPlace(Exception):
    """A cursor that stands for no place that can be in a list."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases; None: any. Without a stage, those that have not ended."""

    stage: str | None = None
    service: str | None = None
    desk: str | None = None
    paused: bool | None = None
    waits_for: WaitsFor | None = None
    claimed: Claimed | None = None
    """By whom; `me` is `officer`."""
    officer: str = ""
    queue: str | None = None
    """Handed to this desk."""
    escalated: bool | None = None
    opinion: Literal["awaited", "late", "given"] | None = None


@dataclass(frozen=True, slots=True)
class ProblemFilter:
    """Which payment problems; None: any. Those that wait to be put right, or those that were."""

    kind: str | None = None
    number: str | None = None
    settled: bool = False


_KEYS: Final[dict[Sort, str]] = {
    "deadline": "coalesce(deadline_at, 'infinity')",
    "age": "submitted_at",
    "urgency": "escalated_at IS NULL, coalesce(deadline_at, 'infinity')",
}
_AFTER: Final[dict[Sort, str]] = {
    "deadline": "coalesce($8::timestamptz, 'infinity')",
    "age": "coalesce($8::timestamptz, 'infinity')",
    "urgency": "NOT $15::boolean, coalesce($8::timestamptz, 'infinity')",
}
_COLUMNS: Final = ", ".join(field.name for field in fields(WorklistRow))

SELECT_CASES = """
SELECT {columns} FROM worklist
WHERE {stage}
  AND ($1::text IS NULL OR stage = $1)
  AND ($2::text IS NULL OR service = $2)
  AND ($3::text IS NULL OR desk = $3)
  AND ($4::boolean IS NULL OR paused = $4)
  AND ($5::text IS NULL OR CASE WHEN act_from <= $6 THEN 'office' ELSE turn END = $5)
  AND ($7::text IS NULL OR ({key}, number) > ({after}, $7))
  AND ($10::text IS NULL OR CASE $10 WHEN 'me' THEN officer = $11 WHEN 'nobody' THEN officer IS NULL
       WHEN 'others' THEN officer <> $11 ELSE officer IS NOT NULL END)
  AND ($12::text IS NULL OR queue = $12)
  AND ($13::boolean IS NULL OR (escalated_at IS NOT NULL) = $13)
  AND ($14::text IS NULL OR CASE $14 WHEN 'awaited' THEN opinions_awaited > 0 WHEN 'late' THEN opinion_due_at < $6
       ELSE opinion_given_at IS NOT NULL END)
  AND $15::boolean IS NOT NULL
ORDER BY {key}, number
LIMIT $9
"""
SELECT_PROBLEMS = """
SELECT * FROM payment_problems
WHERE ($1::text IS NULL OR kind = $1)
  AND ($2::text IS NULL OR number = $2)
  AND (settled_at IS NOT NULL) = $3
  AND ($4::timestamptz IS NULL OR (reported_at, number, version) > ($4, $5::text, $6::integer))
ORDER BY reported_at, number, version
LIMIT $7
"""


class Worklist:
    """The inbox and the payments to follow up, a page at a time."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def cases(
        self, chosen: Filter, sort: Sort, after: Place | None, limit: int, now: datetime
    ) -> list[WorklistRow]:
        """The cases due or submitted first. Raises `BadPlace`."""
        open_or_not = f"stage = '{CLOSED}'" if chosen.stage == CLOSED else f"stage <> '{CLOSED}'"
        statement = SELECT_CASES.format(columns=_COLUMNS, stage=open_or_not, key=_KEYS[sort], after=_AFTER[sort])
        key, number, escalated = after or (None, None, False)
        rows = await self._fetch(
            statement,
            chosen.stage,
            chosen.service,
            chosen.desk,
            chosen.paused,
            chosen.waits_for,
            now,
            number,
            key,
            limit,
            chosen.claimed,
            chosen.officer,
            chosen.queue,
            chosen.escalated,
            chosen.opinion,
            escalated,
        )
        return [WorklistRow(**row) for row in rows]

    async def problems(self, chosen: ProblemFilter, after: ProblemPlace | None, limit: int) -> list[PaymentProblemRow]:
        """Payment problems in the order in which they were reported. Raises `BadPlace`."""
        place = after or (None, None, None)
        which = (chosen.kind, chosen.number, chosen.settled)
        return [PaymentProblemRow(**row) for row in await self._fetch(SELECT_PROBLEMS, *which, *place, limit)]

    async def _fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        try:
            return await self._pool.fetch(statement, *arguments)
        except asyncpg.DataError as error:  # a time that PostgreSQL cannot hold: only a made-up cursor has one
            raise BadPlace(str(error)) from error
