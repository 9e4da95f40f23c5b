"""What staff ask for in the query of a request, as `Criteria`: the parameters that search, counts and export share."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final, cast, get_args

from litestar import Request
from litestar.di import Provide
from litestar.params import FromQuery, QueryParameter

from runtime import problems
from runtime.problems import Problem
from services.status.folding.fold import decode_progress
from services.status.folding.procedure import UNDECLARED, Procedure
from services.status.folding.reading import in_us
from services.status.folding.situation import Party
from services.status.staff.search import Criteria, Keeps, State
from services.status.statistics.cases import Figure, What, is_behind
from services.status.statistics.statistics import Settle

Code = Annotated[str | None, QueryParameter(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
Part = Annotated[str | None, QueryParameter(max_length=200, pattern=r"^[^\x00]*$")]
Instant = Annotated[datetime | None, QueryParameter(description="RFC 3339, with a zone")]
_Counted = Annotated[
    What | None,
    QueryParameter(
        description="Only what is behind this figure of the statistics, from `counted_from` to before `counted_to`."
    ),
]

_PERIODS: Final = tuple(
    (f"{name}_from", f"{name}_to") for name in ("submitted", "last_event", "due", "waiting", "ended", "counted")
)
_STATES: Final = get_args(State)
_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "counted_rule": ("met", "missed"),
    "counted_stage": ("left", "waited", "open"),
    "counted_desk": ("waited",),
    "counted_party": ("waited",),
}
"""Which figures are told of which parts."""
NAMES: Final = frozenset(
    {
        "service", "office", "stage", "situation", "desk", "waits_for", "state", "overdue", "deviation", "counted",
        *_PARTS, *(name for period in _PERIODS for name in period),
    }
)  # fmt: skip
"""The parameters that `criteria` understands."""


def asking(now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Provide:
    """Gives handlers their `criteria`. A parameter that makes no sense is a 400 that names it."""

    def criteria(
        *,
        service: Code = None,
        office: Code = None,
        stage: Part = None,
        situation: Code = None,
        desk: Part = None,
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
        waiting_from: Instant = None,
        waiting_to: Instant = None,
        ended_from: Instant = None,
        ended_to: Instant = None,
        counted: _Counted = None,
        counted_from: Instant = None,
        counted_to: Instant = None,
        counted_rule: Code = None,
        counted_stage: Part = None,
        counted_desk: Part = None,
        counted_party: FromQuery[Party | None] = None,
    ) -> Criteria:
        """Every condition that is given must hold."""
        given = {name: value for name, value in locals().items() if name != "now"}
        _check_periods(given)
        _check_overdue(given)
        parts = {name: given.pop(name) for name in _PARTS}
        figure = _figure(counted, given.pop("counted_from"), given.pop("counted_to"), parts)
        late = now() if given.pop("overdue") else None
        return Criteria(**given | {"state": _state(given.pop("standing")), "counted": figure, "overdue_at": late})

    return Provide(criteria, sync_to_thread=False)


def check_names(request: Request[Any, Any, Any], *more: str) -> None:
    """Raises a 400 that names a parameter which is neither of `NAMES` nor of `more`."""
    for name in request.query_params:
        if name not in NAMES and name not in more:
            raise refusal(name, "There is no such parameter.")


def keeping(
    criteria: Criteria, procedures: Mapping[str, Procedure], settle: Settle, now: Callable[[], datetime]
) -> Keeps | None:
    """What tells whether a row is behind the figure that `criteria` ask for; `None` where they ask for none."""
    figure = criteria.counted
    if figure is None:
        return None
    until = in_us(now())

    def keeps(row: Any) -> bool:
        progress = decode_progress(row["state"])
        return is_behind(figure, progress, until, procedures.get(progress.service, UNDECLARED), settle)

    return keeps


def refusal(parameter: str, detail: str) -> Problem:
    """The 400 that names a parameter."""
    errors = [{"parameter": parameter, "in": "query", "detail": detail}]
    return problems.bad_request("See `errors`.", slug="validation", title="The request is not valid", errors=errors)


def _check_periods(given: Mapping[str, Any]) -> None:
    for begin, end in _PERIODS:
        for name in (begin, end):
            if given[name] is not None and given[name].tzinfo is None:
                raise refusal(name, "An instant needs its zone: end it with Z or, for instance, +07:00.")
        if None not in (first := given[begin], second := given[end]) and first >= second:
            raise refusal(end, f"It must be later than {begin}.")


def _check_overdue(given: Mapping[str, Any]) -> None:
    if given["overdue"] and given["standing"] == "closed":
        raise refusal("overdue", "A closed application is not overdue: leave out state, or overdue.")


def _state(text: str | None) -> State | None:
    # by hand: the framework's word `state` is taken, and of a parameter by another name it would name the wrong one
    if text is None or text in _STATES:
        return cast(State | None, text)
    raise refusal("state", "It is open or closed.")


def _figure(
    what: What | None, begin: datetime | None, end: datetime | None, parts: Mapping[str, str | None]
) -> Figure | None:
    for name, part in parts.items():
        if part is not None and what not in _PARTS[name]:
            raise refusal(name, f"It goes with counted={'|'.join(_PARTS[name])}.")
    if what is None:
        if begin is not None or end is not None:
            raise refusal("counted", "Say what is counted, or leave out counted_from and counted_to.")
        return None
    if begin is None or end is None:
        raise refusal("counted_to" if begin else "counted_from", "A figure is of a period: give both ends.")
    of = {name.removeprefix("counted_"): part for name, part in parts.items()}
    return Figure(what=what, begin=in_us(begin), end=in_us(end), **of)
