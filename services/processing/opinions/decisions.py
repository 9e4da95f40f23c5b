"""Asking for an opinion, taking that back, and the answer. Pure.

What the applicant sees of it are `stage_recorded` facts: who was asked, since when, and that the answer arrived. Their
codes have the opinion's number in them, since a body may be asked twice and a stage happens once. What was answered
stays within the office until it decides.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from contracts.facts import Actor, Fact, Labels, Reason, StageRecorded
from services.processing import refusals as no
from services.processing.conditions import Circumstances, check_held_here, check_reasons, may_ask_opinion
from services.processing.domain import Case
from services.processing.opinions import refusals as link
from services.processing.opinions.commands import AskOpinion, GiveOpinion, ReissueOpinionLink, WithdrawOpinion
from services.processing.opinions.domain import Opinion, opinion_of
from services.processing.opinions.events import OpinionAsked, OpinionGiven, OpinionLinkReissued, OpinionWithdrawn

_LABEL_CHARS: Final = 200


def ask_opinion(case: Case, command: AskOpinion, now: Circumstances) -> list[Fact]:
    """Ask another body. The same body is not asked the same question twice at a time."""
    may_ask_opinion(case, now)
    name = now.bodies.get(command.body)
    if name is None:
        raise link.UnknownBody(body=command.body, known=sorted(now.bodies))
    question = Reason(code=command.question)
    check_reasons(now, "opinion_question", [question])
    known = {item.code for item in now.service.requirements}
    if unknown := [code for code in command.requirements if code not in known]:
        raise no.UnknownRequirement(requirements=unknown, known=sorted(known))
    same = [
        one for one in case.opinions if one.open and (one.asked.body, one.asked.question) == (command.body, question)
    ]
    if any(one.link == command.link for one in same):
        return []
    if same:
        raise link.OpinionAlreadyAsked(body=command.body)
    answer_by = _answer_by(command.answer_by, now)
    opinion = case.version + 1
    return [
        OpinionAsked(
            body=command.body, question=question, answer_by=answer_by, expires_at=_expiry(answer_by, now),
            link=command.link, by=now.by, requirements=list(dict.fromkeys(command.requirements)),
        ),
        _stage("opinion_requested", opinion, _requested(name), now.by),
    ]  # fmt: skip


def reissue_link(case: Case, command: ReissueOpinionLink, now: Circumstances) -> list[Fact]:
    """A new link, and where it is said another time limit; an expired limit is set anew."""
    opinion = _awaited(case, command.opinion, now)
    if opinion.link == command.link:
        return []
    kept = opinion.answer_by if opinion.answer_by > now.at else None
    answer_by = _answer_by(command.answer_by or kept, now)
    return [
        OpinionLinkReissued(
            opinion=opinion.version, answer_by=answer_by, expires_at=_expiry(answer_by, now), link=command.link,
            by=now.by,
        )
    ]  # fmt: skip


def withdraw_opinion(case: Case, command: WithdrawOpinion, now: Circumstances) -> list[Fact]:
    """Stop waiting for the answer; done already: nothing."""
    opinion = opinion_of(case.opinions, command.opinion)
    if opinion and opinion.withdrawn_at:
        return []
    opinion = _awaited(case, command.opinion, now)
    return [
        OpinionWithdrawn(opinion=opinion.version, by=now.by),
        _stage("opinion_withdrawn", opinion.version, _no_longer(_name(opinion, now.bodies)), now.by),
    ]


def check_link(case: Case, opinion: Opinion, digest: str, at: datetime) -> None:
    """The link can be looked at: it is the present one, in time, and the answer still matters. Raises a `LinkEnded`."""
    if opinion.link != digest:
        raise link.LinkReplaced()
    if opinion.withdrawn_at:
        raise link.OpinionIsWithdrawn()
    if opinion.given:
        return
    if at > opinion.expires_at:
        raise link.LinkExpired(expires_at=opinion.expires_at)
    if case.closed or case.decision:
        raise link.OpinionNotNeeded()


def give_opinion(
    case: Case,
    opinion: Opinion,
    command: GiveOpinion,
    *,
    reasons: Mapping[str, Sequence[str]],
    bodies: Mapping[str, Labels],
) -> list[Fact]:
    """The body's answer, once; the same answer again changes nothing. `check_link` has let it through.

    While the case is with another body the public fact is left out: it would read as the answer of that body.
    """
    if opinion.given:
        if (opinion.given.outcome, opinion.given.reasons) == (command.outcome, command.reasons):
            return []
        raise link.OpinionAlreadyGiven()
    known = reasons.get(f"opinion_{command.outcome}", ())
    if unknown := [reason.code for reason in command.reasons if reason.code not in known]:
        raise no.UnknownReason(reasons=unknown, known=sorted(known))
    by = Actor(role="agency", office=opinion.asked.body)
    given = OpinionGiven(opinion=opinion.version, outcome=command.outcome, reasons=command.reasons, by=by)
    told = _stage("opinion_received", opinion.version, _received(_name(opinion, bodies)), by)
    return [given, told] if case.holder == case.office else [given]


def _awaited(case: Case, version: int, now: Circumstances) -> Opinion:
    if case.closed:
        raise no.CaseClosed()
    check_held_here(case, now)
    opinion = opinion_of(case.opinions, version)
    if opinion is None or not opinion.open:
        raise link.UnknownOpinion(opinion=version, open=[one.version for one in case.opinions if one.open])
    return opinion


def _answer_by(wanted: datetime | None, now: Circumstances) -> datetime:
    if wanted and wanted <= now.at:
        raise no.TimeInThePast(at=wanted)
    return wanted or now.at + now.policy.opinion_within


def _expiry(answer_by: datetime, now: Circumstances) -> datetime:
    try:
        return answer_by + now.policy.opinion_grace
    except OverflowError:
        return answer_by + timedelta(0)


def _name(opinion: Opinion, bodies: Mapping[str, Labels]) -> Labels:
    code = opinion.asked.body
    return bodies.get(code) or Labels(id=code, en=code)


def _stage(code: str, opinion: int, told: Labels, by: Actor) -> StageRecorded:
    """A label of an event has an end; the names of bodies stay far below it."""
    labels = Labels(id=told.id[:_LABEL_CHARS], en=told.en[:_LABEL_CHARS])
    return StageRecorded(stage=f"{code}.{opinion}", labels=labels, by=by)


def _requested(body: Labels) -> Labels:
    return Labels(id=f"Pendapat diminta dari {body.id}", en=f"Opinion asked of: {body.en}")


def _no_longer(body: Labels) -> Labels:
    return Labels(id=f"Permintaan pendapat kepada {body.id} dibatalkan", en=f"Opinion no longer asked of: {body.en}")


def _received(body: Labels) -> Labels:
    return Labels(id=f"Pendapat {body.id} sudah kami terima", en=f"Opinion received from: {body.en}")
