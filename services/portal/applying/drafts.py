"""A draft as the pages see it: what intake keeps of it, and the definition of its service. Read anew for every page."""

import asyncio
import datetime as dt
from typing import Any, Final, NamedTuple

from litestar import Response
from msgspec import Struct

from contracts.catalogue import Office, Service
from contracts.number import InvalidNumber, parse_number
from runtime.addresses import segment
from services.portal.portal import Asked, Portal
from services.portal.upstream import Code, Refused
from services.portal.visit import Visit

GRANT: Final = "grant."
"""How what a link by e-mail gave begins; it stands in a session where an access code would."""


class NotEntered(Exception):
    """This visitor has not shown that the application is theirs, or no longer. `number`: as it was asked for."""

    def __init__(self, number: str) -> None:
        super().__init__()
        self.number = number


class HandedIn(Exception):
    """It is no draft any more: there is a receipt."""

    def __init__(self, number: str) -> None:
        super().__init__()
        self.number = number


class Document(Struct, frozen=True):
    """A document that is stored."""

    document: str
    requirement: str
    media_type: str
    size_bytes: int


class Draft(Struct, frozen=True):
    """As intake shows it (`GET /drafts/{number}`)."""

    number: str
    state: str
    service: str
    office: str
    channel: str
    opened_at: dt.datetime
    submitted_at: dt.datetime | None
    kept_until: dt.datetime | None
    documents: list[Document]
    missing: list[str]
    requested: list[str]
    document_limit_bytes: int


class Representative(Struct, frozen=True):
    """Who files for the applicant."""

    name: str
    relation: str
    consent: bool


class Form(Struct, frozen=True):
    """What was filled in besides the applicant's data (`GET /drafts/{number}/form`)."""

    answers: dict[str, str]
    representative: Representative | None
    needs: list[str]
    fees: list[str]


class Filled(NamedTuple):
    """Everything about a draft."""

    draft: Draft
    form: Form
    applicant: dict[str, str]
    service: Service
    office: Office
    today: dt.date

    @property
    def by_requirement(self) -> dict[str, Document]:
        """What is stored."""
        return {one.requirement: one for one in self.draft.documents}


def key_to(visit: Visit, number: str) -> Code:
    """What opens an application for this visitor. Raises `NotEntered`."""
    try:
        canonical = parse_number(number)
    except InvalidNumber:
        raise NotEntered(number) from None
    code = visit.session.applications.get(canonical)
    if code is None:
        raise NotEntered(canonical)
    return Code(canonical, code)


async def read_draft(portal: Portal, visit: Visit, number: str) -> Draft:
    """The draft, or what became of it. Raises `NotEntered`, also where the code no longer fits or the draft is gone."""
    key = key_to(visit, number)
    try:
        return (await portal.intake.get(f"/drafts/{segment(key.number)}", visit, auth=key, type=Draft)).body
    except Refused as refused:
        if refused.status not in (401, 404):
            raise
        visit.session.applications = {
            known: code for known, code in visit.session.applications.items() if known != key.number
        }
        raise NotEntered(key.number) from None


async def read_filled(portal: Portal, visit: Visit, number: str) -> Filled:
    """All of it. Raises `NotEntered`, and `HandedIn` where it is a draft no more."""
    draft = await read_draft(portal, visit, number)
    if draft.state != "draft":
        raise HandedIn(draft.number)
    key, path = key_to(visit, number), f"/drafts/{segment(draft.number)}"
    form, applicant, service, office = await asyncio.gather(
        portal.intake.get(f"{path}/form", visit, auth=key, type=Form),
        portal.intake.get(f"{path}/applicant", visit, auth=key, type=dict),
        portal.catalogue.service(draft.service, visit),
        portal.catalogue.office(draft.office, visit),
    )
    if office is None:
        raise LookupError(f"the catalogue has no office {draft.office}")
    today = dt.datetime.now(visit.speech.zone).date()
    return Filled(draft, form.body, applicant.body, service, office, today)


def no_draft_here(visit: Visit, error: NotEntered | HandedIn) -> Response[Any]:
    """Where to go from there: to the receipt, or to enter number and code."""
    if isinstance(error, HandedIn):
        return visit.redirect(receipt_path(error.number))
    return visit.page("applying/enter.html", status_code=403, number=error.number, errors={}, back=visit.path)


def draft_path(number: str, page: str = "") -> str:
    """A page of a draft."""
    return f"/draf/{segment(number)}" + (f"/{page}" if page else "")


def receipt_path(number: str) -> str:
    """The receipt."""
    return f"/permohonan/{segment(number)}/tanda-terima"


def refused_page(portal: Portal) -> dict[int | type[Exception], Any]:
    """Litestar exception handlers for this room's routes."""

    def answer(request: Asked, error: Exception) -> Response[Any]:
        assert isinstance(error, NotEntered | HandedIn)  # noqa: S101 — registered for these two
        return no_draft_here(portal.visit(request), error)

    return {NotEntered: answer, HandedIn: answer}
