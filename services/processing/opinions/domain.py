"""The opinions of a case: their state, and how each event changes them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from contracts.facts import Fact
from services.processing.opinions.events import (
    OpinionAsked,
    OpinionGiven,
    OpinionLinkReissued,
    OpinionWithdrawn,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opinion:
    """An opinion asked of another body; `version` names it within its case."""

    version: int
    asked: OpinionAsked
    asked_at: datetime
    answer_by: datetime
    expires_at: datetime
    link: str
    """Digest of the link that is good now."""
    given: OpinionGiven | None = None
    given_at: datetime | None = None
    withdrawn_at: datetime | None = None

    @property
    def open(self) -> bool:
        """An answer is awaited."""
        return self.given is None and self.withdrawn_at is None


def with_event(opinions: tuple[Opinion, ...], at: datetime, fact: Fact, version: int) -> tuple[Opinion, ...]:
    """The opinions after an event that made `version` of the case; unchanged by what does not concern them."""
    match fact:
        case OpinionAsked():
            asked = Opinion(version, fact, at, fact.answer_by, fact.expires_at, fact.link)
            return (*opinions, asked)
        case OpinionLinkReissued():
            return tuple(_relinked(one, fact) if one.version == fact.opinion else one for one in opinions)
        case OpinionWithdrawn():
            return tuple(replace(one, withdrawn_at=at) if one.version == fact.opinion else one for one in opinions)
        case OpinionGiven():
            return tuple(
                replace(one, given=fact, given_at=at) if one.version == fact.opinion else one for one in opinions
            )
    return opinions


def _relinked(opinion: Opinion, fact: OpinionLinkReissued) -> Opinion:
    return replace(opinion, link=fact.link, answer_by=fact.answer_by, expires_at=fact.expires_at)


def opinion_of(opinions: Iterable[Opinion], version: int) -> Opinion | None:
    """The opinion of that name."""
    return next((one for one in opinions if one.version == version), None)
