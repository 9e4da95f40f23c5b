"""Search for staff: applications by where they stand, whom they wait for, when, and what surprised; page by page.

What is asked for becomes conditions on the columns of the view `application`; a page goes on after the place where the
one before ended (keyset), so that what is written meanwhile shifts nothing: an application whose place in the order
stays is shown exactly once. Where the order's instant is missing (no deadline runs, not submitted yet), the application
comes after all that have one, by number. In the order of numbers every place stays.

What a figure of statistics counts (`Criteria.counted`) is no column: conditions leave those that can be behind it, and
each of them is asked.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

from msgspec import Struct

from runtime.database import Pool
from services.status.answering.views import at
from services.status.folding.reading import in_us
from services.status.folding.situation import Party
from services.status.statistics.cases import Figure

Order = Literal["due", "-due", "submitted", "-submitted", "last_event", "-last_event", "number"]
"""What a page is sorted by; `-`: latest first."""
State = Literal["open", "closed"]
ANY_DEVIATION: Final = "any"

COLUMNS: Final = (
    "number, partition, n, service, office, stage, situation, waits_for, since, due, coalesce(deviations, '{}') AS deviations, desk,"
    " submitted_at, last_at, coalesce(effective, state) AS state"
)
_INSTANTS: Final = {"due": "due", "submitted": "submitted_at", "last_event": "last_at"}
_OPEN: Final = "waits_for <> 'nobody'"
_BY_NUMBER: Final = "number"
_ASKED_AT_ONCE: Final = 100
"""Rows that are asked whether a figure counts them, before others get their turn."""
SCAN_MOST_S: Final = 1.5
"""A page that is not full by then is answered as it is, and the next one goes on from there."""


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
    waiting_from: datetime | None = None
    """Of those that are open: since when whoever is waited on has been."""
    waiting_to: datetime | None = None
    ended_from: datetime | None = None
    """Of those that are closed: when they ended."""
    ended_to: datetime | None = None
    counted: Figure | None = None
    """Only what is behind a figure of statistics."""


Keeps = Callable[[Any], bool]
"""Whether the application of a row is behind the figure that is asked for."""


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
    for name, standing in (("waiting", _OPEN), ("ended", "waits_for = 'nobody'")):
        begin, end = getattr(criteria, f"{name}_from"), getattr(criteria, f"{name}_to")
        where(f"since >= {{}} AND {standing}", begin)
        where(f"since < {{}} AND {standing}", end)
    if criteria.counted is not None:  # whatever was counted, it happened by the last event, or it is open
        where("submitted_at < {}", at(criteria.counted.end))
        where(f"({_OPEN} OR last_at >= {{}})", at(criteria.counted.begin))
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


def by_number(criteria: Criteria, after: Place | None, limit: int) -> Query:
    """The statement for at most `limit` applications in the order of their numbers, after the place."""
    text, values = conditions(criteria)
    if after is not None:
        text += f" AND number > ${len(values) + 1}"
        values.append(after.number)
    return Query(
        f"SELECT {COLUMNS} FROM application WHERE {text} ORDER BY number LIMIT ${len(values) + 1}",  # noqa: S608
        [*values, limit],
    )


def place_of(row: Any, order: Order) -> Place:
    """The place after which the next page begins, when `row` is the last one of this page."""
    if order == _BY_NUMBER:
        return Place(order, None, row["number"])
    instant = row[_INSTANTS[order.removeprefix("-")]]
    return Place(order, None if instant is None else in_us(instant), row["number"])


async def find(pool: Pool, criteria: Criteria, order: Order, after: Place | None, limit: int) -> list[Any]:
    """At most `limit` rows with the columns `COLUMNS`, in order, after the place. Raises what asyncpg raises.

    Of `criteria.counted` only the conditions on columns are looked at: `search` looks at the rest.
    """
    if order == _BY_NUMBER:
        query = by_number(criteria, after, limit)
        return list(await pool.fetch(query.text, *query.values))
    rows: list[Any] = []
    if after is None or after.instant_us is not None:
        query = with_instant(criteria, order, after, limit)
        rows = list(await pool.fetch(query.text, *query.values))
    if len(rows) < limit and not order.endswith("last_event"):  # every application has a last event
        query = without_instant(criteria, order, after, limit - len(rows))
        rows += await pool.fetch(query.text, *query.values)
    return rows


async def search(
    pool: Pool, criteria: Criteria, order: Order, after: Place | None, limit: int, *, keeps: Keeps | None = None
) -> tuple[list[Any], Place | None]:
    """At most `limit` rows after the place, and the place where the next page begins; `None` after the last page.

    With `keeps` only the rows that it keeps. It is asked of the rows in order until the page is full, or for
    `SCAN_MOST_S`: then the page has fewer rows, perhaps none, and others may follow. Raises what asyncpg raises.
    """
    if keeps is None:
        rows = await find(pool, criteria, order, after, limit + 1)
        return rows[:limit], place_of(rows[limit - 1], order) if len(rows) > limit else None
    kept: list[Any] = []
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        rows = await find(pool, criteria, order, after, _ASKED_AT_ONCE)
        for row in rows:
            if keeps(row):
                if len(kept) == limit:
                    return kept, after
                kept.append(row)
            after = place_of(row, order)
        if len(rows) < _ASKED_AT_ONCE:
            return kept, None
        if loop.time() - began > SCAN_MOST_S:
            return kept, after
