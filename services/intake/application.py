"""The applicants' use cases: load, decide, store."""

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import NamedTuple

import structlog

from contracts.catalogue import Catalogue, Service
from contracts.facts import Actor, Channel, Fact, Reason
from contracts.number import RANDOM_BYTES, format_number
from runtime.eventstore import Append, EventStore, NewEvent, decide
from services.intake import domain, journal
from services.intake.applicant import Applicant, Contact, Remark, check_applicant, contact_of
from services.intake.documents import DocumentStorage, Upload
from services.intake.domain import Application, DocumentRequest, End, StoredDocument
from services.intake.form import Form, decode_form
from services.intake.keys import ApplicantKey
from services.intake.projections import LogView
from services.intake.refusals import Refused
from services.intake.vault import FORM_FIELD, Vault

log = structlog.get_logger()
APPLICANT = Actor(role="applicant")


class UnknownNumber(Refused):
    """There is no such application, or no such document of it, here."""

    slug = "unknown-number"


class Opened(NamedTuple):
    """A new draft: what the applicant must keep, and what looked unusual."""

    number: str
    access_code: str
    remarks: list[Remark]


class Entry(NamedTuple):
    """An applicant who has proven who they are: the application's number and the applicant's key.

    `by_grant`: by a link that came by e-mail, not by the access code, which is therefore not shown to them again.
    """

    number: str
    key: ApplicantKey
    by_grant: bool = False


class View(NamedTuple):
    """An application as its applicant may see it here."""

    application: Application
    missing: list[str]
    requested: list[str]
    ended_by: End | None


