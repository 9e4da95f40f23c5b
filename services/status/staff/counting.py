"""How many applications a search finds, whole and by what divides them, at this moment; of the open ones, how many are late.

Nothing is withheld here: whoever may count may also list the cases.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, NamedTuple

from runtime.database import Pool
from services.status.staff.search import Criteria, conditions

By = Literal["service", "office", "stage", "situation", "desk", "waits_for", "deviation", "age"]
AGES_DAYS: Final = (7, 14, 30, 90, 180, 365)
"""Where the ages of applications, by days since their submission, are cut."""

_OF: Final[Mapping[str, str]] = {
    "deviation": "unnest(deviations)",
    "age": "width_bucket(extract(epoch FROM ${moment}::timestamptz - submitted_at)::double precision, ${ages}::double precision[])::text",
}


class Group(NamedTuple):
    """A part of what was found. `code` is empty of those that have none."""

    code: str
    applications: int
    overdue: int
    """Open, and the deadline has passed."""


class Span(NamedTuple):
    """An age: submitted from (`None`: at any time) to before an instant."""

    code: str
    submitted_from: datetime | None
    submitted_to: datetime | None


async def count(pool: Pool, criteria: Criteria, moment: datetime) -> Group:
    """How many there are by the conditions on columns. Raises what asyncpg raises."""
    text, values = conditions(criteria)
    row = await pool.fetchrow(_statement("''", text, len(values) + 1), *values, moment)
    return Group(*row) if row is not None else Group("", 0, 0)


async def count_by(pool: Pool, criteria: Criteria, by: By, moment: datetime) -> list[Group]:
    """How many there are of each part, by code; of deviations an application may have several. Raises what asyncpg raises."""
    text, values = conditions(criteria)
    given = [*values, moment]
    expression = _OF.get(by, by).replace("{moment}", str(len(given)))
    if by == "age":
        given.append([float(days * 86_400) for days in AGES_DAYS])
        text += " AND submitted_at IS NOT NULL"
        expression = expression.replace("{ages}", str(len(given)))
    rows: Sequence[Any] = await pool.fetch(f"{_statement(expression, text, len(values) + 1)} ORDER BY 1", *given)
    return [Group(row[0] or "", row[1], row[2]) for row in rows]


def _statement(expression: str, text: str, moment: int) -> str:
    late = f"count(*) FILTER (WHERE due <= ${moment} AND waits_for <> 'nobody')"
    return f"SELECT {expression}, count(*), {late} FROM application WHERE {text} GROUP BY 1"  # noqa: S608 - our own words


def spans(moment: datetime) -> list[Span]:
    """The ages, youngest first, as instants of submission; their codes are those of `count_by(…, "age", …)`."""
    cuts = [moment - timedelta(days=days) for days in AGES_DAYS]
    # an age of exactly seven days is of the second span: submitted at its cut or before, and instants are whole microseconds
    ends = [None, *[cut + timedelta(microseconds=1) for cut in cuts]]
    return [
        Span(str(place), begin, end) for place, (begin, end) in enumerate(zip([*ends[1:], None], ends, strict=True))
    ]
