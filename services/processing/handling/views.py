"""Who works at a case, put into shapes. Pure."""

from collections.abc import Callable
from datetime import datetime

from contracts.catalogue import fact_name
from contracts.facts import Reason
from services.processing.events import Happened
from services.processing.handling.application import Load, Worked
from services.processing.handling.events import CaseLookedInto
from services.processing.handling.shapes import (
    ClaimView,
    HandlingStep,
    HandlingView,
    LoadView,
    OfficersView,
    OpeningsView,
    OpeningView,
)
from services.processing.shapes import WordedReason

Words = Callable[[Reason], WordedReason]


def handling_view(worked: Worked, me: str, words: Words) -> HandlingView:
    """Who works at a case, as the officer `me` sees it."""
    handling = worked.handling
    claim = handling.claim
    shown = claim and ClaimView(officer=claim.officer, desk=claim.desk, since=claim.since, mine=claim.officer == me)
    return HandlingView(
        number=worked.number,
        me=me,
        claim=shown,
        queue=handling.desk,
        openings=openings_view(worked, words).openings,
        history=[_step(version, happened, words) for version, happened in enumerate(worked.history, start=1)],
    )


def openings_view(worked: Worked, words: Words) -> OpeningsView:
    """When the help desk opened the case and why: nothing in it names a person."""
    return OpeningsView([_opening(at, fact, words) for at, fact in worked.handling.openings])


def officers_view(loads: list[Load], me: str, most: int) -> OfficersView:
    """Who holds how much."""
    officers = [
        LoadView(officer=one.officer, desk=one.desk, holds=one.holds, waiting=one.waiting, me=one.officer == me)
        for one in loads
    ]
    return OfficersView(me=me, most=most, officers=officers)


def _opening(at: datetime, fact: CaseLookedInto, words: Words) -> OpeningView:
    return OpeningView(at=at, reason=words(fact.reason), by=fact.by)


def _step(version: int, happened: Happened, words: Words) -> HandlingStep:
    fact = happened.fact
    reason = getattr(fact, "reason", None)
    return HandlingStep(
        version=version,
        what=fact_name(fact),
        at=happened.at,
        by=fact.by,  # type: ignore[attr-defined]  # every event of this stream says by whom
        officer=getattr(fact, "officer", None),
        desk=getattr(fact, "desk", None),
        reason=words(reason) if reason else None,
    )
