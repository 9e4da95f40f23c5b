"""Which event is told to the applicant, with which words, and what is not told, and why.

One mail for everything that changes what the applicant has to do, may expect or can defend against;
none for what they did themselves a moment ago in front of a page or a counter that has said so already.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from contracts.facts import (
    Collected,
    DeadlinePassed,
    Decided,
    DocumentsRequested,
    DocumentSupplied,
    DocumentsVerified,
    Examined,
    Fact,
    FeeAssessed,
    FeePaid,
    Invited,
    Issued,
    NotificationFailed,
    NotificationSent,
    Paused,
    PersonalDataErased,
    Resumed,
    StageRecorded,
    Submitted,
    Transferred,
    Withdrawn,
)


@dataclass(frozen=True, slots=True)
class Telling:
    """A row of the table: after `fact` (where `when` holds) the words of `template` are sent.

    `however_late`: news also when it happened long ago, as long as the application itself is followed here.
    """

    fact: type[Fact]
    template: str
    when: Callable[[Any], bool] = lambda _: True
    however_late: bool = False


TOLD: Final = (
    Telling(Submitted, "submitted"),
    Telling(DocumentsRequested, "documents_requested"),
    Telling(DocumentsVerified, "documents_verified"),
    Telling(FeeAssessed, "fee_assessed"),
    Telling(FeePaid, "fee_paid", however_late=True),
    Telling(Invited, "invited"),
    Telling(Decided, "decided_approved", when=lambda fact: fact.outcome == "approved"),
    Telling(Decided, "decided_refused", when=lambda fact: fact.outcome == "refused"),
    Telling(Issued, "issued"),
    Telling(Collected, "collected_by_representative", when=lambda fact: fact.to == "representative"),
    Telling(Withdrawn, "withdrawn"),
    Telling(Paused, "paused"),
    Telling(Resumed, "resumed"),
    Telling(Transferred, "transferred"),
    Telling(DeadlinePassed, "deadline_passed"),
)

NOT_TOLD: Final[dict[type[Fact], str]] = {
    DocumentSupplied: "the page that took the document has confirmed it",
    Examined: "the applicant was there",
    NotificationSent: "a message about a message would never end",
    NotificationFailed: "a message about a message would never end",
    PersonalDataErased: "nobody may be contacted any more",
    StageRecorded: "an office's own stage; the timeline shows it",
}


class Skip:
    """Why something is not sent although the table says so; kept with the delivery."""

    HANDLED_ELSEWHERE: Final = "handled_elsewhere"
    TOO_OLD: Final = "too_old"
    ERASED: Final = "erased"
    NO_CONTACT: Final = "no_contact"
    NO_EMAIL: Final = "no_email"
    OUT_OF_DATE: Final = "out_of_date"
    UNSUBSCRIBED: Final = "unsubscribed"


@dataclass(frozen=True, slots=True)
class Application:
    """What notify remembers of an application: nothing personal.

    `followed`: its submission was news when it arrived here, so it is no history of an older system.
    """

    number: str
    service: str | None = None
    office: str | None = None
    followed: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """How old an event may be, on arrival, to be told: a message about 2011 would be absurd."""

    within: timedelta = timedelta(hours=48)
    however_late_within: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Planned:
    """A message to be sent, or, with `skipped`, one that is deliberately not sent."""

    template: str
    skipped: str | None = None


def remember(known: Application, fact: Fact, *, happened_at: datetime, arrived_at: datetime, news: News) -> Application:
    """`known` after `fact`."""
    match fact:
        case Submitted(service=service, office=office):
            fresh = arrived_at - happened_at <= news.within
            return Application(known.number, service, office, followed=fresh, erased=known.erased)
        case PersonalDataErased():
            return Application(known.number, known.service, known.office, known.followed, erased=True)
    return known


def concerns(fact: Fact) -> bool:
    """Whether `fact` is remembered, or something is told after it."""
    return isinstance(fact, Submitted | PersonalDataErased) or _told_after(fact) is not None


def plan(
    application: Application,
    fact: Fact,
    *,
    happened_at: datetime,
    arrived_at: datetime,
    handled_elsewhere: bool,
    news: News,
) -> Planned | None:
    """What is to be sent after `fact`, an event of `application`; None where the table has nothing for it."""
    told = _told_after(fact)
    if told is None:
        return None
    late_is_news = told.however_late and application.followed
    limit = news.however_late_within if late_is_news else news.within
    if application.erased:
        return Planned(told.template, Skip.ERASED)
    if handled_elsewhere:
        return Planned(told.template, Skip.HANDLED_ELSEWHERE)
    if arrived_at - happened_at > limit:
        return Planned(told.template, Skip.TOO_OLD)
    return Planned(told.template)


def _told_after(fact: Fact) -> Telling | None:
    return next((row for row in TOLD if isinstance(fact, row.fact) and row.when(fact)), None)


def out_of_date(fact: Fact, now: datetime) -> bool:
    """Whether the message would ask for something that can no longer be done: sending it would mislead."""
    match fact:
        case FeeAssessed(expires_at=until) | Invited(at=until):
            return until <= now
    return False
