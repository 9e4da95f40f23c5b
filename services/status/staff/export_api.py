"""HTTP: everything that a search finds, as one file, streamed page by page with a memory that does not grow with it.

It goes in the order of the numbers, the one order in which nothing that is written meanwhile moves: every application that
fits all the time is in it exactly once, as it stood when its page was read. `X-Total` says beforehand how many
applications there are. A file that could not be finished ends without the end of the response, so that whoever
receives it sees that.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from litestar import Request, Router, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Stream

from runtime.auth import requires
from runtime.database import Pool
from services.status.answering.views import Presenter
from services.status.folding.procedure import Procedure
from services.status.staff import exporting
from services.status.staff.asking import asking, check_names, keeping
from services.status.staff.counting import count
from services.status.staff.exporting import ApplicationLine, Format, Line, Lines
from services.status.staff.search import Criteria, Keeps, Place, search
from services.status.staff.search_api import found_of
from services.status.statistics.statistics import Settle

_PAGE: Final = 100
_AT_ONCE: Final = 20
"""Lines that are made before others get their turn."""
SELECT_EVENTS: Final = """
SELECT number, n, fact, occurred, recorded, source, event_id, data, deviations FROM timeline
WHERE number = $1 AND partition = $2 AND n > $3 ORDER BY n LIMIT $4
"""


@dataclass(frozen=True)
class Selection:
    """What is exported, and how its lines are read."""

    pool: Pool
    presenter: Presenter
    criteria: Criteria
    keeps: Keeps | None
    moment: datetime

    async def total(self) -> int:
        """How many applications there are. What is behind a figure is known only when each was asked."""
        if self.keeps is None:
            return (await count(self.pool, self.criteria, self.moment)).applications
        return sum([len(page) async for page in self.pages()])

    async def pages(self) -> AsyncIterator[Sequence[Any]]:
        """The rows, in the order of the numbers."""
        place: Place | None = None
        while True:
            rows, place = await search(self.pool, self.criteria, "number", place, _PAGE, keeps=self.keeps)
            yield rows
            if place is None:
                return

    async def lines(self, lines: Lines) -> AsyncIterator[Iterable[Line]]:
        """A few at a time."""
        async for page in self.pages():
            for begin in range(0, len(page), _AT_ONCE):
                rows = page[begin : begin + _AT_ONCE]
                if lines == "applications":
                    yield [_application(row, self.presenter, self.moment) for row in rows]
                    await asyncio.sleep(0)
                    continue
                for row in rows:
                    async for events in self._events(row):
                        yield events

    async def _events(self, row: Any) -> AsyncIterator[list[Line]]:
        """The events that the row knows of: what has come since its page was read is not of this export."""
        after, known = 0, row["n"]
        while after < known:
            limit = min(_PAGE, known - after)
            rows = await self.pool.fetch(SELECT_EVENTS, row["number"], row["partition"], after, limit)
            if not rows:
                return
            yield [exporting.event_line(event) for event in rows]
            after = rows[-1]["n"]


def export_routes(
    pool: Pool,
    presenter: Presenter,
    procedures: Mapping[str, Procedure],
    settle: Settle,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Router:
    """`/export`: roles supervisor and auditor."""

    @get(
        "/",
        summary="Everything that a search finds, as a file",
        guards=[requires("supervisor", "auditor")],
    )
    async def export(
        request: Request[Any, Any, Any],
        *,
        criteria: NamedDependency[Criteria],
        format: FromQuery[Format] = "ndjson",
        lines: FromQuery[Lines] = "applications",
    ) -> Stream:
        """The parameters of `/search`. A line is an application, or an event of their timelines.

        `X-Total`: how many applications there were at the beginning. What begins or ceases to fit while it is written may
        or may not be in it; all else is in it exactly once.
        """
        check_names(request, "format", "lines")
        moment = now()
        selection = Selection(pool, presenter, criteria, keeping(criteria, procedures, settle, now), moment)
        total = await selection.total()
        name = exporting.file_name(format, lines, moment)
        headers = {
            "X-Total": str(total),
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        return Stream(_written(selection, format, lines), media_type=exporting.MEDIA_TYPES[format], headers=headers)

    return Router("/export", route_handlers=[export], tags=["search"], dependencies={"criteria": asking(now)})


async def _written(selection: Selection, format: Format, lines: Lines) -> AsyncIterator[bytes]:
    yield exporting.head(format, lines)
    async for some in selection.lines(lines):
        yield exporting.body(format, some)


def _application(row: Any, presenter: Presenter, moment: datetime) -> ApplicationLine:
    found = found_of(row, presenter, moment)
    return ApplicationLine(
        number=found.number,
        service=found.service,
        office=found.office,
        stage=found.stage,
        situation=found.situation,
        headline=found.headline,
        waits_for=found.waiting.party,
        waiting_since=found.waiting.since,
        due=found.due,
        overdue=found.overdue,
        deviations=[deviation.code for deviation in found.deviations],
        desk=found.desk,
        submitted_at=found.submitted_at,
        last_event_at=found.last_event_at,
    )
