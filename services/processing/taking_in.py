"""What the case takes in from the event log: it folds in what concerns it and refuses nothing, however surprising.

Each function answers with the internal events to append; none where nothing changes. Pure.
"""

from datetime import datetime
from typing import Final

from contracts.facts import DocumentSupplied, EventRef, Fact, FeeAssessed, FeePaid, Submitted, Transferred, Withdrawn
from services.processing.domain import Case
from services.processing.events import (
    ApplicationWithdrawn,
    CaseOpened,
    DocumentReceived,
    PaymentAccepted,
    PaymentProblemFound,
    ProblemKind,
    TransferAnswered,
)  # fmt: skip

TAKEN_IN: Final = frozenset(fact.TYPE for fact in (Submitted, DocumentSupplied, FeePaid, Withdrawn, Transferred))
"""The event types that a case listens to."""


def take_in(case: Case, fact: Fact, about: EventRef, at: datetime, reported_at: datetime) -> list[Fact]:
    """The events by which `case` takes in an outside fact that happened `at` and was recorded at `reported_at`.

    The same event, by (source, id), is taken in once. Without a case only `submitted` has an effect.
    """
    if (about.source, about.id) in case.taken_in:
        return []
    if isinstance(fact, Submitted):
        return [] if case.exists else [_opened(fact, about)]
    if isinstance(fact, FeePaid) and case.exists:
        return _payment(case, fact, about, at, reported_at)
    return _of_a_running_case(case, fact, about) if case.exists and not case.closed else []


def _of_a_running_case(case: Case, fact: Fact, about: EventRef) -> list[Fact]:
    match fact:
        case DocumentSupplied(document=document):
            # The same file again is an answer all the same, where its requirement is asked for.
            is_asked = any(item.requirement == document.requirement for item in case.requested)
            known = document in case.documents and not is_asked
            return [] if known else [DocumentReceived(about=about, document=document)]
        case Withdrawn():
            return [ApplicationWithdrawn(about=about)]
        case Transferred(to=to) if case.holder not in (case.office, to):
            return [TransferAnswered(about=about, to=to)]
    return []


def _opened(fact: Submitted, about: EventRef) -> CaseOpened:
    return CaseOpened(about=about, service=fact.service, office=fact.office, documents=fact.documents)


def _payment(case: Case, fact: FeePaid, about: EventRef, at: datetime, reported_at: datetime) -> list[Fact]:
    if _is_known_payment(case, fact):
        return []
    assessment = next((a for a in case.assessments if a.billing_code == fact.billing_code), None)
    kind = _what_is_wrong(case, assessment, fact, at)
    if kind is None:
        return [
            PaymentAccepted(
                about=about, billing_code=fact.billing_code, amount=fact.amount, currency=fact.currency,
                receipt=fact.receipt, reported_at=reported_at,
            )
        ]  # fmt: skip
    return [
        PaymentProblemFound(
            about=about, kind=kind, billing_code=fact.billing_code, amount=fact.amount, currency=fact.currency,
            receipt=fact.receipt, reported_at=reported_at,
            expected_amount=assessment.amount if assessment else None,
            expires_at=assessment.expires_at if assessment else None,
        )
    ]  # fmt: skip


def _is_known_payment(case: Case, fact: FeePaid) -> bool:
    """One payment has one state revenue receipt: the same receipt again is the same payment, reported again."""
    payments = [case.payment, *(problem.found for problem in case.problems)]
    return fact.receipt is not None and any(
        known and (known.receipt, known.billing_code) == (fact.receipt, fact.billing_code) for known in payments
    )


def _what_is_wrong(case: Case, assessment: FeeAssessed | None, fact: FeePaid, paid_at: datetime) -> ProblemKind | None:
    """None for a payment that settles the fee. What counts is when it was paid, not when it was reported; an assessment
    that a later one replaced can still be paid until it expires.
    """
    if assessment is None:
        return "payment_unknown_code"
    faults: list[tuple[ProblemKind, bool]] = [
        ("payment_twice", case.payment is not None),
        ("payment_after_end", case.closed),
        ("payment_wrong_currency", fact.currency != assessment.currency),
        ("payment_wrong_amount", fact.amount != assessment.amount),
        ("payment_after_expiry", paid_at > assessment.expires_at),
    ]
    return next((kind for kind, holds in faults if holds), None)
