"""Use cases: load a case, decide, append."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from contracts.catalogue import Catalogue, Office, Service
from contracts.facts import Actor, Fact, FeeAssessed
from runtime.eventstore import Append, EventStore, StreamEvent, VersionConflict
from services.processing import decisions
from services.processing.commands import (
    AssessFee,
    Command,
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
)
from services.processing.conditions import Circumstances, Policy
from services.processing.domain import Case, evolve
from services.processing.events import BillingCodeReserved, Happened, read_event
from services.processing.opinions import decisions as opinions
from services.processing.opinions.commands import AskOpinion, ReissueOpinionLink, WithdrawOpinion
from services.processing.opinions.events import OpinionAsked, OpinionLinkReissued, OpinionLinkReserved
from services.processing.opinions.refusals import LinkTaken
from services.processing.refusals import ServiceUnknown
from services.processing.stamping import Stamp

_ATTEMPTS: Final = 8
_SERIALS: Final = 10**6

DECISIONS: Final[dict[type[Command], Callable[..., list[Fact]]]] = {
    RequestDocuments: decisions.request_documents,
    VerifyDocuments: decisions.verify_documents,
    AssessFee: decisions.assess_fee,
    Invite: decisions.invite,
    Examine: decisions.examine,
    Decide: decisions.decide,
    Issue: decisions.issue,
    HandOver: decisions.hand_over,
    Pause: decisions.pause,
    Resume: decisions.resume,
    Transfer: decisions.transfer,
    SettlePaymentProblem: decisions.settle_payment_problem,
    AskOpinion: opinions.ask_opinion,
    ReissueOpinionLink: opinions.reissue_link,
    WithdrawOpinion: opinions.withdraw_opinion,
}


class NoSuchCase(Exception):
    """This office has no case of that number."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """A case with all that happened to it, in order; `history[i]` made version i + 1."""

    number: str
    case: Case
    history: tuple[Happened, ...]


class StaleVersion(Exception):
    """The command was meant for an earlier version: `since` is what happened after it. Nothing was done."""

    def __init__(self, dossier: Dossier, expected: int) -> None:
        super().__init__(f"expected version {expected}, it is {dossier.case.version}")
        self.dossier = dossier
        self.expected = expected

    @property
    def since(self) -> Sequence[Happened]:
        return self.dossier.history[self.expected :]


def new_serial() -> int:
    """A random serial of a billing code: not guessable, and whether it is free is decided by the event store."""
    return secrets.randbelow(_SERIALS)


def billing_code(day: date, serial: int) -> str:
    """The treasury's form: 8, the day, six digits."""
    return f"8{day:%Y%m%d}{serial:06d}"


class Cases:
    """The office's cases."""

    def __init__(
        self,
        *,
        store: EventStore,
        catalogue: Catalogue,
        policy: Policy,
        stamp: Stamp,
        clock: Callable[[], datetime],
        serial: Callable[[], int] = new_serial,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._policy = policy
        self._stamp = stamp
        self._clock = clock
        self._serial = serial

    async def load(self, number: str) -> Dossier:
        """The case as it is now. Raises `NoSuchCase`."""
        dossier = dossier_of(number, await self._store.load(number))
        if not dossier.case.exists:
            raise NoSuchCase(number)
        return dossier

    def service_of(self, case: Case) -> Service:
        """The definition of the case's service. Raises `ServiceUnknown` where the catalogue no longer has it."""
        service = self._catalogue.services.get(case.service)
        if service is None:
            raise ServiceUnknown(service=case.service)
        return service

    def office_of(self, case: Case) -> Office:
        """The office that the application was made to."""
        return self._catalogue.offices[case.office]

    def circumstances(self, case: Case, by: Actor) -> Circumstances:
        """What a decision of `by`, now, may know."""
        at = self._clock()
        today = at.astimezone(ZoneInfo(self.office_of(case).time_zone)).date()
        return Circumstances(
            by=by,
            at=at,
            today=today,
            service=self.service_of(case),
            reasons=self._catalogue.reason_uses,
            policy=self._policy,
            billing_code=billing_code(today, self._serial()),
            bodies=self._catalogue.names.agencies,
        )

    async def command(self, number: str, expected_version: int | None, command: Command, by: Actor) -> Dossier:
        """Do what `by` commands, if the case still is at `expected_version` (None: at any); the case afterwards.

        Raises `NoSuchCase`, `StaleVersion`, or the `Refusal` of the rule that stands against it.
        """
        for _ in range(_ATTEMPTS):
            dossier = await self.load(number)
            if expected_version not in (None, dossier.case.version):
                raise StaleVersion(dossier, expected_version or 0)
            try:
                return await self._decide(dossier, command, by)
            except VersionConflict:
                # Another writer was first: that shows as a stale version. Else the billing code was taken: try another.
                continue
        raise VersionConflict(number)

    async def _decide(self, dossier: Dossier, command: Command, by: Actor) -> Dossier:
        number, case = dossier.number, dossier.case
        now = self.circumstances(case, by)
        facts = DECISIONS[type(command)](case, command, now)
        if not facts:
            return dossier
        appends = [Append(number, case.version, [self._stamp.event(fact, number, now.at) for fact in facts])]
        for fact in facts:
            if reserved := await self._reserved(case, fact):
                stream, reservation = reserved
                appends.append(Append(stream, 0, [self._stamp.event(reservation, number, now.at)]))
        await self._store.append(*appends)
        for fact in facts:
            case = evolve(case, Happened(now.at, fact))
        return Dossier(number, case, (*dossier.history, *(Happened(now.at, fact) for fact in facts)))

    async def _reserved(self, case: Case, fact: Fact) -> tuple[str, Fact] | None:
        """What `fact` takes for its case alone: a stream of one event. Raises `LinkTaken`; a taken billing code is a race."""
        match fact:
            case FeeAssessed(billing_code=code):
                return f"billing:{code}", BillingCodeReserved(billing_code=code)
            case OpinionAsked(link=link) | OpinionLinkReissued(link=link):
                if await self._store.load(link_stream(link)):
                    raise LinkTaken()
                opinion = fact.opinion if isinstance(fact, OpinionLinkReissued) else case.version + 1
                return link_stream(link), OpinionLinkReserved(opinion=opinion)
        return None


def link_stream(digest: str) -> str:
    """The stream that says which opinion a link is for."""
    return f"opinion:{digest}"


def dossier_of(number: str, stored: Sequence[StreamEvent]) -> Dossier:
    """The case of a stream."""
    case, history = Case(), []
    for event in stored:
        happened = read_event(event.state)
        case = evolve(case, happened)
        history.append(happened)
    return Dossier(number, case, tuple(history))
