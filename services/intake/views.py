"""What comes in and goes out over HTTP, as the applicants' API shows it."""

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from contracts.facts import Channel, Code
from services.intake.applicant import Applicant, Remark
from services.intake.application import View
from services.intake.domain import StoredDocument

OwnChannel = Literal["internet", "mobile"]
"""How applicants come in by themselves; that somebody came to the desk, wrote or mailed, only officers say."""


class NewDraft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an application begins with."""

    service: Code
    applicant: Applicant
    office: Code | None = None
    channel: OwnChannel = "internet"
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
    """An application as its applicant sees it here. `requested`: what the office asks for at present.

    `kept_until`: when a draft is destroyed unless its applicant goes on with it. `document_limit_bytes`: the largest
    document that is taken.
    """

    number: str
    state: Literal["draft", "submitted", "ended"]
    service: str
    office: str
    channel: Channel
    opened_at: datetime
    kept_until: datetime | None
    submitted_at: datetime | None
    documents: list[DocumentView]
    missing: list[str]
    requested: list[str]
    document_limit_bytes: int


class ReceiptView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The receipt of a submitted application. Without the access code for who came by a link that was sent by e-mail."""

    number: str
    submitted_at: datetime
    service: str
    office: str
    access_code: str = ""
    track_url: str | None = None


class Withdrawal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why, as a reason code of the catalogue; no words of one's own, since the log keeps it for ever."""

    reason: Code | None = None


class WithdrawnView(Struct, frozen=True, kw_only=True):
    """The application has been withdrawn."""

    number: str
    withdrawn_at: datetime


def document_view(document: StoredDocument) -> DocumentView:
    """What is shown of a document."""
    return DocumentView(
        document=document.document,
        requirement=document.requirement,
        commitment=document.commitment,
        media_type=document.media_type,
        size_bytes=document.size_bytes,
    )


def state_of(view: View) -> Literal["draft", "submitted", "ended"]:
    """Where an application stands, as intake knows it."""
    if view.ended_by is not None or view.application.withdrawn_at is not None:
        return "ended"
    return "submitted" if view.application.submitted_at else "draft"


def draft_view(view: View, draft_kept: timedelta, document_limit_bytes: int) -> DraftView:
    """What is shown of an application. `draft_kept`: how long a draft is kept since it was last changed."""
    application = view.application
    return DraftView(
        number=application.number,
        state=state_of(view),
        service=application.service,
        office=application.office,
        channel=application.channel,
        opened_at=application.opened_at,
        kept_until=None if application.submitted_at else application.last_changed_at + draft_kept,
        submitted_at=application.submitted_at,
        documents=[document_view(document) for document in application.documents.values()],
        missing=[] if application.submitted_at else view.missing,
        requested=view.requested,
        document_limit_bytes=document_limit_bytes,
    )
