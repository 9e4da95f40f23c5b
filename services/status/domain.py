"""The fold: an application's events, in the order of the log, become what is known of it. Pure, no clock of its own.

`evolve` changes the `Progress` that it is given instead of copying it (docs/decisions: the rebuild folds hundreds of
thousands of events a second). Events arrive in surprising orders: a fact that is reported late has its own, earlier
time, and never takes the status back. What surprises is recorded as a deviation and refused nowhere. All times are
microseconds since 1970; where two are equal, the order of the log decides.
"""

from collections.abc import Callable
from typing import Any, Final

from services.status.folding.procedure import Procedure
from services.status.folding.progress import Fee, Moment, Payment, Progress
from services.status.folding.reading import (
    DECODERS,
    Decided,
    DocumentsRequested,
    DocumentSupplied,
    Examined,
    FeeAssessed,
    FeePaid,
    Invited,
    Issued,
    Paused,
    StageRecorded,
    Submitted,
    Transferred,
    in_us,
)

PROJECTION_VERSION: Final = 2
"""Raised with every change of the fold or of the projection's tables: another version is another generation."""

BEFORE_SUBMISSION: Final = "before_submission"
AFTER_END: Final = "after_end"
AHEAD_OF: Final = "ahead_of:"
"""Followed by the code of a stage that the service puts first and that had not been reached."""
REPEATED: Final = "repeated:"
"""Followed by the code of a stage (or the name of a fact) that had been reached before."""
NOT_REQUESTED: Final = "document_not_requested"
UNKNOWN_BILLING_CODE: Final = "payment_unknown_code"
WRONG_AMOUNT: Final = "payment_amount_differs"
AFTER_EXPIRY: Final = "payment_after_expiry"
PAID_AGAIN: Final = "payment_repeated"
REPORTED_LATE: Final = "payment_reported_late"
"""No deviation of the process, and not standing: the bank's delay, which is not the applicant's."""
_PROMPT_US: Final = 3_600_000_000
"""What is recorded within an hour of its own time is in time."""


Found = tuple[str, ...]
"""Codes of deviations."""
_Evolve = Callable[[Progress, Procedure, int, int, Any], Found]
"""(progress, procedure, at, reported, data): `reported` is when it was recorded; for history, which is recorded together
with what came before it and long after it happened, its own time."""


def evolve(  # noqa: PLR0917 - called a hundred thousand times a second, and names cost
    progress: Progress, procedure: Procedure, fact: str, at: int, recorded: int, data: Any
) -> Found:
    """Take in one event: fact `fact` with `data`, which happened at `at` and was recorded at `recorded`.

    Returns the deviations that it shows. The caller sees to it that an event is taken in once, and that `procedure` is
    `UNDECLARED` until the service is known (see `declare`).
    """
    n = progress.n = progress.n + 1
    journal = progress.journal
    reported = at
    if journal:
        if at > progress.last_at:  # noqa: PLR1730 - a comparison costs a third of a call, here and below
            progress.last_at = at
        if recorded > progress.last_recorded:  # noqa: PLR1730
            progress.last_recorded = recorded
        if progress.first_recorded <= at:
            reported = recorded
    else:
        progress.last_at, progress.first_recorded, progress.last_recorded = at, recorded, recorded
    change, detail, is_act = _KINDS[fact]
    desk = data.by.desk or ""
    if fact == "stage_recorded":
        journal.append(Moment(at, n, f"stage_recorded:{data.stage}", reported, desk))
    else:
        journal.append(Moment(at, n, fact, reported, desk, detail(data) if detail is not None else ()))
    if data.corrects is not None:
        progress.corrected = True
    if change is None:
        return ()
    found = change(progress, procedure, at, reported, data)
    if is_act:
        _act(progress, at, desk)
    if not progress.service:
        found = (BEFORE_SUBMISSION, *found)
    return _note(progress, at, found) if found else ()


def _act(progress: Progress, at: int, desk: str) -> None:
    """The body that has the case did something."""
    if progress.acted_at is None or at > progress.acted_at:
        progress.acted_at, progress.desk = at, desk or progress.desk
    if progress.transferred_at is not None and at >= progress.transferred_at:
        progress.answered = True


def declare(progress: Progress, procedure: Procedure) -> None:
    """From now on the events are held against `procedure`: the service is known."""
    progress.stages = procedure.mask(progress.reached)


def _note(progress: Progress, at: int, found: Found) -> Found:
    standing = progress.standing or {}
    for code in found:
        if code != REPORTED_LATE:
            standing[code] = max(at, standing.get(code, at))
    progress.standing = standing or None
    return found


def _reach(progress: Progress, procedure: Procedure, fact: str, at: int) -> Found:
    """Note a milestone; deviations: it was expected once, it came ahead of a mandatory stage, or after the end."""
    before = progress.reached.get(fact)
    if before is None or at < before:
        progress.reached[fact] = at
        if progress.standing:
            _settle_order(progress, procedure, fact, at)
    reaches, needs = procedure.steps.get(fact, _NO_STEP)
    progress.stages |= reaches
    missing = needs & ~progress.stages
    ended = progress.ended_at
    if before is None and not missing and ended is None:
        return ()
    found = [AHEAD_OF + stage for stage in procedure.codes(missing)]
    if before is not None and fact not in _MAY_REPEAT:
        found.insert(0, REPEATED + procedure.stage_of.get(fact, fact))
    if ended is not None and at > ended:
        found.append(AFTER_END)
    return tuple(found)


