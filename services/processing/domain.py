"""The case of one application: its state, and how each event changes it.

Pure: no I/O, no clock, no randomness. `evolve` never refuses: what is stored has happened. The rules of what may
happen next are in `decisions.py` (officers) and `taking_in.py` (what arrives from the log).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from contracts.catalogue import Service
from contracts.facts import (
    Collected,
    Decided,
    DocumentRef,
    DocumentsRequested,
    DocumentsVerified,
    Examined,
    Fact,
    FeeAssessed,
    Invited,
    Issued,
    Paused,
    Reason,
    RequestedDocument,
    Resumed,
    Transferred,
)  # fmt: skip
from services.processing.events import (
    ApplicationWithdrawn,
    CaseOpened,
    DocumentReceived,
    Happened,
    PaymentAccepted,
    PaymentProblemFound,
    PaymentProblemSettled,
    TransferAnswered,
    public_name,
)  # fmt: skip
from services.processing.opinions.domain import Opinion, with_event

Party = Literal["office", "applicant", "agency", "pause", "nobody"]
"""Who can act next. A pause goes before all, then the applicant, then another agency, then the office."""

Interrupting = Literal["documents_requested", "paused", "transferred"]


@dataclass(frozen=True, slots=True)
class Interruption:
    """A span in which a clock may rest, half-open; `until` is None while it lasts."""

    kind: Interrupting
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """How and when a payment problem was put right."""

    reason: Reason
    at: datetime


@dataclass(frozen=True, slots=True)
class Problem:
    """A payment that did not settle the fee, when it was paid, and where in the stream it was noted."""

    found: PaymentProblemFound
    paid_at: datetime
    version: int
    settled: Settlement | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One application as the office has it. `version` counts the events of its stream; 0 is no case at all."""

    version: int = 0
    service: str = ""
    office: str = ""
    submitted_at: datetime | None = None
    documents: tuple[DocumentRef, ...] = ()
    requested: tuple[RequestedDocument, ...] = ()
    """Asked for and not supplied since."""
    answer_by: datetime | None = None
    verified_at: datetime | None = None
    assessments: tuple[FeeAssessed, ...] = ()
    """All that were ever made: a payment may still arrive for any of them. The last one holds."""
    payment: PaymentAccepted | None = None
    problems: tuple[Problem, ...] = ()
    invitation: Invited | None = None
    examined: frozenset[str] = frozenset()
    decision: Decided | None = None
    issued: Issued | None = None
    collected: bool = False
    withdrawn: bool = False
    pause: Paused | None = None
    holder: str = ""
    """The office or agency that has the case."""
    desk: str | None = None
    """The desk that acted last."""
    opinions: tuple[Opinion, ...] = ()
    """Asked of other bodies, in order."""
    taken_in: frozenset[tuple[str, str]] = frozenset()
    """(source, id) of every outside event that had an effect."""
    times: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    """When each fact happened, by its short public name, in the order it became known."""
    interruptions: tuple[Interruption, ...] = ()
    turn: Party = "nobody"
    turn_since: datetime | None = None

    @property
    def exists(self) -> bool:
        return self.submitted_at is not None

    @property
    def closed(self) -> bool:
        """Nothing more will be done: withdrawn, refused or handed over."""
        return self.withdrawn or self.collected or (self.decision is not None and self.decision.outcome == "refused")

    @property
    def assessment(self) -> FeeAssessed | None:
        return self.assessments[-1] if self.assessments else None

    @property
    def open_problems(self) -> tuple[Problem, ...]:
        """Payments that somebody still has to look at."""
        return tuple(problem for problem in self.problems if problem.settled is None)

    @property
    def fee_settled(self) -> bool:
        """Paid, or nothing to pay."""
        return self.payment is not None or (self.assessment is not None and self.assessment.amount == 0)


def evolve(case: Case, event: Happened) -> Case:
    """The case after one more event of its stream."""
    at, fact = event
    name = public_name(fact)
    after = replace(
        _apply(case, at, fact),
        version=case.version + 1,
        times={**case.times, name: (*case.times.get(name, ()), at)},
    )
    by = getattr(fact, "by", None)
    if by is not None and by.desk:
        after = replace(after, desk=by.desk)
    about = getattr(fact, "about", None)
    if about is not None:
        after = replace(after, taken_in=after.taken_in | {(about.source, about.id)})
    after = replace(after, interruptions=_interrupt(after, at))
    turn = whose_turn(after)
    if turn != case.turn:
        since = fact.reported_at if isinstance(fact, PaymentAccepted) else at
        after = replace(after, turn=turn, turn_since=since)
    return after


