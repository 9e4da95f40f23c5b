"""At the office's desk: an officer fills in an application with a person who came, and hands it in."""

from typing import Final, Literal

import msgspec
from litestar import Response, Router, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from contracts.facts import Actor, Code
from runtime.auth import Principal, requires
from services.intake.applicant import Applicant
from services.intake.application import Applications
from services.intake.desk import Asked, Desk
from services.intake.refusals import Refused
from services.intake.staff_api import canonical
from services.intake.views import OpenedDraft, ReceiptView

NO_STORE: Final = {"Cache-Control": "no-store"}


class NotOpenedAtDesk(Refused):
    """The officer's office did not open this draft: only its applicant can hand it in."""

    slug = "not-opened-at-desk"


class DeskDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person at the desk, or their letter, says. Without `office`: the officer's own."""

    service: Code
    applicant: Applicant
    office: Code | None = None
    channel: Literal["desk", "post", "email"] = "desk"


@post("/desk/drafts", guards=[requires("officer", "supervisor")])
async def open_draft_at_desk(
    request: Asked, data: JSONBody[DeskDraft], applications: Applications, desk: Desk
) -> Response[OpenedDraft]:
    """Begin an application for a person at the desk: 201 with its number and access code, which are theirs.

    It is gone on with as any draft, by number and access code; it can be handed in by the person or by an officer.
    """
    by = actor_of(request.user, desk.office)

    async def execute() -> Response[OpenedDraft]:
        opened = await applications.open(
            data.service, data.office or by.office or desk.office, data.channel, data.applicant, by
        )
        return Response(OpenedDraft(**opened._asdict()), status_code=201, headers=NO_STORE)

    fingerprint = msgspec.json.encode(data)
    return await desk.once(request, execute, caller=request.user.subject, fingerprint=fingerprint)


@post("/desk/drafts/{number:str}/submit", guards=[requires("officer", "supervisor")])
async def submit_draft_at_desk(
    request: Asked, number: FromPath[str], applications: Applications, desk: Desk
) -> Response[ReceiptView]:
    """Hand in a draft that this office's desk opened: 201 with the receipt, to be printed for the person."""
    by, number = actor_of(request.user, desk.office), canonical(number)

    async def execute() -> Response[ReceiptView]:
        draft = await applications.load(number)
        if draft.opened_by is None or draft.opened_by.office != by.office:
            raise NotOpenedAtDesk()
        application = await applications.submit(number, by)
        entry = await applications.entry(number)
        return Response(desk.receipt(entry, application), status_code=201, headers=NO_STORE)

    return await desk.once(request, execute, caller=f"{request.user.subject}/{number}")


def actor_of(principal: Principal, office: str) -> Actor:
    """As events name an officer: role, office and desk, never the person."""
    supervises = principal.has("supervisor") and not principal.has("officer")
    return Actor(role="supervisor" if supervises else "officer", office=principal.office or office, desk=principal.desk)


DESK_ROUTES: Final = Router("/", route_handlers=[open_draft_at_desk, submit_draft_at_desk], tags=["staff"])
