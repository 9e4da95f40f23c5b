"""What officers may do with a case, and when: one decision function a command.

A decision takes the case, the command and the circumstances, and answers with the facts to append: none where what is
commanded already holds. It raises a `Refusal` where a rule stands against it. Pure.
"""

from contracts.facts import (
    Collected,
    Decided,
    DocumentsRequested,
    DocumentsVerified,
    Examined,
    Fact,
    FeeAssessed,
    Invited,
    Issued,
    Paused,
    RequestedDocument,
    Resumed,
    Transferred,
)  # fmt: skip
from services.processing import refusals as no
from services.processing.commands import (
    AssessFee,
    Decide,
    Examine,
    HandOver,
    Invite,
    Issue,
    Pause,
    RequestDocuments,
    Resume,
    SettlePaymentProblem,
    Transfer,
    VerifyDocuments,
)  # fmt: skip
from services.processing.conditions import (
    Circumstances,
    check_held_here,
    check_reasons,
    collection_expired,
    may_approve,
    may_assess_fee,
    may_examine,
    may_hand_over,
    may_invite,
    may_issue,
    may_pause,
    may_refuse,
    may_request_documents,
    may_resume,
    may_settle_payment_problem,
    may_transfer,
    may_verify_documents,
)  # fmt: skip
from services.processing.domain import Case
from services.processing.events import PaymentProblemSettled
from services.processing.fees import fee_lines


def request_documents(case: Case, command: RequestDocuments, now: Circumstances) -> list[Fact]:
    """Ask the applicant for documents. Those already asked for with the same reason are not asked for again."""
    may_request_documents(case, now)
    known = {item.code for item in now.service.requirements}
    if unknown := [item.requirement for item in command.documents if item.requirement not in known]:
        raise no.UnknownRequirement(requirements=unknown, known=sorted(known))
    check_reasons(now, "document_request", [item.reason for item in command.documents])
    if command.answer_by and command.answer_by <= now.at:
        raise no.TimeInThePast(at=command.answer_by)
    asked: dict[str, RequestedDocument] = {item.requirement: item for item in command.documents}
    fresh = [item for item in asked.values() if item not in case.requested]
    extended = command.answer_by is not None and command.answer_by != case.answer_by
    if not fresh and not extended:
        return []
    return [
        DocumentsRequested(
            documents=list(asked.values()) if extended else fresh,
            by=now.by,
            answer_by=command.answer_by or now.at + now.policy.answer_within,
        )
    ]


def verify_documents(case: Case, command: VerifyDocuments, now: Circumstances) -> list[Fact]:
    """Accept the documents as complete and genuine."""
    if case.verified_at:
        return []
    may_verify_documents(case, now)
    return [DocumentsVerified(by=now.by)]


def assess_fee(case: Case, command: AssessFee, now: Circumstances) -> list[Fact]:
    """Set the fee and issue a billing code. An unpaid assessment is replaced; the same one still in force is kept."""
    check_held_here(case, now)
    lines, currency = fee_lines(now.service, command.fees, now.today)
    chosen = {line.fee for line in lines}
    last = case.assessment
    same = last is not None and {line.fee for line in last.lines} == chosen
    if last and same and (case.fee_settled or now.at <= last.expires_at):
        return []
    may_assess_fee(case, now)
    return [
        FeeAssessed(
            billing_code=now.billing_code, amount=sum(line.amount for line in lines), currency=currency, lines=lines,
            expires_at=now.at + now.policy.fee_valid, by=now.by,
        )
    ]  # fmt: skip


def invite(case: Case, command: Invite, now: Circumstances) -> list[Fact]:
    """Invite the applicant to an examination; another time for the same one is a new invitation."""
    last = case.invitation
    if last and (last.examination, last.at) == (command.examination, command.at):
        return []
    may_invite(case, now)
    if command.at <= now.at:
        raise no.TimeInThePast(at=command.at)
    return [Invited(examination=command.examination, at=command.at, by=now.by)]


def examine(case: Case, command: Examine, now: Circumstances) -> list[Fact]:
    """Note which examinations were done; those noted before are not noted again."""
    done = [code for code in dict.fromkeys(command.examinations) if code not in case.examined]
    if not done:
        return []
    may_examine(case, now)
    return [Examined(examinations=done, by=now.by)]


def decide(case: Case, command: Decide, now: Circumstances) -> list[Fact]:
    """Approve or refuse, once. A refusal needs a reason and carries the legal remedy; an approval needs all before it."""
    if case.decision:
        if (case.decision.outcome, case.decision.reasons) == (command.outcome, command.reasons):
            return []
        raise no.AlreadyDecided(outcome=case.decision.outcome)
    approves = command.outcome == "approved"
    (may_approve if approves else may_refuse)(case, now)
    check_reasons(now, "approval" if approves else "refusal", command.reasons)
    if not approves and not command.reasons:
        raise no.ReasonMissing(known=sorted(now.reasons.get("refusal", ())))
    remedy = None if approves else command.remedy or now.policy.remedy
    return [Decided(outcome=command.outcome, by=now.by, reasons=command.reasons, remedy=remedy)]


def issue(case: Case, command: Issue, now: Circumstances) -> list[Fact]:
    """Note that the product is ready to be collected; again after the time to collect it has passed."""
    product = command.product or now.service.product
    if case.issued and case.issued.product == product and not collection_expired(case, now):
        return []
    may_issue(case, now)
    return [
        Issued(
            product=product, by=now.by, valid_until=command.valid_until,
            collect_by=command.collect_by or now.at + now.policy.collect_within,
        )
    ]  # fmt: skip


def hand_over(case: Case, command: HandOver, now: Circumstances) -> list[Fact]:
    """Note that it was handed over: the end."""
    if case.collected:
        return []
    may_hand_over(case, now)
    return [Collected(by=now.by, to=command.to)]


def pause(case: Case, command: Pause, now: Circumstances) -> list[Fact]:
    """Let the case rest, for a reason that the law allows."""
    if case.pause and (case.pause.reason, case.pause.legal_basis) == (command.reason, command.legal_basis):
        return []
    may_pause(case, now)
    check_reasons(now, "pause", [command.reason])
    return [Paused(reason=command.reason, legal_basis=command.legal_basis, by=now.by)]


def resume(case: Case, command: Resume, now: Circumstances) -> list[Fact]:
    """Let the case go on."""
    check_held_here(case, now)
    if case.exists and not case.pause:
        return []
    may_resume(case, now)
    return [Resumed(by=now.by)]


def transfer(case: Case, command: Transfer, now: Circumstances) -> list[Fact]:
    """Hand the case to another office or agency, or take it back."""
    may_transfer(case, now)
    if case.holder == command.to:
        return []
    check_reasons(now, "transfer", [command.reason])
    return [Transferred(to=command.to, reason=command.reason, by=now.by)]


def settle_payment_problem(case: Case, command: SettlePaymentProblem, now: Circumstances) -> list[Fact]:
    """Note that a payment problem was put right, once. It stays internal: what became of the money is the treasury's fact."""
    problem = next((one for one in case.problems if one.version == command.problem), None)
    if problem and problem.settled and problem.settled.reason == command.reason:
        return []
    may_settle_payment_problem(case, now)
    if problem not in case.open_problems:
        raise no.UnknownPaymentProblem(problem=command.problem, open=[one.version for one in case.open_problems])
    check_reasons(now, "payment_settlement", [command.reason])
    return [PaymentProblemSettled(problem=command.problem, reason=command.reason, by=now.by)]
