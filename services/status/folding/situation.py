"""From what is known of an application to where it stands: which stage, who is waited on since when, what comes next.

Rules of the waiting: `CLOCKS.md` of the design; where two would hold, the one who can act next holds it: the applicant
before another agency before the office, and a legal pause before all. Pure; times are microseconds since 1970.
"""

from typing import Final, Literal

from msgspec import Struct

from services.status.folding.procedure import Procedure
from services.status.folding.progress import Progress

Party = Literal["applicant", "office", "agency", "bank", "legal_pause", "nobody"]


class Situation(Struct, frozen=True):
    """Where an application stands. `code` names the words for it (`words.yaml`)."""

    code: str
    waits_for: Party
    since: int
    stage: str = ""
    """The furthest declared stage that was reached; empty while none was."""
    next_stage: str = ""
    """The next mandatory stage; empty at the end, and where the service declares none."""


_OFFICE_WORK: Final = {
    "submitted": "submitted",
    "document_supplied": "submitted",
    "documents_verified": "verified",
    "fee_paid": "paid",
    "examined": "examined",
    "decided": "approved",
}
"""Fact of the furthest stage → what the office does now."""


def situate(progress: Progress, procedure: Procedure) -> Situation:
    """Where the application stands."""
    place = _furthest(progress, procedure)
    stage = procedure.stages[place][0] if place >= 0 else ""
    following = _following(progress, procedure, place)
    code, party, since = (
        _ended(progress, procedure, following) or _waiting(progress) or _at_office(progress, procedure, place)
    )
    return Situation(code, party, since, stage, "" if party == "nobody" else following)


def _furthest(progress: Progress, procedure: Procedure) -> int:
    for place in range(len(procedure.stages) - 1, -1, -1):
        if procedure.stages[place][1] in progress.reached:
            return place
    return -1


def _following(progress: Progress, procedure: Procedure, place: int) -> str:
    for code, fact, optional in procedure.stages[place + 1 :]:
        if not optional and fact not in progress.reached:
            return code
    return ""


Standing = tuple[str, Party, int]


def _completed_at(progress: Progress, procedure: Procedure) -> int:
    """When the last of the stages that had to be reached was: what follows does not move the end."""
    last = procedure.stages[-1][1]
    return max(progress.reached.get(fact, 0) for _, fact, optional in procedure.stages if not optional or fact == last)


def _ended(progress: Progress, procedure: Procedure, following: str) -> Standing | None:
    reached = progress.reached
    for fact in ("collected", "withdrawn"):
        if fact in reached:
            return fact, "nobody", reached[fact]
    if progress.outcome == "refused" and "issued" not in reached:
        return "refused", "nobody", progress.decided_at
    if procedure.stages and not following and procedure.stages[-1][1] in reached:
        return "completed", "nobody", _completed_at(progress, procedure)
    return None


def _waiting(progress: Progress) -> Standing | None:  # noqa: PLR0911 - a list of rules, the first that holds
    """Who other than the office is waited on."""
    if progress.paused and progress.paused_at is not None:
        return "paused", "legal_pause", progress.paused_at
    if "issued" in progress.reached:
        return "issued", "applicant", progress.reached["issued"]
    if not progress.outcome:
        if progress.outstanding:
            return "documents_requested", "applicant", min(progress.outstanding.values())
        if progress.fee is not None and progress.paid is None:
            return "payment_problem" if progress.payments else "fee_due", "applicant", progress.fee.assessed_at
        if progress.invited:
            return "invited", "applicant", min(since for since, _ in progress.invited.values())
    elif (since := _invited_after_decision(progress)) is not None:
        return "invited", "applicant", since
    away = progress.transferred_at is not None and progress.transferred_to != progress.office
    if progress.transferred_at is not None and away and not progress.answered:
        return "transferred", "agency", progress.transferred_at
    return None


def _invited_after_decision(progress: Progress) -> int | None:
    """Stay permits are approved before the examination: an invitation that came after the decision is still to be met."""
    decided_at = progress.reached.get("decided")
    if decided_at is None or not progress.invited or progress.outcome != "approved":
        return None
    later = [since for since, _ in progress.invited.values() if since > decided_at]
    if any(since == decided_at for since, _ in progress.invited.values()):
        tied = [moment.fact for moment in progress.journal if moment.at == decided_at]
        if "invited" in tied[tied.index("decided") + 1 :]:
            later.append(decided_at)
    return min(later, default=None)


def _at_office(progress: Progress, procedure: Procedure, place: int) -> Standing:
    since = _office_since(progress)
    if progress.own_stage and progress.own_stage_at >= (progress.acted_at or progress.own_stage_at):
        return "in_stage", "office", since
    if "submitted" not in progress.reached:
        return "not_submitted", "office", since
    if progress.outcome == "approved":
        return "approved", "office", since
    fact = procedure.stages[place][1] if place >= 0 else ""
    return _OFFICE_WORK.get(fact, "in_progress"), "office", since


def _office_since(progress: Progress) -> int:
    """Since when nobody but the office could act: the latest of what ended the wait for someone else."""
    moments = [progress.reached.get("submitted", progress.last_at)]
    if progress.supplied:
        moments.append(max(progress.supplied.values()))
    if progress.paid is not None:
        moments.append(progress.paid.reported_at)
    if progress.called_in and progress.examined:
        moments.append(max(progress.examined.values()))
    if progress.resumed_at is not None and progress.paused_at is not None:
        moments.append(progress.resumed_at)
    if progress.transferred_at is not None and progress.acted_at is not None:
        moments.append(progress.acted_at)
    return max(moments)