def _end(progress: Progress, procedure: Procedure, fact: str, at: int) -> Found:
    found = _reach(progress, procedure, fact, at)
    progress.ended_at = at if progress.ended_at is None else min(at, progress.ended_at)
    return found


def _settle_order(progress: Progress, procedure: Procedure, fact: str, at: int) -> None:
    """A late report shows that the order was kept after all: what was ahead of it is no longer a deviation."""
    code = AHEAD_OF + procedure.stage_of.get(fact, "")
    standing = progress.standing or {}
    if code in standing and at <= standing[code]:
        del standing[code]
    if fact == "submitted":
        standing.pop(BEFORE_SUBMISSION, None)


_NO_STEP: Final = (0, 0)
_MAY_REPEAT: Final = frozenset(
    {
        "documents_requested", "document_supplied", "fee_assessed", "fee_paid", "invited", "examined", "paused",
        "resumed", "transferred",
    }
)  # fmt: skip
"""Facts that may happen again in the ordinary course."""


def _documents_verified(progress: Progress, procedure: Procedure, at: int, reported: int, data: Any) -> Found:
    return _reach(progress, procedure, "documents_verified", at)


def _collected(progress: Progress, procedure: Procedure, at: int, reported: int, data: Any) -> Found:
    return _end(progress, procedure, "collected", at)


def _withdrawn(progress: Progress, procedure: Procedure, at: int, reported: int, data: Any) -> Found:
    return _end(progress, procedure, "withdrawn", at)


def _submitted(progress: Progress, procedure: Procedure, at: int, reported: int, data: Submitted) -> Found:
    if not progress.service:
        progress.service, progress.office = data.service, data.office
    return _reach(progress, procedure, "submitted", at)


def _documents_requested(
    progress: Progress, procedure: Procedure, at: int, reported: int, data: DocumentsRequested
) -> Found:
    supplied = progress.supplied or {}
    outstanding = progress.outstanding or {}
    for document in data.documents:
        if at >= supplied.get(document.requirement, at):
            outstanding[document.requirement] = max(at, outstanding.get(document.requirement, at))
    progress.outstanding = outstanding or None
    return _reach(progress, procedure, "documents_requested", at)


def _document_supplied(
    progress: Progress, procedure: Procedure, at: int, reported: int, data: DocumentSupplied
) -> Found:
    requirement = data.document.requirement
    supplied = progress.supplied = progress.supplied or {}
    asked = progress.outstanding is not None and requirement in progress.outstanding
    known = requirement in supplied
    supplied[requirement] = max(at, supplied.get(requirement, at))
    if asked and progress.outstanding is not None and at >= progress.outstanding[requirement]:
        del progress.outstanding[requirement]
        progress.outstanding = progress.outstanding or None
    found = _reach(progress, procedure, "document_supplied", at)
    return found if asked or known else (NOT_REQUESTED, *found)


def _fee_assessed(progress: Progress, procedure: Procedure, at: int, reported: int, data: FeeAssessed) -> Found:
    fee = Fee(data.billing_code, data.amount, data.currency, in_us(data.expires_at), at)
    if progress.fee is None or at >= progress.fee.assessed_at:
        if progress.fee is not None:
            progress.earlier_fees = [*(progress.earlier_fees or ()), progress.fee]
        progress.fee = fee
    else:
        progress.earlier_fees = [*(progress.earlier_fees or ()), fee]
    found = _reach(progress, procedure, "fee_assessed", at)
    for payment in progress.payments or ():
        if progress.paid is None and not _misfits(payment, fee):
            _accept(progress, procedure, payment)
    return found


def _misfits(payment: Payment, fee: Fee | None) -> Found:
    """Why a payment does not meet the assessment of its billing code; nothing when it does."""
    if fee is None or fee.code != payment.code:
        return (UNKNOWN_BILLING_CODE,)
    if (fee.amount, fee.currency) != (payment.amount, payment.currency):
        return (WRONG_AMOUNT,)
    return (AFTER_EXPIRY,) if payment.paid_at > fee.expires_at else ()


def _accept(progress: Progress, procedure: Procedure, payment: Payment) -> Found:
    progress.paid = payment
    for code in (UNKNOWN_BILLING_CODE, WRONG_AMOUNT, AFTER_EXPIRY):
        if progress.standing:
            progress.standing.pop(code, None)
    return _reach(progress, procedure, "fee_paid", payment.paid_at)


def _fee_paid(progress: Progress, procedure: Procedure, at: int, reported: int, data: FeePaid) -> Found:
    payment = Payment(data.billing_code, data.amount, data.currency, at, reported)
    fees = [fee for fee in (progress.fee, *(progress.earlier_fees or ())) if fee and fee.code == payment.code]
    misfits = _misfits(payment, fees[0] if fees else None)
    if misfits or progress.paid is not None:
        progress.payments = [*(progress.payments or ()), payment]
        return misfits or (PAID_AGAIN,)
    late = (REPORTED_LATE,) if reported - at > _PROMPT_US else ()
    return late + _accept(progress, procedure, payment)


