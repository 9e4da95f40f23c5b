"""The applicants' HTTP API: translate, call, translate back."""

import hashlib
from typing import Final

import msgspec
from litestar import Response, Router, get, post, put
from litestar.params import FromPath, JSONBody

from contracts.facts import Reason
from runtime.conditional import etag, is_unchanged, not_modified
from runtime.openapi import APPLICANT
from runtime.problems import bad_request
from services.intake.application import Applications
from services.intake.desk import Asked, Desk
from services.intake.refusals import Refused
from services.intake.views import (
    DocumentView,
    DraftView,
    NewDraft,
    OpenedDraft,
    ReceiptView,
    Withdrawal,
    WithdrawnView,
    document_view,
    draft_view,
)

BASIC: Final = [{APPLICANT: list[str]()}]
NO_STORE: Final = {"Cache-Control": "no-store"}


class UnknownReason(Refused):
    """The catalogue has no reason of this code. Parameters: reason."""

    slug = "unknown-reason"


@post("/drafts")
async def open_draft(
    request: Asked, data: JSONBody[NewDraft], applications: Applications, desk: Desk
) -> Response[OpenedDraft]:
    """Begin an application: 201 with its tracking number and secret access code."""

    async def execute() -> Response[OpenedDraft]:
        desk.take_draft(request)
        applicant = msgspec.structs.replace(data.applicant, language=data.language or data.applicant.language)
        opened = await applications.open(data.service, data.office or desk.office, data.channel, applicant)
        view = OpenedDraft(number=opened.number, access_code=opened.access_code, remarks=opened.remarks)
        return Response(view, status_code=201, headers=NO_STORE | {"Location": f"/drafts/{opened.number}"})

    return await desk.once(request, execute)


@get("/drafts/{number:str}", security=BASIC)
async def show_draft(
    request: Asked, number: FromPath[str], applications: Applications, desk: Desk
) -> Response[DraftView]:
    """The application as it stands here: what is stored, what is missing, what the office asks for."""
    entry = await desk.enter(request, number)
    view = draft_view(await applications.view(entry.number), desk.draft_kept, desk.document_limit_bytes)
    tag = etag(hashlib.sha256(msgspec.json.encode(view)).hexdigest()[:32])
    if is_unchanged(request, tag):
        return not_modified(tag, **NO_STORE)
    return Response(view, headers=NO_STORE | {"ETag": tag})


@put("/drafts/{number:str}/documents/{requirement:str}", request_max_body_size=None, security=BASIC)
async def attach_document(
    request: Asked, number: FromPath[str], requirement: FromPath[str], applications: Applications, desk: Desk
) -> Response[DocumentView]:
    """Upload (the body is the file) or replace the document for one requirement of a draft."""
    entry = await desk.enter(request, number)
    declared = request.headers.get("content-type", "")
    document = await applications.attach(entry, requirement, declared, desk.upload(request))
    return Response(document_view(document), headers=NO_STORE)


@post("/drafts/{number:str}/submit", security=BASIC)
async def submit_draft(
    request: Asked, number: FromPath[str], applications: Applications, desk: Desk
) -> Response[ReceiptView]:
    """Hand the application in: 201 with the receipt. Again: the same receipt."""
    entry = await desk.enter(request, number)

    async def execute() -> Response[ReceiptView]:
        before = await applications.view(entry.number) if entry.by_grant else None
        application = await applications.submit(entry.number)
        just_submitted = before is not None and before.application.submitted_at is None
        receipt = desk.receipt(entry, application, just_submitted=just_submitted)
        return Response(receipt, status_code=201, headers=NO_STORE)

    return await desk.once(request, execute, caller=entry.number)


@post("/applications/{number:str}/documents/{requirement:str}", request_max_body_size=None, security=BASIC)
async def supply_document(
    request: Asked, number: FromPath[str], requirement: FromPath[str], applications: Applications, desk: Desk
) -> Response[DocumentView]:
    """Upload (the body is the file) a document that the office asked for."""
    entry = await desk.enter(request, number)

    async def execute() -> Response[DocumentView]:
        declared = request.headers.get("content-type", "")
        document = await applications.supply(entry, requirement, declared, desk.upload(request))
        return Response(document_view(document), status_code=201, headers=NO_STORE)

    # The file is not read to recognise a repeated request: its announced length and place must do.
    fingerprint = f"{entry.number}/{requirement}/{request.headers.get('content-length', '')}".encode()
    return await desk.once(request, execute, caller=entry.number, fingerprint=fingerprint)


@post("/applications/{number:str}/withdraw", status_code=200, security=BASIC)
async def withdraw_application(
    request: Asked, number: FromPath[str], applications: Applications, desk: Desk
) -> Response[WithdrawnView]:
    """The applicant does not want it any more. The body may be `{"reason": CODE}` of `GET /reasons`, or empty."""
    entry = await desk.enter(request, number)

    async def execute() -> Response[WithdrawnView]:
        code = _withdrawal(await request.body()).reason
        if code is not None and code not in desk.catalogue.reasons:
            raise UnknownReason(reason=code)
        application = await applications.withdraw(entry.number, Reason(code=code) if code else None)
        if application.withdrawn_at is None:
            raise ValueError("a withdrawn application has no time of withdrawal")
        return Response(WithdrawnView(number=entry.number, withdrawn_at=application.withdrawn_at), headers=NO_STORE)

    return await desk.once(request, execute, caller=entry.number)


def _withdrawal(body: bytes) -> Withdrawal:
    if not body.strip():
        return Withdrawal()
    try:
        return msgspec.json.decode(body, type=Withdrawal)
    except msgspec.DecodeError as error:
        raise bad_request(str(error), slug="validation", title="The request is not valid") from error


APPLICATION_ROUTES: Final = Router(
    "/",
    route_handlers=[
        open_draft, show_draft, attach_document, submit_draft,
        supply_document, withdraw_application,
    ],
    tags=["applications"],
)  # fmt: skip
