"""The applicants' HTTP API, and what staff and systems read of an application here."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from litestar import Request, Response, Router, get, post, put
from litestar.params import FromPath, JSONBody
from litestar.response import Stream
from msgspec import Struct

from contracts.catalogue import Catalogue
from contracts.facts import Channel, Code, Reason
from contracts.number import InvalidNumber, parse_number
from runtime.auth import basic_credentials, requires
from runtime.conditional import etag, is_unchanged, not_modified
from runtime.database import Pool
from runtime.idempotency import idempotent
from runtime.openapi import APPLICANT
from runtime.problems import bad_request
from services.intake.access import Rate, RateLimit, read_credentials
from services.intake.applicant import Applicant, Contact, Remark
from services.intake.application import Applications, Entry, UnknownNumber, View
from services.intake.documents import DocumentDamaged, DocumentTooLarge
from services.intake.domain import Application, StoredDocument
from services.intake.entrance import Entrance
from services.intake.keys import MasterKeys, SealBroken
from services.intake.refusals import Refused

Asked = Request[Any, Any, Any]
SAFE_DOWNLOAD: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""A document came from a stranger: a browser may save it, and may not make anything else of it."""
BASIC: Final = [{APPLICANT: list[str]()}]
NO_STORE: Final = {"Cache-Control": "no-store"}
_EXTENSIONS: Final = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}


class NewDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an application begins with."""

    service: Code
    applicant: Applicant
    office: Code | None = None
    channel: Channel = "internet"
    language: Literal["id", "en"] | None = None


class OpenedDraft(Struct, frozen=True, kw_only=True):
    """Keep both: with number and access code the applicant comes back."""

    number: str
    access_code: str
    remarks: list[Remark]


class DocumentView(Struct, frozen=True, kw_only=True):
    """A stored document."""

    document: str
    requirement: str
    commitment: str
    media_type: str
    size_bytes: int


class DraftView(Struct, frozen=True, kw_only=True):
    """An application as its applicant sees it here. `requested`: what the office asks for at present."""

    number: str
    state: Literal["draft", "submitted", "ended"]
    service: str
    office: str
    opened_at: datetime
    submitted_at: datetime | None
    documents: list[DocumentView]
    missing: list[str]
    requested: list[str]


class ReceiptView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The receipt of a submitted application."""

    number: str
    access_code: str
    submitted_at: datetime
    service: str
    office: str
    track_url: str | None = None


class Withdrawal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why, as a reason code of the catalogue; no words of one's own, since the log keeps it for ever."""

    reason: Code | None = None


class WithdrawnView(Struct, frozen=True, kw_only=True):
    """The application has been withdrawn."""

    number: str
    withdrawn_at: datetime


class UnknownReason(Refused):
    """The catalogue has no reason of this code. Parameters: reason."""

    slug = "unknown-reason"


