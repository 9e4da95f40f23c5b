"""What all routes of processing share: who acts, how a number is read, how a refusal is answered."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from litestar import Request, Response

from contracts.facts import Actor, Role
from contracts.number import InvalidNumber, parse_number
from runtime import problems
from runtime.auth import Principal
from runtime.conditional import etag
from runtime.database import Pool
from runtime.problems import Problem
from services.processing.application import Cases, Dossier, NoSuchCase, StaleVersion
from services.processing.queries import BadPlace, Worklist
from services.processing.refusals import Refusal
from services.processing.shapes import CaseView
from services.processing.views import Views, steps


class Desk:
    """What the routes work with. `office` is whom an officer without an office in his token acts for."""

    def __init__(
        self, *, cases: Cases, worklist: Worklist, views: Views, pool: Pool, office: str, clock: Callable[[], datetime]
    ) -> None:
        self.cases = cases
        self.worklist = worklist
        self.views = views
        self.pool = pool
        self.clock = clock
        self._office = office

    def actor(self, principal: Principal) -> Actor:
        """The role, office and desk that the event will name; never the person."""
        role: Role = "supervisor" if principal.has("supervisor") and not principal.has("officer") else "officer"
        return Actor(role=role, office=principal.office or self._office, desk=principal.desk)

    def view(self, dossier: Dossier, principal: Principal) -> CaseView:
        """The case as this officer sees it."""
        now = self.cases.circumstances(dossier.case, self.actor(principal))
        return self.views.case(dossier, now.service, now)


def canonical(number: str) -> str:
    """A number as it is stored. Raises `NoSuchCase` for what can be none."""
    try:
        return parse_number(number)
    except InvalidNumber:
        raise NoSuchCase(number) from None


def _no_such_case(error: NoSuchCase) -> Problem:
    return problems.not_found("This office has no case of that number.", slug="no-such-case")


def _stale(error: StaleVersion) -> Problem:
    version = error.dossier.case.version
    return problems.precondition_failed(
        "The case changed after you read it: see `changed`, read it again and decide again.",
        headers={"ETag": etag(version)},
        version=version,
        changed=steps(error.since, error.expected + 1),
    )


def _refused(error: Refusal) -> Problem:
    details: dict[str, Any] = error.details
    return Problem(error.slug, error.status, error.words.en, words=error.words, **details)


def _bad_place(error: BadPlace) -> Problem:
    return problems.bad_request("Take the cursor as it stands in the Link header, or leave it out.", slug="cursor")


_PROBLEMS: Final[dict[type[Exception], Callable[[Any], Problem]]] = {
    NoSuchCase: _no_such_case,
    StaleVersion: _stale,
    Refusal: _refused,
    BadPlace: _bad_place,
}


def answered() -> dict[int | type[Exception], Any]:
    """For a router: how each refusal is answered."""
    return dict.fromkeys(_PROBLEMS, _answer)


def _answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    make = next(make for kind, make in _PROBLEMS.items() if isinstance(error, kind))
    return problems.render(request, make(error))
