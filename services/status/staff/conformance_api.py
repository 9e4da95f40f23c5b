"""HTTP: how applications kept to the declared processes, for officers, supervisors and auditors."""

from typing import Annotated, Any, Final
from urllib.parse import urlencode

from litestar import Request, Response, Router, get
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from runtime.auth import requires
from runtime.pagination import LIMIT_DEFAULT, LIMIT_MAX, decode_cursor, next_link
from services.status.answering import words
from services.status.answering.views import Deviation, Named, Presenter
from services.status.answering.words import Text
from services.status.folding.conformance import Conformity
from services.status.folding.situation import Party
from services.status.staff.deviants import NO_MONTH, Case, Deviants

Code = Annotated[str | None, QueryParameter(max_length=200, pattern=r"^[^\x00]*$")]
Month = Annotated[
    str | None,
    QueryParameter(
        pattern=rf"^(\d{{4}}-\d\d|{NO_MONTH})$",
        description="Of submission, in the office's time: `2026-03`; `none` where the submission is not known.",
    ),
]
_STAFF: Final = ("officer", "supervisor", "auditor")


class Counted(Struct, frozen=True):
    """A deviation, and how many applications of the cohort show it."""

    code: str
    text: Text
    applications: int
    cases: str
    """Where they are listed, relative to this service."""


class CohortView(Struct, frozen=True):
    """The applications for a service that were submitted in one month."""

    service: Named
    month: str | None
    applications: int
    conforming: int
    """Without deviations."""
    fitness: float
    """`conforming` of `applications`, 0 to 1."""
    deviations: list[Counted]
    """Most frequent first. An application may deviate in several ways."""


class ConformanceView(Struct, frozen=True):
    """How applications kept to the processes that their services declare."""

    applications: int
    conforming: int
    fitness: float | None
    """None where there are no applications."""
    cohorts: list[CohortView]


class CaseView(Struct, frozen=True):
    """An application that deviates."""

    number: str
    service: Named
    month: str | None
    situation: str
    waits_for: Party
    deviations: list[Deviation]
    status: str
    timeline: str


class CasePage(Struct, frozen=True):
    """In the order of their numbers; the `Link` header leads to the next page."""

    cases: list[CaseView]


def conformance_routes(deviants: Deviants, presenter: Presenter) -> Router:
    """`/deviations`: what was flagged on the timelines, counted."""

    @get("/", summary="Deviations from the declared processes, counted", guards=[requires(*_STAFF)])
    async def counted(service: Code = None, month: Month = None) -> ConformanceView:
        """By service and month of submission: how many applications deviate and how, and the share of those that do not.

        What a late report has shown to be in order is not counted. Of an application that has ended, a mandatory stage
        that was never reached counts as `skipped:`; until then, the stage that came before it as `ahead_of:`.
        """
        cohorts = [_cohort(one, presenter) for one in await deviants.count(service, month)]
        applications = sum(one.applications for one in cohorts)
        conforming = sum(one.conforming for one in cohorts)
        return ConformanceView(applications, conforming, conforming / applications if applications else None, cohorts)

    @get("/cases", summary="The applications that deviate in one way", guards=[requires(*_STAFF)])
    async def cases(
        request: Request[Any, Any, Any],
        *,
        code: Annotated[str, QueryParameter(min_length=1, max_length=200, pattern=r"^[^\x00]*$")],
        service: Code = None,
        month: Month = None,
        cursor: FromQuery[str | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    ) -> Response[CasePage]:
        """With everything that deviates in each; `code` as in the counts."""
        after = decode_cursor(cursor, str) or ""
        found = await deviants.cases(code, service, month, after, limit + 1)
        page = CasePage([_case(case, presenter) for case in found[:limit]])
        return Response(page, headers=dict(next_link(request, found[limit - 1].number if len(found) > limit else None)))

    return Router("/deviations", route_handlers=[counted, cases], tags=["conformance"])


def _cohort(found: Conformity, presenter: Presenter) -> CohortView:
    service, month = found.cohort
    stages = presenter.stage_labels(service)

    def cases(code: str) -> str:
        return f"/deviations/cases?{urlencode({'code': code, 'service': service, 'month': month or NO_MONTH})}"

    return CohortView(
        _service(service, presenter),
        month,
        found.applications,
        found.conforming,
        found.fitness,
        [Counted(code, words.deviation(code, stages), many, cases(code)) for code, many in found.deviations],
    )


def _case(case: Case, presenter: Presenter) -> CaseView:
    stages = presenter.stage_labels(case.cohort.service)
    return CaseView(
        case.number,
        _service(case.cohort.service, presenter),
        case.cohort.month,
        case.situation,
        case.waits_for,
        [Deviation(code, words.deviation(code, stages)) for code in case.deviations],
        f"/applications/{case.number}",
        f"/applications/{case.number}/timeline",
    )


def _service(code: str, presenter: Presenter) -> Named:
    found = presenter.catalogue.services.get(code)
    return Named(code, words.text_of(found.labels if found else None, "service"))
