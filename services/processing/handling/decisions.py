"""Claiming, releasing, handing on, escalating and opening a case. Pure.

A claim says who works at a case; it is no permission. The office decides, not the person: any officer of the office may
act on a case that a colleague holds, and versions keep them from overwriting each other.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from contracts.facts import Actor, Fact, Reason
from services.processing import refusals as no
from services.processing.deadlines import Deadline
from services.processing.domain import Case
from services.processing.handling import refusals as held
from services.processing.handling.domain import Handling, Run
from services.processing.handling.events import (
    CaseAssigned,
    CaseClaimed,
    CaseEscalated,
    CaseLookedInto,
    CaseReleased,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Colleague:
    """Who asks: the pseudonym, and what events may say of the person."""

    officer: str
    by: Actor
    supervises: bool = False


def claim(case: Case, handling: Handling, me: Colleague, load: int, most: int) -> list[Fact]:
    """Take the case, where nobody has it. `load` is how many I hold that wait for the office; more than `most` is too many."""
    _check_here(case, me)
    if handling.claim and handling.claim.officer == me.officer:
        return []
    if handling.claim:
        raise held.ClaimedByAnother(desk=handling.claim.desk, since=handling.claim.since)
    if load >= most:
        raise held.HoldsEnough(most=most, holds=load)
    return [CaseClaimed(officer=me.officer, by=me.by)]


def release(case: Case, handling: Handling, me: Colleague) -> list[Fact]:
    """Give the case back; a supervisor also one that another officer has."""
    if handling.claim is None:
        return []
    _check_mine(handling, me)
    return [CaseReleased(by=me.by)]


def assign(case: Case, handling: Handling, officer: str | None, desk: str | None, me: Colleague) -> list[Fact]:
    """Hand the case to an officer or to a desk: who has it, anyone where nobody has it, a supervisor always.

    An officer's limit does not count here: a person hands it on and answers for it.
    """
    _check_here(case, me)
    if not officer and not desk:
        raise held.OneReceiver()
    _check_mine(handling, me)
    if officer and handling.claim and handling.claim.officer == officer:
        return []
    if not officer and handling.claim is None and handling.desk == desk:
        return []
    return [CaseAssigned(officer=officer, desk=desk, by=me.by)]


def escalate(handling: Handling, run: Run, deadline: Deadline, at: datetime) -> list[Fact]:
    """Tell the supervisor that the deadline of this run is near; once, however often it is looked."""
    if deadline.escalate_at is None or deadline.at is None or at < deadline.escalate_at or handling.escalated_at(run):
        return []
    by = Actor(role="system")
    return [CaseEscalated(rule=run.rule, started_at=run.started_at, deadline=deadline.at, by=by)]


def look_into(case: Case, reason: Reason, known: Collection[str], me: Colleague) -> list[Fact]:
    """Note that the case was opened at the help desk, and why; each time anew. Also one that has ended."""
    if me.by.office not in {case.office, case.holder}:
        raise no.CaseElsewhere(holder=case.holder)
    if reason.code not in known:
        raise no.UnknownReason(reasons=[reason.code], known=sorted(known))
    return [CaseLookedInto(officer=me.officer, reason=reason, by=me.by)]


def _check_here(case: Case, me: Colleague) -> None:
    if case.closed:
        raise no.CaseClosed()
    if me.by.office not in {case.office, case.holder}:
        raise no.CaseElsewhere(holder=case.holder)


def _check_mine(handling: Handling, me: Colleague) -> None:
    if handling.claim and handling.claim.officer != me.officer and not me.supervises:
        raise held.ClaimedByAnother(desk=handling.claim.desk, since=handling.claim.since)
