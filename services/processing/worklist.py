"""What the officers' inbox says of a case: where it stands, who acts next and from when, what is possible now. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.catalogue import Office, Service
from services.processing import conditions as may
from services.processing.conditions import Circumstances
from services.processing.deadlines import AHEAD, Ahead, Deadline, running_deadline
from services.processing.domain import Case, has_happened, limit_of_turn
from services.processing.handling.domain import UNTOUCHED, Handling, Run
from services.processing.refusals import Refusal

CLOSED: Final = "closed"
"""The stage of a case that has ended."""

_COMMAND_OF: Final = {
    "documents_verified": "verify-documents",
    "fee_assessed": "assess-fee",
    "fee_paid": "assess-fee",
    "invited": "invite",
    "examined": "examine",
    "decided": "decide",
    "issued": "issue",
    "collected": "hand-over",
}


@dataclass(frozen=True, slots=True)
class WorklistRow:
    """One line of the inbox; the fields are the columns of the table `worklist`."""

    number: str
    version: int
    service: str
    office: str
    holder: str
    desk: str | None
    stage: str
    next_commands: list[str]
    turn: str
    turn_since: datetime | None
    act_from: datetime | None
    submitted_at: datetime
    deadline_rule: str | None
    deadline_at: datetime | None
    deadline_remaining: int | None
    paused: bool
    payment_problems: int
    handling_version: int = 0
    officer: str | None = None
    officer_desk: str | None = None
    claimed_at: datetime | None = None
    queue: str | None = None
    escalate_at: datetime | None = None
    escalated_at: datetime | None = None
    opinions_awaited: int = 0
    opinion_due_at: datetime | None = None
    opinion_given_at: datetime | None = None


def row_of(
    number: str, case: Case, service: Service, office: Office, *, handling: Handling = UNTOUCHED, ahead: Ahead = AHEAD
) -> WorklistRow:
    """The inbox's line for an existing case. `ahead`: how long before its deadline it is escalated."""
    if case.submitted_at is None:
        raise ValueError(f"{number} is no case")
    deadline = running_deadline(case, service, office, ahead) or Deadline("", None)
    claim, awaited = handling.claim, [opinion for opinion in case.opinions if opinion.open]
    return WorklistRow(
        number=number,
        version=case.version,
        service=case.service,
        office=case.office,
        holder=case.holder,
        desk=case.desk,
        stage=stage_of(case, service),
        next_commands=next_commands(case, service),
        turn=case.turn,
        turn_since=case.turn_since,
        act_from=case.turn_since if case.turn == "office" else limit_of_turn(case),
        submitted_at=case.submitted_at,
        deadline_rule=deadline.rule or None,
        deadline_at=deadline.at,
        deadline_remaining=deadline.remaining,
        paused=case.pause is not None,
        payment_problems=len(case.open_problems),
        handling_version=handling.version,
        officer=claim.officer if claim else None,
        officer_desk=claim.desk if claim else None,
        claimed_at=claim.since if claim else None,
        queue=handling.desk,
        escalate_at=deadline.escalate_at,
        escalated_at=_escalated_at(handling, deadline),
        opinions_awaited=len(awaited),
        opinion_due_at=min((opinion.answer_by for opinion in awaited), default=None),
        opinion_given_at=max((opinion.given_at for opinion in case.opinions if opinion.given_at), default=None),
    )


def _escalated_at(handling: Handling, deadline: Deadline) -> datetime | None:
    return handling.escalated_at(Run(deadline.rule, deadline.started_at)) if deadline.started_at else None


def stage_of(case: Case, service: Service) -> str:
    """The first stage of the declared process that is not optional and not reached: what the case is at."""
    if case.closed:
        return CLOSED
    ahead = [stage.code for stage in service.stages if not stage.optional and _is_ahead(case, stage.reached_by)]
    return ahead[0] if ahead else CLOSED


def _is_ahead(case: Case, reached_by: str) -> bool:
    return reached_by in _COMMAND_OF and not has_happened(case, reached_by)


def next_commands(case: Case, service: Service) -> list[str]:
    """What the office does next, once it has to: what the pause, the transfer or the applicant's time limit leaves to it,
    else optional steps of the process and the next one that is not optional.
    """
    waiting: list[tuple[bool, list[str]]] = [
        (case.closed, []),
        (case.pause is not None, ["resume"]),
        (bool(case.requested), ["request-documents", "decide"]),
        (case.turn == "agency", ["transfer"]),
        (case.invitation is not None, ["examine", "invite"]),
        (case.issued is not None, ["hand-over"]),
    ]
    found = next((commands for holds, commands in waiting if holds), None)
    return _steps_ahead(case, service) if found is None else found


def _steps_ahead(case: Case, service: Service) -> list[str]:
    reached = [n for n, stage in enumerate(service.stages) if has_happened(case, stage.reached_by)]
    steps: list[str] = []
    for position, stage in enumerate(service.stages):
        passed_by = stage.optional and bool(reached) and position < reached[-1]
        if not passed_by and _is_ahead(case, stage.reached_by):
            steps.append(_COMMAND_OF[stage.reached_by])
            if not stage.optional:
                break
    return list(dict.fromkeys(steps))


_CONDITIONS: Final[list[tuple[str, str | None, Callable[[Case, Circumstances], None], Callable[[Case], bool]]]] = [
    ("request-documents", None, may.may_request_documents, lambda case: False),
    ("verify-documents", None, may.may_verify_documents, lambda case: case.verified_at is not None),
    ("assess-fee", None, may.may_assess_fee, lambda case: False),
    ("invite", None, may.may_invite, lambda case: False),
    ("examine", None, may.may_examine, lambda case: False),
    ("decide", "approved", may.may_approve, lambda case: case.decision is not None),
    ("decide", "refused", may.may_refuse, lambda case: case.decision is not None),
    ("issue", None, may.may_issue, lambda case: False),
    ("hand-over", None, may.may_hand_over, lambda case: case.collected),
    ("pause", None, may.may_pause, lambda case: case.pause is not None),
    ("resume", None, may.may_resume, lambda case: not case.closed and case.pause is None),
    ("transfer", None, may.may_transfer, lambda case: False),
    ("ask-opinion", None, may.may_ask_opinion, lambda case: False),
    ("reissue-opinion-link", None, may.may_change_opinion, lambda case: False),
    ("withdraw-opinion", None, may.may_change_opinion, lambda case: False),
    (
        "settle-payment-problem",
        None,
        may.may_settle_payment_problem,
        lambda case: bool(case.problems) and not case.open_problems,
    ),
]


@dataclass(frozen=True, slots=True)
class Possibility:
    """Whether a command can be given now: yes, no because it already holds (`done`), or no because of `refusal`."""

    command: str
    outcome: str | None
    done: bool
    refusal: Refusal | None

    @property
    def allowed(self) -> bool:
        return not self.done and self.refusal is None


def possibilities(case: Case, now: Circumstances) -> list[Possibility]:
    """Every command, and what stands in its way."""
    return [
        Possibility(command, outcome, done(case), _refusal(condition, case, now))
        for command, outcome, condition, done in _CONDITIONS
    ]


def _refusal(condition: Callable[[Case, Circumstances], None], case: Case, now: Circumstances) -> Refusal | None:
    try:
        condition(case, now)
    except Refusal as refusal:
        return refusal
    return None
