"""The application as intake knows it: a draft that gathers documents, then something handed in.

Pure: time, ids and everything that was read elsewhere arrive as arguments. One stream per application, its tracking
number. Of its events only those of the contracts (`submitted`, `document_supplied`, `withdrawn`) leave intake; the
three defined here are internal. None has personal data: that is in the vault.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal, NamedTuple

import msgspec
from msgspec import Struct

from contracts.catalogue import Catalogue, Office, Service
from contracts.facts import Actor, Channel, DocumentRef, DocumentSupplied, Fact, Reason, Submitted, Withdrawn
from services.intake.form import required_by
from services.intake.refusals import Refused


class UnknownService(Refused):
    """The catalogue has no service of this code. Parameters: service."""

    slug = "unknown-service"


class UnknownOffice(Refused):
    """The catalogue has no office of this code. Parameters: office."""

    slug = "unknown-office"


class ServiceNotOffered(Refused):
    """The service is not published, or this office does not offer it. Parameters: service, office."""

    slug = "service-not-offered"


class UnknownRequirement(Refused):
    """The service has no requirement of this code. Parameters: requirement, known."""

    slug = "unknown-requirement"


class RequirementsMissing(Refused):
    """Mandatory requirements have no document yet. Parameters: missing (codes, in the catalogue's order)."""

    slug = "requirements-missing"


class AlreadySubmitted(Refused):
    """Only a draft can be changed like this."""

    slug = "already-submitted"


class NotSubmitted(Refused):
    """A draft cannot be acted upon like an application."""

    slug = "not-submitted"


class NotRequested(Refused):
    """The office does not ask for this document at present. Parameters: requirement, requested."""

    slug = "document-not-requested"


class AlreadyEnded(Refused):
    """Collected or withdrawn: nothing more can come from the applicant. Parameters: by (the ending fact)."""

    slug = "already-ended"


class StoredDocument(Struct, frozen=True, kw_only=True):
    """A document that is safely stored.

    `object`: name of the ciphertext in the document storage. `fingerprint`: the content's hash under the applicant's key
    (recognises the same file, tells nobody else anything).
    """

    document: str
    requirement: str
    commitment: str
    media_type: str
    size_bytes: int
    object: str
    fingerprint: str

    def ref(self) -> DocumentRef:
        """As other services see it."""
        return DocumentRef(document=self.document, requirement=self.requirement, commitment=self.commitment)


class DraftOpened(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Someone began an application. `by`: the officer who fills it in with a person at the desk. Internal."""

    TYPE: ClassVar[str] = "id.jejak.intake.draft_opened.v1"
    service: str
    office: str
    channel: Channel
    by: Actor | None = None


class DraftChanged(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The applicant changed what is in the vault; said at most once an hour, to know how long to keep it. Internal."""

    TYPE: ClassVar[str] = "id.jejak.intake.draft_changed.v1"


class DocumentStored(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A document was stored for a requirement; `answers` are the requests that it answers. Internal."""

    TYPE: ClassVar[str] = "id.jejak.intake.document_stored.v1"
    stored: StoredDocument
    answers: tuple[str, ...] = ()


class DraftAbandoned(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Nobody went on with the draft: the applicant's data and files are destroyed. Internal."""

    TYPE: ClassVar[str] = "id.jejak.intake.draft_abandoned.v1"


STORED_FACTS: Final[dict[str, type[Fact]]] = {
    fact.TYPE: fact
    for fact in (
        DraftOpened, DraftChanged, DocumentStored, DraftAbandoned,
        Submitted, DocumentSupplied, Withdrawn,
    )
}  # fmt: skip
"""Everything that can be in an application's stream, by type."""


class DocumentRequest(NamedTuple):
    """One requirement of one `documents_requested` event on the log. `event` names that event (source and id)."""

    event: str
    requirement: str

    @property
    def key(self) -> str:
        """What tells this request from every other."""
        return f"{self.event}#{self.requirement}"


End = Literal["collected", "withdrawn", "personal_data_erased"]


@dataclass(frozen=True, slots=True)
class Application:
    """The state. `documents`: the current one by requirement; `known`: every document ever stored, by fingerprint."""

    number: str
    service: str
    office: str
    channel: Channel
    opened_at: datetime
    documents: Mapping[str, StoredDocument] = field(default_factory=dict)
    known: Mapping[str, StoredDocument] = field(default_factory=dict)
    answered: frozenset[str] = frozenset()
    submitted_at: datetime | None = None
    withdrawn_at: datetime | None = None
    abandoned_at: datetime | None = None
    changed_at: datetime | None = None
    """When a document was last stored, or something else changed."""
    opened_by: Actor | None = None
    """The officer at the desk, where one filled it in."""

    @property
    def last_changed_at(self) -> datetime:
        """From when on the time runs that a draft is kept."""
        return self.changed_at or self.opened_at

    def by_id(self, document: str) -> StoredDocument | None:
        """A document of this application by its id, whether or not it was replaced since."""
        return next((one for one in self.known.values() if one.document == document), None)


def evolve(application: Application | None, number: str, fact: Fact, at: datetime) -> Application:
    """The state after `fact`, which happened at `at`. The first fact of a stream is always `DraftOpened`."""
    if isinstance(fact, DraftOpened):
        return Application(number, fact.service, fact.office, fact.channel, at, opened_by=fact.by)
    if application is None:
        raise ValueError(f"the stream of an application begins with {DraftOpened.TYPE}, not {fact.TYPE}")
    state = application
    match fact:
        case DocumentStored(stored=stored, answers=answers):
            state = replace(
                application,
                documents={**application.documents, stored.requirement: stored},
                known={stored.fingerprint: stored, **application.known},
                answered=application.answered | set(answers),
                changed_at=at,
            )
        case DraftChanged():
            state = replace(application, changed_at=at)
        case DraftAbandoned():
            state = replace(application, abandoned_at=at)
        case Submitted():
            state = replace(application, submitted_at=at)
        case Withdrawn():
            state = replace(application, withdrawn_at=at)
    return state


def find_service(catalogue: Catalogue, code: str) -> Service:
    """Raises `UnknownService`."""
    if (service := catalogue.services.get(code)) is None:
        raise UnknownService(service=code[:64])
    return service


def find_office(catalogue: Catalogue, code: str) -> Office:
    """Raises `UnknownOffice`."""
    if (office := catalogue.offices.get(code)) is None:
        raise UnknownOffice(office=code[:64])
    return office


def is_offered(service: Service, office: Office) -> bool:
    """Whether `office` takes applications for `service`."""
    return service.published and (not office.services or service.code in office.services)


def open_draft(service: Service, office: Office, channel: Channel, by: Actor | None = None) -> list[Fact]:
    """Begin an application; `by`: the officer who does it for a person at the desk. Raises `ServiceNotOffered`."""
    if not is_offered(service, office):
        raise ServiceNotOffered(service=service.code, office=office.code)
    return [DraftOpened(service=service.code, office=office.code, channel=channel, by=by)]


def check_draft(application: Application) -> None:
    """Raises `AlreadySubmitted`."""
    if application.submitted_at is not None:
        raise AlreadySubmitted()


CHANGES_SAID_EVERY: Final = timedelta(hours=1)


def change(application: Application, at: datetime) -> list[Fact]:
    """The applicant goes on with a draft. Raises `AlreadySubmitted`. Said at most once an hour."""
    check_draft(application)
    return [DraftChanged()] if at - application.last_changed_at >= CHANGES_SAID_EVERY else []


def check_attachable(application: Application, service: Service, requirement: str) -> None:
    """Raises what `attach` would raise, before a document is uploaded: `AlreadySubmitted`, `UnknownRequirement`."""
    check_draft(application)
    known = [one.code for one in service.requirements]
    if requirement not in known:
        raise UnknownRequirement(requirement=requirement[:64], known=known)


def attach(application: Application, service: Service, document: StoredDocument) -> list[Fact]:
    """Put `document` in place for its requirement, instead of an earlier one. The same file again changes nothing."""
    check_attachable(application, service, document.requirement)
    document = same_file(application, document)
    if application.documents.get(document.requirement) == document:
        return []
    return [DocumentStored(stored=document)]


def same_file(application: Application, document: StoredDocument) -> StoredDocument:
    """`document`, or what is stored already where the application has a file of the same content."""
    known = application.known.get(document.fingerprint)
    if known is None:
        return document
    return msgspec.structs.replace(known, requirement=document.requirement)


def abandon(application: Application, limit: datetime) -> list[Fact]:
    """Give up a draft that nobody changed since `limit`; what was handed in stays, and what was given up is."""
    if application.submitted_at or application.abandoned_at:
        return []
    return [DraftAbandoned()] if application.last_changed_at <= limit else []


NO_ANSWERS: Final[Mapping[str, str]] = {}


def missing_requirements(
    application: Application, service: Service, answers: Mapping[str, str] = NO_ANSWERS
) -> list[str]:
    """Codes of the requirements without a document, in the catalogue's order: the mandatory ones, and those that the
    applicant's answers to the form's questions bring.
    """
    brought = required_by(service, answers)
    needed = [one.code for one in service.requirements if one.mandatory or one.code in brought]
    return [code for code in needed if code not in application.documents]


def submit(
    application: Application, service: Service, by: Actor, answers: Mapping[str, str] = NO_ANSWERS
) -> list[Fact]:
    """Hand the application in. Raises `RequirementsMissing`. Submitting again changes nothing."""
    if application.submitted_at is not None:
        return []
    if missing := missing_requirements(application, service, answers):
        raise RequirementsMissing(missing=missing)
    documents = [document.ref() for document in application.documents.values()]
    return [
        Submitted(
            service=application.service,
            office=application.office,
            channel=application.channel,
            by=by,
            documents=documents,
        )
    ]


def open_requests(application: Application, requests: Collection[DocumentRequest]) -> list[DocumentRequest]:
    """Those of `requests` (as the log has them) that this application has not answered yet."""
    return [request for request in requests if request.key not in application.answered]


def check_supplyable(
    application: Application, requirement: str, requests: Collection[DocumentRequest], ended_by: End | None
) -> list[DocumentRequest]:
    """The requests that a document for `requirement` would answer.

    Raises `NotSubmitted`, `AlreadyEnded`, or `NotRequested` with what is asked for at present.
    """
    _check_alive(application, ended_by)
    waiting = open_requests(application, requests)
    answers = [request for request in waiting if request.requirement == requirement]
    if not answers:
        requested = sorted({request.requirement for request in waiting})
        raise NotRequested(requirement=requirement[:64], requested=requested)
    return answers


def supply(
    application: Application,
    document: StoredDocument,
    requests: Collection[DocumentRequest],
    ended_by: End | None,
    by: Actor,
) -> list[Fact]:
    """Supply a document that the office asked for. Raises as `check_supplyable`. It answers every open request for it."""
    answers = check_supplyable(application, document.requirement, requests, ended_by)
    document = same_file(application, document)
    return [
        DocumentStored(stored=document, answers=tuple(request.key for request in answers)),
        DocumentSupplied(document=document.ref(), by=by),
    ]


def withdraw(application: Application, ended_by: End | None, by: Actor, reason: Reason | None) -> list[Fact]:
    """The applicant does not want it any more. Raises `NotSubmitted` for a draft, `AlreadyEnded` after the end."""
    _check_alive(application, ended_by)
    return [Withdrawn(by=by, reason=reason)]


def _check_alive(application: Application, ended_by: End | None) -> None:
    if application.submitted_at is None:
        raise NotSubmitted()
    if application.withdrawn_at is not None:
        raise AlreadyEnded(by="withdrawn")
    if ended_by is not None:
        raise AlreadyEnded(by=ended_by)
