"""HTTP: search for officers, supervisors and auditors. Nothing here is about a person: contracts keep that out."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, cast, get_args

from litestar import Request, Response, Router, get
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from runtime import problems
from runtime.auth import requires
from runtime.database import Pool
from runtime.pagination import LIMIT_DEFAULT, LIMIT_MAX, decode_cursor, next_link
from runtime.problems import Problem
from services.status.answering import words
from services.status.answering.views import Deviation, Named, Presenter, Waiting
from services.status.answering.words import Text
from services.status.folding.fold import decode_progress
from services.status.folding.reading import in_us
from services.status.folding.situation import Party
from services.status.staff.search import Criteria, Order, Place, State, find, place_of

Code = Annotated[str | None, QueryParameter(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Instant = Annotated[datetime | None, QueryParameter(description="RFC 3339, with a zone")]


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


_PERIODS: Final = (("submitted_from", "submitted_to"), ("last_event_from", "last_event_to"), ("due_from", "due_to"))
_STATES: Final = get_args(State)
_NAMES: Final = frozenset(
    {
        "service", "office", "stage", "situation", "desk", "waits_for", "state", "overdue", "deviation", "sort",
        "cursor", "limit", *(name for period in _PERIODS for name in period),
    }
)  # fmt: skip


def search_routes(pool: Pool, presenter: Presenter, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Router:
    """`/search`: roles officer, supervisor and auditor."""

    @get("/", summary="Applications by where they stand", guards=[requires("officer", "supervisor", "auditor")])
    async def search(
        request: Request[Any, Any, Any],
        *,
        service: Code = None,
        office: Code = None,
        stage: Code = None,
        situation: Code = None,
        desk: Code = None,
        waits_for: FromQuery[Party | None] = None,
        standing: Annotated[str | None, QueryParameter(name="state", description="`open` or `closed`.")] = None,
        overdue: FromQuery[bool] = False,
        deviation: Code = None,
        submitted_from: Instant = None,
        submitted_to: Instant = None,
        last_event_from: Instant = None,
        last_event_to: Instant = None,
        due_from: Instant = None,
        due_to: Instant = None,
        sort: FromQuery[Order] = "-last_event",
        cursor: FromQuery[str | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    ) -> Response[FoundPage]:
        """Every condition that is given must hold. Of two instants the first is included, the second is not.

        `deviation`: its code, or `any`. `sort`: `due`, `submitted`, `last_event`, with `-` before it latest first; what has no such instant comes last.
        An application whose place in the order stays the same is shown exactly once, whatever is written meanwhile.
        """
        moment = now()
        criteria = Criteria(
            service=service,
            office=office,
            stage=stage,
            situation=situation,
            desk=desk,
            waits_for=waits_for,
            state=_state(standing),
            submitted_from=submitted_from,
            submitted_to=submitted_to,
            last_event_from=last_event_from,
            last_event_to=last_event_to,
            due_from=due_from,
            due_to=due_to,
            overdue_at=moment if overdue else None,
            deviation=deviation,
        )
        _check(request, criteria)
        rows = await find(pool, criteria, sort, _place(cursor, sort), limit + 1)
        page = rows[:limit]
        last = place_of(page[-1], sort) if len(rows) > limit else None
        found = [_found(row, presenter, moment) for row in page]
        return Response(FoundPage(found), headers={"Cache-Control": "no-store", **next_link(request, last)})

    return Router("/search", route_handlers=[search], tags=["search"])


def _check(request: Request[Any, Any, Any], criteria: Criteria) -> None:
    """Raises a 400 that names the parameter which makes no sense."""
    for name in request.query_params:
        if name not in _NAMES:
            raise _refusal(name, "There is no such parameter.")
    for begin, end in _PERIODS:
        for name in (begin, end):
            instant = getattr(criteria, name)
            if instant is not None and instant.tzinfo is None:
                raise _refusal(name, "An instant needs its zone: end it with Z or, for instance, +07:00.")
        if None not in (first := getattr(criteria, begin), second := getattr(criteria, end)) and first >= second:
            raise _refusal(end, f"It must be later than {begin}.")
    if criteria.overdue_at is not None and criteria.state == "closed":
        raise _refusal("overdue", "A closed application is not overdue: leave out state, or overdue.")


def _state(text: str | None) -> State | None:
    # by hand: the framework's word `state` is taken, and of a parameter by another name it would name the wrong one
    if text is None or text in _STATES:
        return cast(State | None, text)
    raise _refusal("state", "It is open or closed.")


def _refusal(parameter: str, detail: str) -> Problem:
    errors = [{"parameter": parameter, "in": "query", "detail": detail}]
    return problems.bad_request("See `errors`.", slug="validation", title="The request is not valid", errors=errors)


def _place(cursor: str | None, order: Order) -> Place | None:
    place = decode_cursor(cursor, Place)
    if place is not None and place.order != order:
        raise _refusal("cursor", "This cursor belongs to a search with another order.")
    return place


def _found(row: Any, presenter: Presenter, moment: datetime) -> Found:
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
