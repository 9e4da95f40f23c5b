"""HTTP: statistics for everyone; those of desks, which may tell about who works there, for supervisors and auditors."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Final

from litestar import Request, Response, Router, get
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from contracts.catalogue import Catalogue
from runtime import problems
from runtime.auth import requires
from runtime.conditional import etag, is_unchanged, not_modified
from runtime.problems import Problem
from services.status.answering.words import Text
from services.status.statistics.disclosure import Unit
from services.status.statistics.figures import DeskRow, Position, Row
from services.status.statistics.published import Published, Publisher

_MAX_AGE_S: Final = 60
_RETRY_S: Final = 20
_YEARS_SHOWN: Final = 2

Code = Annotated[str | None, QueryParameter(min_length=1, max_length=200)]
From = Annotated[
    str | None,
    QueryParameter(name="from", description="Periods that begin on this day or later. Default: last year's."),
]
To = Annotated[str | None, QueryParameter(name="to", description="Periods that begin before this day.")]


class Basis(Struct, frozen=True):
    """What statistics were made from: enough to compute them again (`jejak statistics --from archive --as-published`)."""

    computed_at: datetime
    until: datetime
    """The instant that they are told for."""
    log: str
    positions: list[Position]
    """How far each partition of the log was read."""
    version: str
    digest: str
    """SHA-256 of the whole document, of which this answer is a part."""
    least: int
    """Rows of fewer applications are not shown by themselves."""


class StatisticsView(Struct, frozen=True):
    """Rows by office, service and period; lengths of time in seconds."""

    basis: Basis
    names: dict[str, dict[str, Text]]
    """What the codes of the rows are called: `offices` and `services`."""
    rows: list[Row]


class DeskStatisticsView(Struct, frozen=True):
    """Rows by office, service, desk and period."""

    basis: Basis
    names: dict[str, dict[str, Text]]
    rows: list[DeskRow]


def statistics_routes(publisher: Publisher, catalogue: Catalogue) -> Router:
    """`/statistics` and `/statistics/desks`."""

    @get("/", summary="Statistics of the offices")
    async def statistics(
        request: Request[Any, Any, Any],
        *,
        service: Code = None,
        office: Code = None,
        period: FromQuery[Unit] = "month",
        begin: From = None,
        end: To = None,
    ) -> Response[StatisticsView]:
        """Volumes, durations, legal deadlines, waiting by party and backlog, by service, stage and period.

        Computed in the background every few minutes. Rows of fewer than five applications are put together as `others`.
        """
        published, headers = _newest(publisher)
        if is_unchanged(request, headers["ETag"]):
            return not_modified(headers["ETag"], **{"Cache-Control": headers["Cache-Control"]})
        rows = _chosen(published.document.rows, published, (office, service, period), (begin, end))
        return Response(StatisticsView(_basis(published), _names(catalogue), rows), headers=headers)

    @get("/desks", summary="Statistics of the desks", guards=[requires("supervisor", "auditor")])
    async def desks(
        request: Request[Any, Any, Any],
        *,
        service: Code = None,
        office: Code = None,
        period: FromQuery[Unit] = "month",
        begin: From = None,
        end: To = None,
    ) -> Response[DeskStatisticsView]:
        """How long each desk was waited on, and how often it ended the wait."""
        published, headers = _newest(publisher)
        headers["Cache-Control"] = "private, no-cache"
        if is_unchanged(request, headers["ETag"]):
            return not_modified(headers["ETag"], **{"Cache-Control": headers["Cache-Control"]})
        rows = _chosen(published.document.desks, published, (office, service, period), (begin, end))
        return Response(DeskStatisticsView(_basis(published), _names(catalogue), rows), headers=headers)

    return Router("/statistics", route_handlers=[statistics, desks], tags=["statistics"])


def _newest(publisher: Publisher) -> tuple[Published, dict[str, str]]:
    """What is answered from, and the headers of an answer. 503 before anything was computed."""
    if publisher.newest is None:
        raise problems.unavailable("The statistics are being computed for the first time.", retry_after_s=_RETRY_S)
    tag = etag(publisher.newest.digest)
    return publisher.newest, {
        "ETag": tag,
        "Cache-Control": f"public, max-age={min(_MAX_AGE_S, int(publisher.every_s))}",
    }


def _chosen(
    rows: list[Any],
    published: Published,
    what: tuple[str | None, str | None, Unit],
    when: tuple[str | None, str | None],
) -> list[Any]:
    office, service, unit = what
    begin, end = _day("from", when[0]), _day("to", when[1])
    if begin is not None and end is not None and begin >= end:
        raise _refusal("to", "It must be later than from.")
    since = begin or date(int(published.document.until[:4]) - _YEARS_SHOWN + 1, 1, 1)
    return [
        row
        for row in rows
        if row.unit == unit
        and office in (None, row.office)
        and service in (None, row.service)
        and since <= first_day(row.period) < (end or date.max)
    ]


def _day(parameter: str, text: str | None) -> date | None:
    # by hand: of a parameter by another name than the function's the framework would name the wrong one
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError:
        raise _refusal(parameter, "It is a day, written as 2026-03-01.") from None


def _refusal(parameter: str, detail: str) -> Problem:
    errors = [{"parameter": parameter, "in": "query", "detail": detail}]
    return problems.bad_request("See `errors`.", slug="validation", title="The request is not valid", errors=errors)


def first_day(period: str) -> date:
    """The first day of a month (`2026-03`), quarter (`2026-Q1`) or year (`2026`)."""
    year, _, part = period.partition("-")
    month = int(part[1:]) * 3 - 2 if part.startswith("Q") else int(part or 1)
    return date(int(year), month, 1)


def _basis(published: Published) -> Basis:
    document = published.document
    return Basis(
        computed_at=published.computed_at,
        until=datetime.fromisoformat(document.until),
        log=document.log,
        positions=document.positions,
        version=document.version,
        digest=published.digest,
        least=document.least,
    )


def _names(catalogue: Catalogue) -> dict[str, dict[str, Text]]:
    entries: Mapping[str, Mapping[str, Any]] = {"offices": catalogue.offices, "services": catalogue.services}
    return {
        kind: {code: Text(entry.labels.id, entry.labels.en) for code, entry in of_kind.items()}
        for kind, of_kind in entries.items()
    }
