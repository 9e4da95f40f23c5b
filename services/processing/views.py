"""Cases and rows put into words and addresses, as `shapes` describes them."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from contracts.catalogue import Catalogue, Service, body_labels, reason_words
from contracts.facts import FeeAssessed, Labels, Reason
from runtime.addresses import segment
from services.processing.application import Dossier
from services.processing.conditions import Circumstances
from services.processing.deadlines import running_deadline
from services.processing.domain import Case, limit_of_turn, missing_documents
from services.processing.events import Happened, public_name
from services.processing.opinions.domain import Opinion
from services.processing.payments import PaymentProblemRow, problem_row
from services.processing.shapes import (
    AssessmentView,
    CaseView,
    CommandView,
    DeadlineView,
    DecisionView,
    DocumentView,
    InboxItem,
    InvitationView,
    IssueView,
    Named,
    OpinionView,
    PaymentProblemView,
    PaymentView,
    RefusalView,
    RequestView,
    SettlementView,
    Step,
    WordedReason,
)
from services.processing.worklist import (
    CLOSED,
    Possibility,
    WorklistRow,
    possibilities,
    row_of,
)

_CLOSED_LABELS = Labels(id="Selesai", en="Ended")


class Views:
    """What officers are shown; `intake_url` is where documents are read."""

    def __init__(self, catalogue: Catalogue, intake_url: str) -> None:
        self.catalogue = catalogue
        self._intake_url = intake_url.rstrip("/")

    def case(self, dossier: Dossier, service: Service, now: Circumstances) -> CaseView:
        """Everything about one case."""
        number, case = dossier.number, dossier.case
        office = self.catalogue.offices[case.office]
        row = row_of(number, case, service, office)
        deadline = running_deadline(case, service, office)
        return CaseView(
            number=number,
            version=case.version,
            service=Named(service.code, service.labels),
            stage=self._stage(service.code, row.stage),
            office=case.office,
            holder=case.holder,
            desk=case.desk,
            submitted_at=row.submitted_at,
            turn=case.turn,
            turn_since=case.turn_since,
            limit=limit_of_turn(case),
            waits_for=waits_for(row, now.at),
            next=row.next_commands,
            deadline=DeadlineView(deadline.rule, deadline.at, deadline.remaining) if deadline else None,
            documents=self._documents(number, case),
            missing=list(missing_documents(case, service)),
            requested=[RequestView(item.requirement, self.words(item.reason)) for item in case.requested],
            answer_by=case.answer_by,
            verified_at=case.verified_at,
            assessments=[_assessment(item) for item in case.assessments],
            payment=_payment(case),
            payment_problems=self._problems(number, case),
            invitation=InvitationView(case.invitation.examination, case.invitation.at) if case.invitation else None,
            examined=sorted(case.examined),
            decision=self._decision(case),
            issued=_issued(case),
            paused=self.words(case.pause.reason) if case.pause else None,
            opinions=[self._opinion(opinion, now.at) for opinion in case.opinions],
            history=steps(dossier.history),
            commands=[_command(item) for item in possibilities(case, now)],
        )

    def inbox_item(self, row: WorklistRow, now: datetime, me: str = "") -> InboxItem:
        """One line of the inbox, as the officer of the pseudonym `me` sees it."""
        due = row.act_from is not None and row.act_from <= now
        return InboxItem(
            number=row.number,
            version=row.version,
            service=Named(row.service, self._service_labels(row.service)),
            stage=self._stage(row.service, row.stage),
            office=row.office,
            holder=row.holder,
            desk=row.desk,
            next=row.next_commands,
            waits_for=waits_for(row, now),
            office_since=row.act_from if due else None,
            limit=None if due else row.act_from,
            submitted_at=row.submitted_at,
            age_days=(now - row.submitted_at).days,
            deadline=DeadlineView(row.deadline_rule, row.deadline_at, row.deadline_remaining)
            if row.deadline_rule
            else None,
            overdue=row.deadline_at is not None and row.deadline_at < now,
            paused=row.paused,
            payment_problems=row.payment_problems,
            officer=row.officer,
            mine=row.officer is not None and row.officer == me,
            claimed_at=row.claimed_at,
            queue=row.queue,
            escalated_at=row.escalated_at,
            opinions_awaited=row.opinions_awaited,
            opinion_late=row.opinion_due_at is not None and row.opinion_due_at < now,
            opinion_given_at=row.opinion_given_at,
            url=f"/cases/{row.number}",
        )

    def problem(self, row: PaymentProblemRow) -> PaymentProblemView:
        """One payment to follow up."""
        return PaymentProblemView(
            number=row.number,
            version=row.version,
            reason=self.words(_problem_reason(row)),
            source=row.source,
            event_id=row.event_id,
            billing_code=row.billing_code,
            amount=row.amount,
            expected_amount=row.expected_amount,
            currency=row.currency,
            receipt=row.receipt,
            paid_at=row.paid_at,
            reported_at=row.reported_at,
            expires_at=row.expires_at,
            settled=self._settlement(row),
        )

    def _settlement(self, row: PaymentProblemRow) -> SettlementView | None:
        if row.settled_at is None or row.settled_reason is None:
            return None
        parameters = msgspec.json.decode(row.settled_parameters or "{}", type=dict[str, str])
        return SettlementView(row.settled_at, self.words(Reason(code=row.settled_reason, parameters=parameters)))

    def words(self, reason: Reason) -> WordedReason:
        """A reason with its words."""
        words = Labels(id=reason_words(self.catalogue, reason, "id"), en=reason_words(self.catalogue, reason, "en"))
        return WordedReason(reason.code, reason.parameters, words)

    def _service_labels(self, code: str) -> Labels:
        service = self.catalogue.services.get(code)
        return service.labels if service else Labels(id=code, en=code)

    def _stage(self, service_code: str, code: str) -> Named:
        service = self.catalogue.services.get(service_code)
        stages = {stage.code: stage.labels for stage in service.stages} if service else {}
        return Named(code, _CLOSED_LABELS if code == CLOSED else stages.get(code, Labels(id=code, en=code)))

    def _documents(self, number: str, case: Case) -> list[DocumentView]:
        place = f"{self._intake_url}/applications/{segment(number)}/documents"
        return [
            DocumentView(item.document, item.requirement, item.commitment, f"{place}/{segment(item.document)}")
            for item in case.documents
        ]

    def _opinion(self, opinion: Opinion, now: datetime) -> OpinionView:
        given = opinion.given
        return OpinionView(
            opinion=opinion.version,
            body=named_body(self.catalogue, opinion.asked.body),
            question=self.words(opinion.asked.question),
            requirements=opinion.asked.requirements,
            asked_at=opinion.asked_at,
            answer_by=opinion.answer_by,
            expires_at=opinion.expires_at,
            state=_state(opinion, now),
            outcome=given.outcome if given else None,
            reasons=[self.words(reason) for reason in given.reasons] if given else [],
            given_at=opinion.given_at,
            withdrawn_at=opinion.withdrawn_at,
        )

    def _problems(self, number: str, case: Case) -> list[PaymentProblemView]:
        return [self.problem(problem_row(number, problem)) for problem in case.problems]

    def _decision(self, case: Case) -> DecisionView | None:
        made = case.decision
        return DecisionView(made.outcome, [self.words(r) for r in made.reasons], made.remedy) if made else None


def named_body(catalogue: Catalogue, code: str) -> Named:
    """An office or agency with its name; one that the catalogue no longer has keeps its code."""
    return Named(code, body_labels(catalogue, code) or Labels(id=code, en=code))


def _state(opinion: Opinion, now: datetime) -> str:
    if not opinion.open:
        return "given" if opinion.given else "withdrawn"
    if now > opinion.expires_at:
        return "expired"
    return "late" if now > opinion.answer_by else "awaited"


def waits_for(row: WorklistRow, now: datetime) -> str:
    """Who can act now: the office, once another party's time limit has passed."""
    return "office" if row.act_from is not None and row.act_from <= now else row.turn


