"""A case as a test tells it: given what happened, when an officer commands or a fact arrives, then these facts follow."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec

from contracts import catalogue
from contracts.facts import (
    Actor,
    DocumentRef,
    DocumentSupplied,
    EventRef,
    Fact,
    FeePaid,
    Reason,
    Remedy,
    RequestedDocument,
    Submitted,
    Transferred,
    Withdrawn,
)
from services.processing.application import DECISIONS
from services.processing.commands import (
    AssessFee,
    Command,
    Decide,
    Examine,
    HandOver,
    Issue,
    RequestDocuments,
    VerifyDocuments,
)
from services.processing.conditions import Circumstances, Policy
from services.processing.domain import Case, evolve
from services.processing.events import Happened
from services.processing.taking_in import take_in

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
"""9:00 in Lebong."""
OFFICER = Actor(role="officer", office="lebong", desk="counter_1")
APPLICANT = Actor(role="applicant")
TREASURY = Actor(role="treasury")
REMEDY = Remedy(code="administrative_objection", legal_basis="UU 30/2014 Pasal 77", within_days=21)
POLICY = Policy(remedy=REMEDY)
BOOK = "book_non_electronic_5y"
PRICE = 350_000


def document(requirement: str, name: str = "") -> DocumentRef:
    return DocumentRef(document=name or f"doc-{requirement}", requirement=requirement, commitment="c" * 43)


def asking_for(*requirements: str, reason: str = "unreadable") -> RequestDocuments:
    return RequestDocuments(
        documents=[RequestedDocument(requirement=code, reason=Reason(code=reason)) for code in requirements]
    )


@dataclass
class Story:
    """A case of the service `passport_new` and its clock; every step answers with the facts that it made."""

    case: Case = field(default_factory=Case)
    at: datetime = MONDAY
    service: catalogue.Service = field(default_factory=lambda: catalogue.load().services["passport_new"])
    _ids: "count[int]" = field(default_factory=count)

    def with_service(self, **changes: object) -> "Story":
        """Under a service definition that differs."""
        self.service = msgspec.structs.replace(self.service, **changes)
        return self

    def later(self, **span: float) -> "Story":
        self.at += timedelta(**span)
        return self

    def arrives(
        self, fact: Fact, *, at: datetime | None = None, reported_at: datetime | None = None, id: str | None = None
    ) -> list[Fact]:
        """An outside fact comes from the log; it happened `at` and was recorded at `reported_at`."""
        happened = at or self.at
        about = EventRef(source="//elsewhere.example", id=id or f"e{next(self._ids)}")
        facts = take_in(self.case, fact, about, happened, reported_at or self.at)
        self._happened(facts, happened)
        return facts

    def command(self, command: Command, by: Actor = OFFICER, billing_code: str | None = None) -> list[Fact]:
        """An officer commands; raises the refusal."""
        facts = DECISIONS[type(command)](self.case, command, self.now(by, billing_code))
        self._happened(facts, self.at)
        return facts

    def now(self, by: Actor = OFFICER, billing_code: str | None = None) -> Circumstances:
        return Circumstances(
            by=by,
            at=self.at,
            today=(self.at + timedelta(hours=7)).date(),
            service=self.service,
            reasons=catalogue.load().reason_uses,
            policy=POLICY,
            billing_code=billing_code or f"8{self.at:%Y%m%d}{next(self._ids):06d}",
            bodies=catalogue.load().names.agencies,
        )

    def _happened(self, facts: Sequence[Fact], at: datetime) -> None:
        for fact in facts:
            self.case = evolve(self.case, Happened(at, fact))

    # Whole stretches of the way.

    def submitted(self, *requirements: str) -> "Story":
        documents = [document(code) for code in requirements or ("identity_card", "family_card", "birth_record")]
        self.arrives(
            Submitted(service=self.service.code, office="lebong", channel="internet", by=APPLICANT, documents=documents)
        )
        return self

    def supplied(self, requirement: str, name: str = "") -> list[Fact]:
        return self.arrives(DocumentSupplied(document=document(requirement, name), by=APPLICANT))

    def withdrawn(self) -> list[Fact]:
        return self.arrives(Withdrawn(by=APPLICANT))

    def answered_by(self, body: str) -> list[Fact]:
        by = Actor(role="agency", office=body)
        return self.arrives(Transferred(to="lebong", reason=Reason(code="answer_received"), by=by))

    def assessed(self) -> "Story":
        self.command(AssessFee(fees=[BOOK]))
        return self

    def pays(
        self,
        *,
        code: str | None = None,
        amount: int = PRICE,
        at: datetime | None = None,
        reported_at: datetime | None = None,
        receipt: str | None = None,
        id: str | None = None,
        currency: str = "IDR",
    ) -> list[Fact]:
        billing_code = code or (self.case.assessment.billing_code if self.case.assessment else "8" + "0" * 14)
        fact = FeePaid(billing_code=billing_code, amount=amount, by=TREASURY, receipt=receipt, currency=currency)
        return self.arrives(fact, at=at, reported_at=reported_at, id=id)

    def paid(self) -> "Story":
        self.assessed().pays()
        return self

    def verified(self) -> "Story":
        self.command(VerifyDocuments())
        return self

    def examined(self) -> "Story":
        self.command(Examine(examinations=["interview", "biometrics"]))
        return self

    def ready_to_decide(self) -> "Story":
        return self.submitted().paid().verified().examined()

    def approved(self) -> "Story":
        self.ready_to_decide().command(Decide(outcome="approved"))
        return self

    def issued_now(self) -> "Story":
        """Decided and issued, from where the case is ready for it."""
        self.command(Decide(outcome="approved"))
        self.command(Issue())
        return self

    def issued(self) -> "Story":
        self.approved().command(Issue())
        return self

    def collected(self) -> "Story":
        self.issued().command(HandOver())
        return self
