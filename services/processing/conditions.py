"""What must hold before each command, whatever it says: the officers' view asks these to show what is possible now.

Each function answers with nothing, or raises the `Refusal` that stands in the way. Pure.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from contracts.catalogue import Service, fees_on
from contracts.facts import Actor, Labels, Reason, Remedy
from services.processing import refusals as no
from services.processing.domain import Case, missing_documents
from services.processing.opinions.refusals import NoOpinionAwaited


@dataclass(frozen=True, slots=True)
class Policy:
    """The office's own time limits, and what an applicant can do against a refusal."""

    fee_valid: timedelta = timedelta(days=7)
    answer_within: timedelta = timedelta(days=7)
    collect_within: timedelta = timedelta(days=30)
    remedy: Remedy | None = None
    opinion_within: timedelta = timedelta(days=7)
    opinion_grace: timedelta = timedelta(days=14)
    """For how long after its time limit another body's opinion may still be given."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision may know beside the case. `today` is the day `at` in the office's time zone."""

    by: Actor
    at: datetime
    today: date
    service: Service
    reasons: Mapping[str, Collection[str]]
    """Reason codes by what they are for (`document_request`, `approval`, `refusal`, `pause`, `transfer`)."""
    policy: Policy
    billing_code: str
    bodies: Mapping[str, Labels] = field(default_factory=dict)
    """The bodies that may be asked for an opinion, with their names."""


def _open(case: Case, now: Circumstances) -> None:
    """The case runs here."""
    if case.closed:
        raise no.CaseClosed()
    if case.pause:
        raise no.CasePaused(reason=case.pause.reason.code)
    check_held_here(case, now)


def check_held_here(case: Case, now: Circumstances) -> None:
    """The officer belongs to the office that has the case."""
    if now.by.office != case.holder:
        raise no.CaseElsewhere(holder=case.holder)


def _undecided(case: Case, now: Circumstances) -> None:
    _open(case, now)
    if case.decision:
        raise no.AlreadyDecided(outcome=case.decision.outcome)


def _undecided_before(name: str, case: Case, now: Circumstances) -> None:
    """The case runs here, and is undecided unless the service puts the decision before the fact `name` (stay permits)."""
    order = [stage.reached_by for stage in now.service.stages]
    if "decided" in order and name in order and order.index("decided") < order.index(name):
        _open(case, now)
    else:
        _undecided(case, now)


def may_request_documents(case: Case, now: Circumstances) -> None:
    _undecided(case, now)


def may_verify_documents(case: Case, now: Circumstances) -> None:
    _undecided(case, now)
    if missing := missing_documents(case, now.service):
        raise no.DocumentsMissing(requirements=missing)


def may_assess_fee(case: Case, now: Circumstances) -> None:
    _undecided(case, now)
    if not fees_on(now.service, now.today):
        raise no.NoFeeDue()
    if case.payment:
        raise no.FeeAlreadyPaid(billing_code=case.payment.billing_code)


def may_invite(case: Case, now: Circumstances) -> None:
    _undecided_before("invited", case, now)
    _check_stages_before("invited", case, now.service)


def may_examine(case: Case, now: Circumstances) -> None:
    _undecided_before("examined", case, now)
    _check_stages_before("examined", case, now.service)


def may_refuse(case: Case, now: Circumstances) -> None:
    _undecided(case, now)


def may_approve(case: Case, now: Circumstances) -> None:
    _undecided(case, now)
    if missing := missing_documents(case, now.service):
        raise no.DocumentsMissing(requirements=missing)
    _check_stages_before("decided", case, now.service)
    if case.assessment and not case.fee_settled:
        _check_stage("fee_paid", case)


def may_issue(case: Case, now: Circumstances) -> None:
    _open(case, now)
    if case.decision is None:
        raise no.NotApproved()
    _check_stages_before("issued", case, now.service)
    if case.issued and not collection_expired(case, now):
        raise no.AlreadyIssued(product=case.issued.product)


def may_hand_over(case: Case, now: Circumstances) -> None:
    _open(case, now)
    if not case.issued:
        raise no.NotIssued()
    if collection_expired(case, now):
        raise no.CollectionExpired(collect_by=case.issued.collect_by)


def may_pause(case: Case, now: Circumstances) -> None:
    _open(case, now)


def may_ask_opinion(case: Case, now: Circumstances) -> None:
    _undecided(case, now)


def may_change_opinion(case: Case, now: Circumstances) -> None:
    """Take an opinion back, or give it a new link: one is awaited."""
    if case.closed:
        raise no.CaseClosed()
    check_held_here(case, now)
    if not any(opinion.open for opinion in case.opinions):
        raise NoOpinionAwaited()


def may_settle_payment_problem(case: Case, now: Circumstances) -> None:
    """Also of a case that has ended or rests: the money is not less owed. The office that was applied to, or has it."""
    if now.by.office not in {case.office, case.holder}:
        raise no.CaseElsewhere(holder=case.holder)
    if not case.open_problems:
        raise no.NoPaymentProblem()


def may_resume(case: Case, now: Circumstances) -> None:
    if case.closed:
        raise no.CaseClosed()
    check_held_here(case, now)


def may_transfer(case: Case, now: Circumstances) -> None:
    """Who has the case hands it on; the office it belongs to may take it back."""
    if now.by.office == case.office and not case.closed and not case.pause:
        return
    _open(case, now)


def _check_stages_before(name: str, case: Case, service: Service) -> None:
    """Every stage that the service declares before the fact `name`, and that is not optional, has been reached."""
    for stage in service.stages:
        if stage.reached_by == name:
            return
        if not stage.optional:
            _check_stage(stage.reached_by, case)


def _check_stage(reached_by: str, case: Case) -> None:
    if reached_by == "documents_verified" and not case.verified_at:
        raise no.DocumentsNotVerified()
    if reached_by == "examined" and not case.examined:
        raise no.NotExamined()
    if reached_by == "decided" and case.decision is None:
        raise no.NotApproved()
    if reached_by in ("fee_assessed", "fee_paid"):
        if case.assessment is None:
            raise no.FeeNotAssessed()
        if reached_by == "fee_paid" and not case.fee_settled:
            raise no.FeeNotPaid(billing_code=case.assessment.billing_code, expires_at=case.assessment.expires_at)


def collection_expired(case: Case, now: Circumstances) -> bool:
    """What was issued was not collected in time: it is cancelled."""
    limit = case.issued.collect_by if case.issued else None
    return limit is not None and now.at > limit


def check_reasons(now: Circumstances, use: str, reasons: Collection[Reason]) -> None:
    """Every reason code is one of the catalogue's for this use."""
    known = now.reasons.get(use, ())
    if unknown := [reason.code for reason in reasons if reason.code not in known]:
        raise no.UnknownReason(reasons=unknown, known=sorted(known))
