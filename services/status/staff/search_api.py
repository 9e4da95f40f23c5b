"""HTTP: search for officers, supervisors and auditors, and counts. Nothing here is about a person: contracts keep that out."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from runtime.auth import requires
from runtime.database import Pool
from runtime.pagination import LIMIT_DEFAULT, LIMIT_MAX, decode_cursor, next_link
from services.status.answering import words
from services.status.answering.views import Deviation, Named, Presenter, Waiting
from services.status.answering.words import Text, templates
from services.status.folding.fold import decode_progress
from services.status.folding.procedure import Procedure
from services.status.folding.reading import in_us
from services.status.staff.asking import asking, check_names, keeping, refusal
from services.status.staff.counting import By, Group, count, count_by, spans
from services.status.staff.search import Criteria, Order, Place, search
from services.status.statistics.statistics import Settle


class Found(Struct, frozen=True):
    """One application."""

    number: str
    service: Named
    office: Named
    stage: Named | None
    """The furthest stage that was reached."""
    situation: str
    headline: Text
    """What the situation means, in the words that the applicant reads."""
    waiting: Waiting
    due: datetime | None
    """The deadline of the first legal clock that runs or was missed; none while it rests or when it was met."""
    overdue: bool
    """Open, and the deadline has passed."""
    deviations: list[Deviation]
    desk: str
    """Where the office last acted; empty where no desk was named."""
    submitted_at: datetime | None
    last_event_at: datetime


class FoundPage(Struct, frozen=True):
    """A page of what was found; the `Link` header leads to the next one."""

    applications: list[Found]


class Counted(Struct, frozen=True):
    """A part of what is counted."""

    code: str
    """Empty of those that have none."""
    labels: Text | None
    """What it is called, where that does not depend on the service."""
    applications: int
    overdue: int
    """Open, and the deadline has passed."""
    submitted_from: datetime | None = None
    """Of an age: which instants of submission it means."""
    submitted_to: datetime | None = None


class Counts(Struct, frozen=True):
    """How many applications a search finds."""

    as_of: datetime
    """What is late, and how old something is, is told for this instant."""
    applications: int
    overdue: int
    by: str | None
    counts: list[Counted]
    """By code. Of deviations an application may have several."""


def search_routes(
    pool: Pool,
    presenter: Presenter,
    procedures: Mapping[str, Procedure],
    settle: Settle,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Router:
    """`/search`: roles officer, supervisor and auditor; `/search/counts`: supervisor and auditor."""

    @get("/", summary="Applications by where they stand", guards=[requires("officer", "supervisor", "auditor")])
    async def found(
        request: Request[Any, Any, Any],
        *,
        criteria: NamedDependency[Criteria],
        sort: FromQuery[Order] = "-last_event",
        cursor: FromQuery[str | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    ) -> Response[FoundPage]:
        """Every condition that is given must hold. Of two instants the first is included, the second is not.

        `deviation`: its code, or `any`. `sort`: `due`, `submitted`, `last_event`, with `-` before it latest first; what has no such instant comes last.
        An application whose place in the order stays the same is shown exactly once, whatever is written meanwhile; by `number` every place stays.
        With `counted` a page may have fewer than `limit` applications although the `Link` header leads on.
        """
        check_names(request, "sort", "cursor", "limit")
        keeps = keeping(criteria, procedures, settle, now)
        rows, following = await search(pool, criteria, sort, _place(cursor, sort), limit, keeps=keeps)
        page = FoundPage([found_of(row, presenter, now()) for row in rows])
        return Response(page, headers={"Cache-Control": "no-store", **next_link(request, following)})

    @get("/counts", summary="How many applications there are", guards=[requires("supervisor", "auditor")])
    async def counts(
        request: Request[Any, Any, Any], *, criteria: NamedDependency[Criteria], by: FromQuery[By | None] = None
    ) -> Response[Counts]:
        """How many a search with the same parameters finds now, and how many of them are late; with `by` also of each part.

        `desk` is where the office last acted, `age` the days since submission. Not for `counted`: its figure is in `/statistics`.
        """
        check_names(request, "by")
        if criteria.counted is not None:
            raise refusal("counted", "Its figure is in /statistics; its cases are in /search.")
        moment = now()
        whole = await count(pool, criteria, moment)
        parts = await count_by(pool, criteria, by, moment) if by else []
        told = _ages(parts, moment) if by == "age" else [_counted(part, by, criteria, presenter) for part in parts]
        view = Counts(moment, whole.applications, whole.overdue, by, told)
        return Response(view, headers={"Cache-Control": "no-store"})

    return Router("/search", route_handlers=[found, counts], tags=["search"], dependencies={"criteria": asking(now)})


def _ages(parts: list[Group], moment: datetime) -> list[Counted]:
    """Every age, also those that nothing is of."""
    known = {part.code: part for part in parts}
    return [
        Counted(span.code, None, *known.get(span.code, Group("", 0, 0))[1:], span.submitted_from, span.submitted_to)
        for span in spans(moment)
    ]


def _counted(part: Group, by: By | None, criteria: Criteria, presenter: Presenter) -> Counted:
    return Counted(part.code, _labels(part.code, by, criteria, presenter), part.applications, part.overdue)


def _labels(code: str, by: By | None, criteria: Criteria, presenter: Presenter) -> Text | None:
    stages = presenter.stage_labels(criteria.service or "")
    match by:
        case "service":
            found = presenter.catalogue.services.get(code)
            return words.text_of(found.labels if found else None, "service")
        case "office":
            return presenter.office(code)
        case "waits_for":
            return templates().parties.get(code)
        case "stage" if code in stages:
            return Text(stages[code].id, stages[code].en)
        case "deviation" if code:
            return words.deviation(code, stages)
    return None


def _place(cursor: str | None, order: Order) -> Place | None:
    place = decode_cursor(cursor, Place)
    if place is not None and place.order != order:
        raise refusal("cursor", "This cursor belongs to a search with another order.")
    return place


def found_of(row: Any, presenter: Presenter, moment: datetime) -> Found:
    """A row of `services.status.staff.search` as it is shown."""
    shown = presenter.status_view(row["number"], decode_progress(row["state"]), in_us(moment))
    due = row["due"]
    stages = presenter.stage_labels(row["service"])
    return Found(
        number=row["number"],
        service=shown.service,
        office=shown.office,
        stage=shown.stage,
        situation=row["situation"],
        headline=shown.headline,
        waiting=shown.waiting,
        due=due,
        overdue=due is not None and due <= moment and row["waits_for"] != "nobody",
        deviations=[Deviation(code, words.deviation(code, stages)) for code in row["deviations"]],
        desk=row["desk"],
        submitted_at=row["submitted_at"],
        last_event_at=row["last_at"],
    )