class Applications:
    """Everything that applicants do, and what staff and systems read of it."""

    def __init__(
        self,
        *,
        store: EventStore,
        vault: Vault,
        storage: DocumentStorage,
        log_view: LogView,
        catalogue: Catalogue,
        source: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._vault = vault
        self._storage = storage
        self._log_view = log_view
        self._catalogue = catalogue
        self._source = source
        self._clock = clock

    async def open(
        self, service: str, office: str, channel: Channel, applicant: Applicant, by: Actor | None = None
    ) -> Opened:
        """Begin an application; `by`: the officer who does it for a person at the desk.

        Raises `UnknownService`, `UnknownOffice`, `ServiceNotOffered`, `InvalidApplicant`.
        """
        of_office = domain.find_office(self._catalogue, office)
        facts = domain.open_draft(domain.find_service(self._catalogue, service), of_office, channel, by)
        remarks = check_applicant(applicant)
        number = format_number(of_office.prefix, secrets.token_bytes(RANDOM_BYTES))
        key = await self._vault.admit(number, applicant)
        try:
            await self._store.append(Append(number, 0, self._events(number, facts)))
        except BaseException:
            await self._vault.destroy(number)  # nobody will ever have this number: do not keep the person's data
            raise
        log.info("draft_opened", service=service, office=office)
        return Opened(number, key.access_code(), remarks)

    async def view(self, number: str) -> View:
        """Raises `UnknownNumber`."""
        application = await self._load(number)
        requests = domain.open_requests(application, await self._log_view.requests(number))
        return View(
            application,
            await self._missing(application),
            sorted({request.requirement for request in requests}),
            await self._log_view.ended_by(number),
        )

    async def attach(
        self, entry: Entry, requirement: str, declared_type: str, content: AsyncIterator[bytes]
    ) -> StoredDocument:
        """Store a document of a draft, in place of an earlier one. Raises as `domain.attach` and `DocumentStorage.store`."""
        application = await self._load(entry.number)
        domain.check_attachable(application, self._service(application), requirement)
        document = await self._upload(entry.key, requirement, declared_type, content)
        return await self._decide_on(
            entry.number, document, lambda state: domain.attach(state, self._service(state), document)
        )

    async def supply(
        self, entry: Entry, requirement: str, declared_type: str, content: AsyncIterator[bytes]
    ) -> StoredDocument:
        """Store a document that the office asked for. Raises as `domain.supply` and `DocumentStorage.store`."""
        requests, ended_by = await self._asked(entry.number)
        domain.check_supplyable(await self._load(entry.number), requirement, requests, ended_by)
        document = await self._upload(entry.key, requirement, declared_type, content)
        return await self._decide_on(
            entry.number, document, lambda state: domain.supply(state, document, requests, ended_by, APPLICANT)
        )

    async def submit(self, number: str, by: Actor = APPLICANT) -> Application:
        """Hand a draft in; again: the same application. Raises `RequirementsMissing`, `UnknownNumber`."""
        answers = (await self.form(number)).answers
        await self._decide(number, lambda state: domain.submit(state, self._service(state), by, answers))
        return await self._load(number)

    async def form(self, number: str) -> Form:
        """What was filled in; the empty form where nothing was."""
        return decode_form(await self._vault.record(number, FORM_FIELD))

    async def entry(self, number: str) -> Entry:
        """For an officer who may act for the applicant of `number`. Raises `UnknownNumber`."""
        if (key := await self._vault.key(number)) is None:
            raise UnknownNumber()
        return Entry(number, key)

    async def load(self, number: str) -> Application:
        """Raises `UnknownNumber`."""
        return await self._load(number)

    async def check_receivable(self, number: str, requirement: str) -> None:
        """Whether a document for `requirement` is wanted now: of a draft, or because the office asked for it.

        Raises as `domain.check_attachable` and `domain.check_supplyable`.
        """
        application = await self._load(number)
        if application.submitted_at is None:
            domain.check_attachable(application, self._service(application), requirement)
        else:
            domain.check_supplyable(application, requirement, *await self._asked(number))

    async def receive(
        self, entry: Entry, requirement: str, declared_type: str, content: AsyncIterator[bytes]
    ) -> StoredDocument:
        """Attach to a draft, or supply what the office asked for, whichever it is. Raises as both."""
        submitted = (await self._load(entry.number)).submitted_at is not None
        take = self.supply if submitted else self.attach
        return await take(entry, requirement, declared_type, content)

    async def withdraw(self, number: str, reason: Reason | None) -> Application:
        """Raises `NotSubmitted`, `AlreadyEnded`, `UnknownNumber`."""
        ended_by = await self._log_view.ended_by(number)
        await self._decide(number, lambda state: domain.withdraw(state, ended_by, APPLICANT, reason))
        return await self._load(number)

    async def contact(self, number: str) -> Contact:
        """How to reach the applicant. Raises `UnknownNumber`, also where their data was erased."""
        applicant = await self._vault.applicant(number)
        if applicant is None:
            raise UnknownNumber()
        return contact_of(applicant)

    async def document(self, number: str, document: str) -> tuple[StoredDocument, AsyncIterator[bytes]]:
        """A document and its content as it streams. Raises `UnknownNumber`, `DocumentStorageAway`."""
        stored = (await self._load(number)).by_id(document)
        key = await self._vault.key(number)
        if stored is None or key is None:
            raise UnknownNumber()
        return stored, await self._storage.read(key, stored)

    async def _upload(
        self, key: ApplicantKey, requirement: str, declared_type: str, content: AsyncIterator[bytes]
    ) -> StoredDocument:
        upload = Upload(secrets.token_hex(16), requirement, declared_type)
        return await self._storage.store(key, upload, content)

    async def _decide_on(
        self, number: str, document: StoredDocument, decision: Callable[[Application], Sequence[Fact]]
    ) -> StoredDocument:
        """Decide what becomes of an uploaded `document`; an object that nothing refers to afterwards is removed."""
        try:
            before, facts = await self._decide(number, decision)
        except Refused:
            await self._storage.remove(document)
            raise
        stored = next((fact.stored for fact in facts if isinstance(fact, domain.DocumentStored)), None)
        if stored is None or stored.object != document.object:
            await self._storage.remove(document)
        return stored or before.documents[document.requirement]

    async def _decide(
        self, number: str, decision: Callable[[Application], Sequence[Fact]]
    ) -> tuple[Application, Sequence[Fact]]:
        decided: Sequence[Fact] = ()

        def events(application: Application | None) -> list[NewEvent]:
            nonlocal decided
            if application is None or application.abandoned_at:
                raise UnknownNumber()
            decided = decision(application)
            return self._events(number, decided)

        before, _ = await decide(self._store, number, journal.read, events)
        if before is None:
            raise UnknownNumber()
        return before, decided

    async def _missing(self, application: Application) -> list[str]:
        service = self._service(application)
        answers = (await self.form(application.number)).answers if service.questions else domain.NO_ANSWERS
        return domain.missing_requirements(application, service, answers)

    async def _load(self, number: str) -> Application:
        application = journal.read(await self._store.load(number))
        if application is None or application.abandoned_at:
            raise UnknownNumber()
        return application

    async def _asked(self, number: str) -> tuple[list[DocumentRequest], End | None]:
        return await self._log_view.requests(number), await self._log_view.ended_by(number)

    def _events(self, number: str, facts: Sequence[Fact]) -> list[NewEvent]:
        return journal.write(facts, number=number, at=self._clock(), source=self._source)

    def _service(self, application: Application) -> Service:
        return domain.find_service(self._catalogue, application.service)
