"""The shapes of what officers are answered: everything they need of a case, and no personal data."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from contracts.facts import Actor, FeeLine, Labels, Remedy


class Named(Struct, frozen=True):
    """A code with its words."""

    code: str
    labels: Labels


class WordedReason(Struct, frozen=True):
    """A reason with its words, parameters put in."""

    code: str
    parameters: Mapping[str, str]
    words: Labels


class DeadlineView(Struct, frozen=True):
    """The running legal deadline. `at` is empty while the clock is paused; then `remaining` units are left."""

    rule: str
    at: datetime | None
    remaining: int | None


class InboxItem(Struct, frozen=True, kw_only=True):
    """A case in the inbox. It waits for the office since `office_since`; `limit` is how long another party has."""

    number: str
    version: int
    service: Named
    stage: Named
    office: str
    holder: str
    desk: str | None
    next: list[str]
    waits_for: str
    office_since: datetime | None
    limit: datetime | None
    submitted_at: datetime
    age_days: int
    deadline: DeadlineView | None
    overdue: bool
    paused: bool
    payment_problems: int
    officer: str | None = None
    """The pseudonym of who claimed it."""
    mine: bool = False
    claimed_at: datetime | None = None
    queue: str | None = None
    """The desk that it was handed to, while nobody there has it."""
    escalated_at: datetime | None = None
    """Since when the supervisor knows that the deadline is near."""
    opinions_awaited: int = 0
    opinion_late: bool = False
    """An opinion asked of another body is overdue."""
    opinion_given_at: datetime | None = None
    url: str


class InboxPage(Struct, frozen=True):
    """A page of the inbox; the `Link` header leads to the next one."""

    cases: list[InboxItem]


class DocumentView(Struct, frozen=True):
    """A document at intake; `url` gives its content to officers."""

    document: str
    requirement: str
    commitment: str
    url: str


class RequestView(Struct, frozen=True):
    """A document that the applicant is asked for."""

    requirement: str
    reason: WordedReason


class AssessmentView(Struct, frozen=True, kw_only=True):
    """A fee as it was assessed; it can be paid until it expires."""

    billing_code: str
    amount: int
    currency: str
    lines: list[FeeLine]
    expires_at: datetime


class PaymentView(Struct, frozen=True, kw_only=True):
    """The payment that settled the fee."""

    billing_code: str
    amount: int
    currency: str
    receipt: str | None
    paid_at: datetime
    reported_at: datetime


class SettlementView(Struct, frozen=True):
    """How and when a payment problem was put right."""

    at: datetime
    reason: WordedReason


class PaymentProblemView(Struct, frozen=True, kw_only=True):
    """A payment that did not settle the fee, and why. `version` names it within its case."""

    number: str
    version: int
    reason: WordedReason
    source: str
    event_id: str
    billing_code: str
    amount: int
    expected_amount: int | None
    currency: str
    receipt: str | None
    paid_at: datetime
    reported_at: datetime
    expires_at: datetime | None
    settled: SettlementView | None


class PaymentProblemPage(Struct, frozen=True):
    """A page of payment problems; the `Link` header leads to the next one."""

    problems: list[PaymentProblemView]


class InvitationView(Struct, frozen=True):
    """To what the applicant is invited, and when."""

    examination: str
    at: datetime


class DecisionView(Struct, frozen=True):
    """The decision."""

    outcome: str
    reasons: list[WordedReason]
    remedy: Remedy | None


class IssueView(Struct, frozen=True):
    """What was issued."""

    product: str
    valid_until: date | None
    collect_by: datetime | None


class Step(Struct, frozen=True):
    """One event of the case; it made `version`."""

    version: int
    fact: str
    at: datetime
    by: Actor | None


class OpinionView(Struct, frozen=True, kw_only=True):
    """An opinion asked of another body; `opinion` names it within its case. The link's secret is nowhere here."""

    opinion: int
    body: Named
    question: WordedReason
    requirements: list[str]
    asked_at: datetime
    answer_by: datetime
    expires_at: datetime
    state: str
    """`awaited`, `late`, `expired` (give it a new link), `given` or `withdrawn`."""
    outcome: str | None
    reasons: list[WordedReason]
    given_at: datetime | None
    withdrawn_at: datetime | None


class RefusalView(Struct, frozen=True):
    """Why a command cannot be given now."""

    slug: str
    words: Labels
    details: dict[str, Any]


class CommandView(Struct, frozen=True):
    """A command: allowed now, or done already, or refused. `outcome` tells the two decisions apart."""

    command: str
    outcome: str | None
    allowed: bool
    done: bool
    refusal: RefusalView | None


class CaseView(Struct, frozen=True, kw_only=True):
    """A case as officers see it. `version` is its ETag."""

    number: str
    version: int
    service: Named
    stage: Named
    office: str
    holder: str
    desk: str | None
    submitted_at: datetime
    turn: str
    """Who was to act after the last event."""
    turn_since: datetime | None
    limit: datetime | None
    """How long another party than the office has."""
    waits_for: str
    """Who can act now: the office, once that limit has passed."""
    next: list[str]
    deadline: DeadlineView | None
    documents: list[DocumentView]
    missing: list[str]
    requested: list[RequestView]
    answer_by: datetime | None
    verified_at: datetime | None
    assessments: list[AssessmentView]
    payment: PaymentView | None
    payment_problems: list[PaymentProblemView]
    invitation: InvitationView | None
    examined: list[str]
    decision: DecisionView | None
    issued: IssueView | None
    paused: WordedReason | None
    opinions: list[OpinionView]
    history: list[Step]
    commands: list[CommandView]
