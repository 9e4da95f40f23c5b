"""Which applications deviate, and how many: reads of the projection for `services.status.folding.conformance`."""

from typing import Any, Final, NamedTuple

from contracts.catalogue import Catalogue
from runtime.database import Pool
from services.status.folding.conformance import Cohort, Conformity, conformity
from services.status.folding.situation import Party

NO_MONTH: Final = "none"
"""The month of applications whose submission is not known."""

COHORTS: Final = """
WITH zones AS (SELECT * FROM unnest($1::text[], $2::text[]) AS zone (office, name)),
found AS (
    SELECT number, service, situation, waits_for, deviations,
        date_trunc('month', submitted_at AT TIME ZONE coalesce(zones.name, 'UTC')) AS month
    FROM application LEFT JOIN zones USING (office)
    WHERE service = coalesce($3, service)
),
cohort AS (SELECT * FROM found WHERE $4::text IS NULL OR coalesce(to_char(month, 'YYYY-MM'), 'none') = $4)
"""
TOTALS: Final = f"{COHORTS} SELECT service, month, count(*), count(deviations) FROM cohort GROUP BY 1, 2"  # noqa: S608 - our own words
CODES: Final = f"""
{COHORTS} SELECT service, month, code, count(*) FROM cohort, unnest(deviations) AS code GROUP BY 1, 2, 3
"""  # noqa: S608 - our own words
CASES: Final = f"""
{COHORTS} SELECT number, service, month, situation, waits_for, deviations FROM cohort
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

    def __init__(self, pool: Pool, catalogue: Catalogue) -> None:
        self._pool = pool
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
        return conformity(totals, counts)

    async def cases(self, code: str, service: str | None, month: str | None, after: str, limit: int) -> list[Case]:
        """Up to `limit` applications that deviate so, in the order of their numbers, from the one after `after` on."""
        rows = await self._pool.fetch(CASES, *self._zones, service, month, code, after, limit)
        return [
            Case(row["number"], _cohort(row), row["situation"], row["waits_for"], row["deviations"]) for row in rows
        ]


def _cohort(row: Any) -> Cohort:
    month = row["month"]
    return Cohort(row["service"], None if month is None else month.isoformat()[:7])