class Desk:
    """What the routes need besides the use cases."""

    def __init__(
        self,
        *,
        entrance: Entrance,
        pool: Pool,
        master_keys: MasterKeys,
        catalogue: Catalogue,
        office: str,
        document_limit_bytes: int,
        status_url: str | None,
        clock: Callable[[], float],
        drafts_per_minute: int,
    ) -> None:
        self._entrance = entrance
        self._pool = pool
        self._master_keys = master_keys
        self.catalogue = catalogue
        self.office = office
        self._document_limit_bytes = document_limit_bytes
        self._status_url = status_url
        self._drafts = RateLimit(Rate(drafts_per_minute, 60), clock)

    async def enter(self, request: Asked, number: str) -> Entry:
        """The applicant who sent `request` about `number`."""
        credentials = read_credentials(*basic_credentials(request))
        return await self._entrance.enter(credentials, number, client_of(request))

    def take_draft(self, request: Asked) -> None:
        """Raises `TooManyAttempts` when this client opens drafts too fast."""
        self._drafts.take(client_of(request))

    def upload(self, request: Asked) -> AsyncIterator[bytes]:
        """The body as it streams. Raises `DocumentTooLarge` at once where its announced length is beyond the limit."""
        announced = request.headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced) > self._document_limit_bytes:
            raise DocumentTooLarge(limit_bytes=self._document_limit_bytes)
        return request.stream()

    async def once(
        self,
        request: Asked,
        execute: Callable[[], Awaitable[Response[Any]]],
        caller: str | None = None,
        fingerprint: bytes | None = None,
    ) -> Response[Any]:
        """As `idempotent`; kept answers are sealed, since they may hold an access code."""
        return await idempotent(
            request,
            self._pool,
            execute,
            required=False,
            caller=caller,
            fingerprint=fingerprint,
            seal=self._master_keys.seal_answer,
            unseal=self._master_keys.unseal_answer,
        )

    def receipt(self, entry: Entry, application: Application) -> ReceiptView:
        """The receipt, the same however often it is asked for."""
        if application.submitted_at is None:
            raise ValueError("only what was submitted has a receipt")
        track_url = f"{self._status_url}/applications/{entry.number}" if self._status_url else None
        return ReceiptView(
            number=entry.number,
            access_code=entry.key.access_code(),
            submitted_at=application.submitted_at,
            service=application.service,
            office=application.office,
            track_url=track_url,
        )


def client_of(request: Asked) -> str:
    """Whom limits count against."""
    return request.client.host if request.client else "local"


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
    view = draft_view(await applications.view(entry.number))
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
        application = await applications.submit(entry.number)
        return Response(desk.receipt(entry, application), status_code=201, headers=NO_STORE)

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


@get("/applications/{number:str}/contact", guards=[requires("system")])
async def show_contact(number: FromPath[str], applications: Applications) -> Response[Contact]:
    """How to reach the applicant, for the system that writes to them; not to be kept."""
    return Response(await applications.contact(canonical(number)), headers=NO_STORE)


@get("/applications/{number:str}/documents/{document:str}", guards=[requires("officer", "supervisor")])
async def download_document(number: FromPath[str], document: FromPath[str], applications: Applications) -> Stream:
    """A document's content, as a file to be saved."""
    stored, content = await applications.document(canonical(number), document)
    name = f"{stored.requirement}-{stored.document[:8]}.{_EXTENSIONS[stored.media_type]}"
    headers = SAFE_DOWNLOAD | {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(stored.size_bytes),
    }
    return Stream(await begun(content), media_type=stored.media_type, headers=headers)


async def begun(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """`content` from its first chunk, opened before anything is answered. Raises `DocumentDamaged`."""
    try:
        first = await anext(content)
    except SealBroken as error:
        raise DocumentDamaged() from error

    async def all_of_it() -> AsyncIterator[bytes]:
        yield first
        async for chunk in content:
            yield chunk

    return all_of_it()


def canonical(number: str) -> str:
    """A number as it is stored. Raises `UnknownNumber` for what can be none."""
    try:
        return parse_number(number)
    except InvalidNumber as error:
        raise UnknownNumber() from error


def document_view(document: StoredDocument) -> DocumentView:
    """What is shown of a document."""
    return DocumentView(
        document=document.document,
        requirement=document.requirement,
        commitment=document.commitment,
        media_type=document.media_type,
        size_bytes=document.size_bytes,
    )


def draft_view(view: View) -> DraftView:
    """What is shown of an application."""
    application = view.application
    ended = view.ended_by is not None or application.withdrawn_at is not None
    return DraftView(
        number=application.number,
        state="ended" if ended else "submitted" if application.submitted_at else "draft",
        service=application.service,
        office=application.office,
        opened_at=application.opened_at,
        submitted_at=application.submitted_at,
        documents=[document_view(document) for document in application.documents.values()],
        missing=[] if application.submitted_at else view.missing,
        requested=view.requested,
    )


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
        supply_document, withdraw_application, show_contact, download_document,
    ],
    tags=["applications"],
)  # fmt: skip
