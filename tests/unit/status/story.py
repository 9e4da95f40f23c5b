"""An application as a test tells it: facts, each at its own time, in the order of the log; then what is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from contracts import catalogue
from contracts.envelope import encode_event, new_salt
from contracts.facts import (
    Actor,
    Collected,
    Decided,
    DocumentRef,
    DocumentsRequested,
    DocumentSupplied,
    DocumentsVerified,
    Examined,
    Fact,
    FeeAssessed,
    FeePaid,
    Invited,
    Issued,
    Reason,
    Remedy,
    RequestedDocument,
    Submitted,
)
from contracts.number import format_number
from services.status.answering.views import Presenter, StatusView
from services.status.domain import declare, evolve
from services.status.folding.procedure import UNDECLARED, procedures_of
from services.status.folding.progress import Progress
from services.status.folding.reading import in_us, read
from services.status.folding.situation import Situation, situate

CATALOGUE = catalogue.load()
PROCEDURES = procedures_of(CATALOGUE.services)
NUMBER = format_number("LBG", bytes(range(10)))
OFFICE = "//lebong.imigrasi.go.id"
MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""Monday 2 March 2026, 09:00 in Lebong."""

OFFICER = Actor(role="officer", office="lebong", desk="verification")
APPLICANT = Actor(role="applicant")
TREASURY = Actor(role="treasury")
COMMITMENT = new_salt(bytes(32))


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def submitted(service: str = "passport_new") -> Submitted:
    return Submitted(service=service, office="lebong", channel="internet", by=APPLICANT)


def requested(*requirements: str) -> DocumentsRequested:
    documents = [RequestedDocument(requirement=code, reason=Reason(code="unreadable")) for code in requirements]
    return DocumentsRequested(documents=documents, by=OFFICER)


def supplied(requirement: str) -> DocumentSupplied:
    reference = DocumentRef(document="d1", requirement=requirement, commitment=COMMITMENT)
    return DocumentSupplied(document=reference, by=APPLICANT)


def verified() -> DocumentsVerified:
    return DocumentsVerified(by=OFFICER)


def assessed(code: str = "820260302000001", amount: int = 650_000, days: int = 7) -> FeeAssessed:
    return FeeAssessed(billing_code=code, amount=amount, expires_at=MONDAY + timedelta(days=days), by=OFFICER)


def paid(code: str = "820260302000001", amount: int = 650_000) -> FeePaid:
    return FeePaid(billing_code=code, amount=amount, by=TREASURY)


def invited(days: int = 3) -> Invited:
    return Invited(examination="interview", at=MONDAY + timedelta(days=days), by=OFFICER)


def examined() -> Examined:
    return Examined(examinations=["interview", "biometrics"], by=OFFICER)


def approved() -> Decided:
    return Decided(outcome="approved", by=OFFICER)


def refused() -> Decided:
    remedy = Remedy(code="administrative_objection", legal_basis="UU 30/2014", within_days=21)
    return Decided(outcome="refused", by=OFFICER, reasons=[Reason(code="requirements_not_met")], remedy=remedy)


def issued() -> Issued:
    return Issued(product="passport", by=OFFICER)


def collected() -> Collected:
    return Collected(by=OFFICER)


def whole_way() -> list[Fact]:
    """A passport without surprises."""
    return [
        submitted(), assessed(), paid(), invited(), verified(), examined(), approved(), issued(), collected(),
    ]  # fmt: skip


def as_event(fact: Fact, at: datetime, *, id: str, number: str = NUMBER, service: str = "processing") -> bytes:
    """The bytes of an event on the log."""
    return encode_event(fact, id=id, source=f"{OFFICE}/{service}", subject=number, time=at, salt=COMMITMENT)


@dataclass
class Story:
    """Tells facts to a `Progress`, through their bytes."""

    progress: Progress = field(default_factory=Progress)
    found: list[tuple[str, ...]] = field(default_factory=list)
    """The deviations of each event."""

    def tell(self, fact: Fact, after_h: float = 0, *, recorded_h: float | None = None) -> "Story":
        """`fact` happened so many hours after Monday 09:00, and was recorded at once or as many hours after as given."""
        recorded = MONDAY + hours(after_h if recorded_h is None else recorded_h)
        return self.tell_at(fact, MONDAY + hours(after_h), recorded)

    def tell_at(self, fact: Fact, at: datetime, recorded: datetime | None = None) -> "Story":
        """`fact` happened at an instant, and was recorded at once or at another."""
        event, kind, data = read(as_event(fact, at, id=str(len(self.found))))
        us = in_us(event.time)
        procedure = PROCEDURES.get(self.progress.service, UNDECLARED)
        self.found.append(
            evolve(
                self.progress,
                procedure,
                kind.name,
                us,
                in_us(at if recorded is None else recorded),
                data,
            )
        )
        if procedure is UNDECLARED and self.progress.service in PROCEDURES:
            declare(self.progress, PROCEDURES[self.progress.service])
        return self

    def tell_all(self, facts: Sequence[Fact], every_h: float = 1) -> "Story":
        """Facts one after the other."""
        for place, fact in enumerate(facts):
            self.tell(fact, place * every_h)
        return self

    @property
    def situation(self) -> Situation:
        return situate(self.progress, PROCEDURES.get(self.progress.service, UNDECLARED))

    @property
    def standing(self) -> set[str]:
        return set(self.progress.standing or ())

    @property
    def view(self) -> StatusView:
        return Presenter(CATALOGUE, PROCEDURES).status_view(NUMBER, self.progress, self.progress.last_recorded)

    def waits(self) -> tuple[str, float]:
        """Who is waited on, and since how many hours after Monday 09:00."""
        situation = self.situation
        return situation.waits_for, (situation.since - in_us(MONDAY)) / 3_600_000_000