def replay(events: Iterable[Happened]) -> Case:
    """The case of a whole stream."""
    case = Case()
    for event in events:
        case = evolve(case, event)
    return case


def _apply(case: Case, at: datetime, fact: Fact) -> Case:  # noqa: PLR0911, PLR0912 - one arm an event
    match fact:
        case CaseOpened():
            return replace(
                case, service=fact.service, office=fact.office, holder=fact.office, submitted_at=at,
                documents=tuple(fact.documents),
            )  # fmt: skip
        case PaymentAccepted():
            return replace(case, payment=fact)
        case PaymentProblemFound():
            return replace(case, problems=(*case.problems, Problem(fact, at, case.version + 1)))
        case PaymentProblemSettled(problem=version, reason=reason):
            return replace(case, problems=_settled(case.problems, version, Settlement(reason, at)))
        case ApplicationWithdrawn():
            return replace(case, withdrawn=True)
        case FeeAssessed():
            return replace(case, assessments=(*case.assessments, fact))
        case Invited():
            return replace(case, invitation=fact)
        case Examined():
            return replace(case, examined=case.examined | set(fact.examinations), invitation=None)
        case Decided():
            return replace(case, decision=fact)
        case Issued():
            return replace(case, issued=fact)
        case Collected():
            return replace(case, collected=True)
        case Paused():
            return replace(case, pause=fact)
        case Resumed():
            return replace(case, pause=None)
        case Transferred() | TransferAnswered():
            return replace(case, holder=fact.to)
        case _:
            return _apply_rest(case, at, fact)


def _settled(problems: Iterable[Problem], version: int, settlement: Settlement) -> tuple[Problem, ...]:
    return tuple(replace(one, settled=settlement) if one.version == version else one for one in problems)


def _apply_rest(case: Case, at: datetime, fact: Fact) -> Case:
    match fact:
        case DocumentsRequested():
            asked = {item.requirement: item for item in (*case.requested, *fact.documents)}
            return replace(case, requested=tuple(asked.values()), answer_by=fact.answer_by, verified_at=None)
        case DocumentReceived():
            left = tuple(item for item in case.requested if item.requirement != fact.document.requirement)
            return replace(
                case,
                documents=(*case.documents, fact.document),
                requested=left,
                answer_by=case.answer_by if left else None,
            )
        case DocumentsVerified():
            return replace(case, verified_at=at)
    return replace(case, opinions=with_event(case.opinions, at, fact, case.version + 1))


def _interrupt(case: Case, at: datetime) -> tuple[Interruption, ...]:
    """Begin and end interruptions so that exactly those that hold now are open."""
    now: dict[Interrupting, bool] = {
        "documents_requested": bool(case.requested),
        "paused": case.pause is not None,
        "transferred": case.exists and case.holder != case.office,
    }
    spans = tuple(
        replace(span, until=at) if span.until is None and (not now[span.kind] or case.closed) else span
        for span in case.interruptions
    )
    running = {span.kind for span in spans if span.until is None}
    begun = [Interruption(kind, at) for kind, holds in now.items() if holds and kind not in running and not case.closed]
    return (*spans, *begun)


def whose_turn(case: Case) -> Party:
    """Who can act next."""
    if not case.exists or case.closed:
        return "nobody"
    if case.pause:
        return "pause"
    waits_for_payment = case.assessment is not None and not case.fee_settled
    if case.requested or waits_for_payment or case.invitation or case.issued:
        return "applicant"
    return "office" if case.holder == case.office else "agency"


def limit_of_turn(case: Case) -> datetime | None:
    """Until when the applicant may act; after it the office has to. None where there is no limit or it is not their turn."""
    if case.turn != "applicant":
        return None
    if case.issued:
        return case.issued.collect_by
    limits = [
        case.answer_by if case.requested else None,
        case.assessment.expires_at if case.assessment and not case.fee_settled else None,
        case.invitation.at if case.invitation else None,
    ]
    return min((limit for limit in limits if limit), default=None)


def supplied(case: Case) -> frozenset[str]:
    """The requirements for which a document is there."""
    return frozenset(document.requirement for document in case.documents)


def missing_documents(case: Case, service: Service) -> tuple[str, ...]:
    """Mandatory requirements without a document, and what was asked for and is not there yet; in the service's order."""
    asked = [item.requirement for item in case.requested]
    absent = [item.code for item in service.requirements if item.mandatory and item.code not in supplied(case)]
    return tuple(dict.fromkeys([*absent, *asked]))


def has_happened(case: Case, name: str) -> bool:
    """Whether the fact of that short name holds: verification is undone by a new request, the rest stays."""
    if name == "documents_verified":
        return case.verified_at is not None
    if name == "fee_paid":
        return case.fee_settled
    return name in case.times