def _invited(progress: Progress, procedure: Procedure, at: int, reported: int, data: Invited) -> Found:
    if at >= (progress.examined or {}).get(data.examination, at):
        invited = progress.invited = progress.invited or {}
        if data.examination not in invited or at >= invited[data.examination][0]:
            invited[data.examination] = (at, in_us(data.at))
    else:
        progress.called_in = True
    return _reach(progress, procedure, "invited", at)


def _examined(progress: Progress, procedure: Procedure, at: int, reported: int, data: Examined) -> Found:
    examined = progress.examined = progress.examined or {}
    for examination in data.examinations:
        examined[examination] = max(at, examined.get(examination, at))
        if progress.invited and examination in progress.invited and at >= progress.invited[examination][0]:
            del progress.invited[examination]
            progress.called_in = True
    progress.invited = progress.invited or None
    return _reach(progress, procedure, "examined", at)


def _decided(progress: Progress, procedure: Procedure, at: int, reported: int, data: Decided) -> Found:
    if not progress.outcome or at >= progress.decided_at:
        progress.decided_at, progress.outcome = at, data.outcome
        progress.reasons, progress.remedy = tuple(data.reasons), data.remedy
    return _reach(progress, procedure, "decided", at)


def _issued(progress: Progress, procedure: Procedure, at: int, reported: int, data: Issued) -> Found:
    if "issued" not in progress.reached or at >= progress.reached["issued"]:
        progress.product = data.product
        progress.collect_by = in_us(data.collect_by) if data.collect_by else None
    return _reach(progress, procedure, "issued", at)


def _paused(progress: Progress, procedure: Procedure, at: int, reported: int, data: Paused) -> Found:
    if progress.paused_at is None or at >= progress.paused_at:
        progress.paused_at, progress.pause = at, data.reason
        progress.paused = progress.resumed_at is None or at >= progress.resumed_at
    return _reach(progress, procedure, "paused", at)


def _resumed(progress: Progress, procedure: Procedure, at: int, reported: int, data: Any) -> Found:
    if progress.paused_at is None or at >= progress.paused_at:
        progress.paused = False
    progress.resumed_at = max(at, progress.resumed_at or at)
    return _reach(progress, procedure, "resumed", at)


def _transferred(progress: Progress, procedure: Procedure, at: int, reported: int, data: Transferred) -> Found:
    if progress.transferred_at is None or at >= progress.transferred_at:
        progress.transferred_at, progress.transferred_to = at, data.to
        progress.answered = progress.acted_at is not None and progress.acted_at > at
    return _reach(progress, procedure, "transferred", at)


def _stage_recorded(progress: Progress, procedure: Procedure, at: int, reported: int, data: StageRecorded) -> Found:
    fact = f"stage_recorded:{data.stage}"
    if at >= progress.own_stage_at or not progress.own_stage:
        progress.own_stage, progress.own_stage_at = data.stage, at
        progress.own_stage_id, progress.own_stage_en = data.labels.id, data.labels.en
    return _reach(progress, procedure, fact, at)


_OF_OTHERS: Final = frozenset({"submitted", "document_supplied", "fee_paid", "withdrawn", "transferred"})
"""Not an act of the body that has the case: of the applicant, of the bank, or handing the case on."""

_CHANGES: Final[dict[str, _Evolve]] = {
    "submitted": _submitted,
    "documents_requested": _documents_requested,
    "document_supplied": _document_supplied,
    "documents_verified": _documents_verified,
    "fee_assessed": _fee_assessed,
    "fee_paid": _fee_paid,
    "invited": _invited,
    "examined": _examined,
    "decided": _decided,
    "issued": _issued,
    "collected": _collected,
    "withdrawn": _withdrawn,
    "paused": _paused,
    "resumed": _resumed,
    "transferred": _transferred,
    "stage_recorded": _stage_recorded,
}
"""The facts that change an application's status; the others are on the timeline only."""

_DETAILS: Final[dict[str, Callable[[Any], tuple[str, ...]]]] = {
    "documents_requested": lambda data: tuple([one.requirement for one in data.documents]),
    "document_supplied": lambda data: (data.document.requirement,),
    "fee_assessed": lambda data: (data.billing_code,),
    "fee_paid": lambda data: (data.billing_code,),
    "invited": lambda data: (data.examination,),
    "examined": lambda data: tuple(data.examinations),
    "decided": lambda data: (data.outcome,),
    "paused": lambda data: (data.reason.code,),
    "transferred": lambda data: (data.to,),
}
"""What the clocks need to know of an event beside its time."""
_KINDS: Final = {
    fact: (_CHANGES.get(fact), _DETAILS.get(fact), fact in _CHANGES and fact not in _OF_OTHERS) for fact in DECODERS
}
"""Of each fact: what it changes, what the clocks need to know of it, and whether it is an act of who has the case."""
