"""Which applications deviate, and how many: reads of the projection for `services.status.conformance`.

A stage that others came ahead of counts as skipped once an application has ended without it. That is known from its
state; all else is grouped by PostgreSQL.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from contracts.catalogue import Catalogue
from runtime.database import Pool
from services.status.conformance import SKIPPED, Cohort, Conformity, conformity, deviations
from services.status.domain import AHEAD_OF
from services.status.fold import state_of
from services.status.procedure import UNDECLARED, Procedure
from services.status.situation import Party

NO_MONTH: Final = "none"
"""The month of applications whose submission is not known."""
_STATES_AT_ONCE: Final = 500

COHORTS: Final = """
WITH zones AS (SELECT * FROM unnest($1::text[], $2::text[]) AS zone (office, name)),
found AS (
    SELECT number, service, situation, waits_for, deviations, state, effective,
        date_trunc('month', submitted_at AT TIME ZONE coalesce(zones.name, 'UTC')) AS month
    FROM application LEFT JOIN zones USING (office)
    WHERE service = coalesce($3, service)
),
cohort AS (SELECT * FROM found WHERE $4::text IS NULL OR coalesce(to_char(month, 'YYYY-MM'), 'none') = $4)
"""
TOTALS: Final = f"{COHORTS} SELECT service, month, count(*), count(deviations) FROM cohort GROUP BY 1, 2"  # noqa: S608 - our own words
_MAY_BE_SKIPPED: Final = "waits_for = 'nobody' AND code LIKE 'ahead\\_of:%'"
CODES: Final = f"""
{COHORTS} SELECT service, month, code, count(*) FROM cohort, unnest(deviations) AS code
WHERE NOT ({_MAY_BE_SKIPPED}) GROUP BY 1, 2, 3
"""  # noqa: S608 - our own words
ENDED: Final = f"""
{COHORTS} SELECT service, month, waits_for, state, effective FROM cohort
WHERE EXISTS (SELECT FROM unnest(deviations) AS code WHERE {_MAY_BE_SKIPPED})
"""  # noqa: S608 - our own words
CASES: Final = f"""
{COHORTS} SELECT number, service, month, situation, waits_for, state, effective FROM cohort
WHERE deviations @> ARRAY[$5::text] AND number > $6 ORDER BY number LIMIT $7
"""  # noqa: S608 - our own words


class Case(NamedTuple):
    """An application that deviates."""

    number: str
    cohort: Cohort
    situation: str
    waits_for: Party
    deviations: list[str]


class Deviants:
    """Counts and lists what deviates."""

    def __init__(self, pool: Pool, catalogue: Catalogue, procedures: Mapping[str, Procedure]) -> None:
        self._pool = pool
        self._procedures = procedures
        offices = catalogue.offices
        self._zones = list(offices), [office.time_zone for office in offices.values()]

    async def count(self, service: str | None, month: str | None) -> list[Conformity]:
        """How each cohort kept to its process, at one moment; `None`: of every service, of every month."""
        given = *self._zones, service, month
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            totals = [(_cohort(row), *row[2:]) for row in await connection.fetch(TOTALS, *given)]
            counts = [(_cohort(row), *row[2:]) for row in await connection.fetch(CODES, *given)]
            at_the_end: Counter[tuple[Cohort, str]] = Counter()
            async for row in connection.cursor(ENDED, *given, prefetch=_STATES_AT_ONCE):
                cohort = _cohort(row)
                at_the_end.update((cohort, code) for code in self._deviations(row) if _is_of_order(code))
        return conformity(totals, [*counts, *((cohort, code, many) for (cohort, code), many in at_the_end.items())])

    async def cases(self, code: str, service: str | None, month: str | None, after: str, limit: int) -> list[Case]:
        """Up to `limit` applications that deviate so, in the order of their numbers, from the one after `after` on."""
        stored = AHEAD_OF + code.removeprefix(SKIPPED) if code.startswith(SKIPPED) else code
        found: list[Case] = []
        while len(found) < limit:
            rows = await self._pool.fetch(CASES, *self._zones, service, month, stored, after, limit)
            cases = [self._case(row) for row in rows]
            found += [case for case in cases if code in case.deviations]
            if len(rows) < limit:
                break
            after = rows[-1]["number"]
        return found[:limit]

    def _case(self, row: Any) -> Case:
        return Case(row["number"], _cohort(row), row["situation"], row["waits_for"], self._deviations(row))

    def _deviations(self, row: Any) -> list[str]:
        progress = state_of(row)
        procedure = self._procedures.get(progress.service, UNDECLARED)
        return deviations(progress, procedure, ended=row["waits_for"] == "nobody")


def _cohort(row: Any) -> Cohort:
    month = row["month"]
    return Cohort(row["service"], None if month is None else month.isoformat()[:7])


def _is_of_order(code: str) -> bool:
    return code.startswith((AHEAD_OF, SKIPPED))
