"""Search for staff: applications by where they stand, whom they wait for, when, and what surprised; page by page.

What is asked for becomes conditions on the columns of the view `application`; a page goes on after the place where the
one before ended (keyset), so that what is written meanwhile shifts nothing: an application whose place in the order
stays is shown exactly once. Where the order's instant is missing (no deadline runs, not submitted yet), the application
comes after all that have one, by number.
"""

from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct

from runtime.database import Pool
from services.status.answering.views import at
from services.status.folding.reading import in_us
from services.status.folding.situation import Party

Order = Literal["due", "-due", "submitted", "-submitted", "last_event", "-last_event"]
"""What a page is sorted by; `-`: latest first."""
State = Literal["open", "closed"]
ANY_DEVIATION: Final = "any"

COLUMNS: Final = (
    "number, service, office, stage, situation, waits_for, since, due, coalesce(deviations, '{}') AS deviations, desk,"
    " submitted_at, last_at, coalesce(effective, state) AS state"
)
_INSTANTS: Final = {"due": "due", "submitted": "submitted_at", "last_event": "last_at"}
_OPEN: Final = "waits_for <> 'nobody'"


class Criteria(Struct, frozen=True, kw_only=True):
    """What is looked for; what is `None` does not matter. Of two instants the first is included, the second is not."""

    service: str | None = None
    office: str | None = None
    stage: str | None = None
    situation: str | None = None
    desk: str | None = None
    waits_for: Party | None = None
    state: State | None = None
    submitted_from: datetime | None = None
    submitted_to: datetime | None = None
    last_event_from: datetime | None = None
    last_event_to: datetime | None = None
    due_from: datetime | None = None
    due_to: datetime | None = None
    overdue_at: datetime | None = None
    """Only open applications whose deadline has passed by this instant."""
    deviation: str | None = None
    """A code, or `any`."""


class Place(NamedTuple):
    """Where a page ended: the cursor. `instant_us` is `None` among those without one."""

    order: Order
    instant_us: int | None
    number: str


class Query(NamedTuple):
    """A statement and its parameters."""

    text: str
    values: list[Any]


def conditions(criteria: Criteria) -> Query:
    """The WHERE clause, without the word, that `criteria` stand for."""
    parts: list[str] = ["true"]
    values: list[Any] = []

    def where(condition: str, value: object) -> None:
        if value is not None:
            values.append(value)
            parts.append(condition.format(f"${len(values)}"))

    for column in ("service", "office", "stage", "situation", "desk", "waits_for"):
        where(f"{column} = {{}}", getattr(criteria, column))
    for name, column in _INSTANTS.items():
        where(f"{column} >= {{}}", getattr(criteria, f"{name}_from"))
        where(f"{column} < {{}}", getattr(criteria, f"{name}_to"))
    where("due <= {}", criteria.overdue_at)
    if criteria.state == "closed":
        parts.append("waits_for = 'nobody'")
    elif criteria.state == "open" or criteria.overdue_at is not None:
        parts.append(_OPEN)
    if criteria.deviation == ANY_DEVIATION:
        parts.append("deviations <> '{}'")
    else:
        where("deviations @> ARRAY[{}]::text[]", criteria.deviation)
    return Query(" AND ".join(parts), values)


def with_instant(criteria: Criteria, order: Order, after: Place | None, limit: int) -> Query:
    """The statement for at most `limit` applications that have the order's instant, after the place."""
    column, direction, beyond = _sorting(order)
    text, values = conditions(criteria)
    if after is not None and after.instant_us is not None:
        text += f" AND ({column}, number) {beyond} (${len(values) + 1}, ${len(values) + 2})"
        values += [at(after.instant_us), after.number]
    return Query(
        f"SELECT {COLUMNS} FROM application WHERE {text} AND {column} IS NOT NULL"  # noqa: S608 - our own names
        f" ORDER BY {column} {direction}, number {direction} LIMIT ${len(values) + 1}",
        [*values, limit],
    )


def without_instant(criteria: Criteria, order: Order, after: Place | None, limit: int) -> Query:
    """The statement for at most `limit` applications without the order's instant, after the place."""
    column, direction, beyond = _sorting(order)
    text, values = conditions(criteria)
    if after is not None and after.instant_us is None:
        text += f" AND number {beyond} ${len(values) + 1}"
        values.append(after.number)
    return Query(
        f"SELECT {COLUMNS} FROM application WHERE {text} AND {column} IS NULL"  # noqa: S608
        f" ORDER BY number {direction} LIMIT ${len(values) + 1}",
        [*values, limit],
    )


def _sorting(order: Order) -> tuple[str, str, str]:
    column = _INSTANTS[order.removeprefix("-")]
    return (column, "DESC", "<") if order.startswith("-") else (column, "ASC", ">")


def place_of(row: Any, order: Order) -> Place:
    """The place after which the next page begins, when `row` is the last one of this page."""
    instant = row[_INSTANTS[order.removeprefix("-")]]
    return Place(order, None if instant is None else in_us(instant), row["number"])


async def find(pool: Pool, criteria: Criteria, order: Order, after: Place | None, limit: int) -> list[Any]:
    """At most `limit` rows with the columns `COLUMNS`, in order, after the place. Raises what asyncpg raises."""
    rows: list[Any] = []
    if after is None or after.instant_us is not None:
        query = with_instant(criteria, order, after, limit)
        rows = list(await pool.fetch(query.text, *query.values))
    if len(rows) < limit and not order.endswith("last_event"):  # every application has a last event
        query = without_instant(criteria, order, after, limit - len(rows))
        rows += await pool.fetch(query.text, *query.values)
    return rows