def limit_passed(view: CaseView) -> bool:
    """What changes without a new version: another party's time limit passed and the office has to act, or a body's."""
    return view.waits_for != view.turn or any(opinion.state in ("late", "expired") for opinion in view.opinions)


def steps(history: Sequence[Happened], first_version: int = 1) -> list[Step]:
    """What happened, in order; the first of them made `first_version`."""
    return [
        Step(version, public_name(happened.fact), happened.at, getattr(happened.fact, "by", None))
        for version, happened in enumerate(history, start=first_version)
    ]


def _problem_reason(row: PaymentProblemRow) -> Reason:
    parameters = {"paid": str(row.amount), "paid_currency": row.currency}
    if row.expected_amount is not None:
        parameters["asked"] = str(row.expected_amount)
    return Reason(code=row.kind, parameters=parameters)


def _assessment(item: FeeAssessed) -> AssessmentView:
    return AssessmentView(
        billing_code=item.billing_code,
        amount=item.amount,
        currency=item.currency,
        lines=item.lines,
        expires_at=item.expires_at,
    )


def _payment(case: Case) -> PaymentView | None:
    paid = case.payment
    if paid is None:
        return None
    return PaymentView(
        billing_code=paid.billing_code,
        amount=paid.amount,
        currency=paid.currency,
        receipt=paid.receipt,
        paid_at=case.times["fee_paid"][-1],
        reported_at=paid.reported_at,
    )


def _issued(case: Case) -> IssueView | None:
    done = case.issued
    return IssueView(done.product, done.valid_until, done.collect_by) if done else None


def _command(item: Possibility) -> CommandView:
    refusal = item.refusal
    view = RefusalView(refusal.slug, refusal.words, refusal.details) if refusal and not item.done else None
    return CommandView(item.command, item.outcome, item.allowed, item.done, view)
