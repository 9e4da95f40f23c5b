"""What the API shows: the shapes of the answers, and how rows of the projection become them, in both languages."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from contracts.catalogue import Catalogue, Service
from contracts.facts import Labels
from services.status import domain
from services.status.answering import words
from services.status.answering.words import Text, templates
from services.status.clocks.clockwork import Clockwork, clock_rules
from services.status.clocks.ledger import Piece, ledger, open_run
from services.status.clocks.legal import due_us, shown_at
from services.status.clocks.legal_views import ClockTeller, ClockView
from services.status.clocks.waiting import Accounts, Waited
from services.status.folding.conformance import deviations
from services.status.folding.fold import decode_progress
from services.status.folding.procedure import UNDECLARED, Procedure
from services.status.folding.progress import Progress
from services.status.folding.situation import Party, Situation, situate

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Named(Struct, frozen=True):
    """A code and what it is called."""

    code: str
    labels: Text


class Waiting(Struct, frozen=True):
    """Who is waited on, since when."""

    party: Party
    since: datetime
    text: Text


class StageView(Struct, frozen=True):
    """A declared stage: `done`, `current` (the next mandatory one), `ahead`, `optional` (may follow) or `skipped`."""

    code: str
    labels: Text
    state: str
    at: datetime | None = None
    """When it was reached, by the event's own time."""


class ToDo(Struct, frozen=True):
    """What the applicant must do now; `needed` is false where that is nothing."""

    needed: bool
    text: Text
    documents: list[Named] = []
    """What is asked for."""


class Deviation(Struct, frozen=True):
    """What surprised."""

    code: str
    text: Text


class Links(Struct, frozen=True):
    """Where more is, relative to this service."""

    timeline: str
    events: str
    waiting: str
    expected: str
    deadline: str
    place: str
    fee: str


class StatusView(Struct, frozen=True):
    """Where an application stands."""

    number: str
    service: Named
    office: Named
    situation: str
    headline: Text
    """One sentence: what it means."""
    waiting: Waiting
    next: Text
    todo: ToDo
    stage: Named | None
    """The furthest stage that was reached."""
    stages: list[StageView]
    submitted_at: datetime | None
    last_event_at: datetime
    last_recorded_at: datetime
    events: int
    """How many events are on the timeline."""
    deviations: list[Deviation]
    links: Links
    waited: list[Waited]
    """How long each party was waited on; the whole ledger is at `links.waiting`."""
    clocks: list[ClockView]
    """What the law promises, and where that stands; day by day at `links.deadline`."""


def at(us: int) -> datetime:
    """Microseconds since 1970 as an instant."""
    return _EPOCH + timedelta(microseconds=us)


class Presenter:
    """Puts what the projection holds into words, with one catalogue."""

    def __init__(self, catalogue: Catalogue, procedures: dict[str, Procedure]) -> None:
        self.catalogue = catalogue
        self._procedures = procedures
        self._clockwork = Clockwork(clock_rules(catalogue))
        self._encode = msgspec.json.Encoder().encode

    def status(self, number: str, state: bytes, *, overdue: bool) -> bytes:
        """The JSON of a `StatusView`, from an application row; `overdue`: its deadline has passed."""
        progress = decode_progress(state)
        return self._encode(self.status_view(number, progress, self.shown_at(progress, overdue=overdue)))

    def shown_at(self, progress: Progress, *, overdue: bool) -> int:
        """The instant as of which the clocks are shown, from nothing but the row and whether its deadline has passed."""
        return shown_at(progress, due_us(progress, self._clockwork), passed=overdue)

    def status_view(self, number: str, progress: Progress, now_us: int) -> StatusView:
        """Where the application stands; of its clocks, at `now_us`."""
        procedure = self._procedures.get(progress.service, UNDECLARED)
        service = self.catalogue.services.get(progress.service)
        pieces = self.ledger(progress)
        situation = _since_by_ledger(situate(progress, procedure), pieces)
        values = self._values(progress, situation, service)
        stages = self.stage_labels(progress.service)
        deviating = deviations(progress, procedure, ended=situation.waits_for == "nobody")
        situation_words = templates().situations[situation.code]
        return StatusView(
            number=number,
            service=Named(progress.service, words.text_of(service.labels if service else None, "service")),
            office=Named(progress.office, self.office(progress.office)),
            situation=situation.code,
            headline=situation_words["headline"].fill(**values),
            waiting=Waiting(
                situation.waits_for, at(situation.since), templates().waiting[situation.waits_for].fill(**values)
            ),
            next=self._next(situation, stages),
            todo=ToDo(
                situation.waits_for == "applicant",
                situation_words["todo"].fill(**values),
                [Named(code, self.requirement(service, code)) for code in sorted(progress.outstanding or ())]
                if situation.code == "documents_requested"
                else [],
            ),
            stage=Named(situation.stage, _text(stages[situation.stage])) if situation.stage in stages else None,
            stages=self._stages(progress, procedure, situation, stages),
            submitted_at=at(progress.reached["submitted"]) if "submitted" in progress.reached else None,
            last_event_at=at(progress.last_at),
            last_recorded_at=at(progress.last_recorded),
            events=progress.n,
            deviations=[Deviation(code, words.deviation(code, stages)) for code in deviating],
            links=Links(
                *[
                    f"/applications/{number}/{more}"
                    for more in ("timeline", "events", "waiting", "expected", "deadline", "place", "fee")
                ]
            ),
            waited=self.accounts(progress).sums(pieces),
            clocks=self.clocks(progress).views(now_us),
        )

    def procedure(self, service: str) -> Procedure:
        """The declared process of a service."""
        return self._procedures.get(service, UNDECLARED)

    def ledger(self, progress: Progress, until_us: int | None = None) -> list[Piece]:
        """The waiting ledger; without `until_us` it does not depend on the present moment."""
        return ledger(progress, until_us, self._procedures.get(progress.service, UNDECLARED))

    def clocks(self, progress: Progress) -> ClockTeller:
        """What puts the legal clocks of an application into words."""
        return ClockTeller(self.catalogue, self._clockwork, progress, self.zone(progress.office))

    def accounts(self, progress: Progress) -> Accounts:
        """What puts the ledger of an application into words."""
        return Accounts(self.catalogue, self.zone(progress.office))

    def zone(self, office: str) -> ZoneInfo:
        """The office's time zone."""
        found = self.catalogue.offices.get(office)
        return ZoneInfo(found.time_zone if found else "UTC")

    def office(self, code: str) -> Text:
        """What an office is called."""
        found = self.catalogue.offices.get(code)
        return words.text_of(found.labels if found else None, "office")

    def requirement(self, service: Service | None, code: str) -> Text:
        """What a requirement is called."""
        labels = next((item.labels for item in service.requirements if item.code == code), None) if service else None
        return words.text_of(labels, "document")

    def product(self, code: str) -> Text:
        """What is issued."""
        return words.text_of(self.catalogue.names.products.get(code), "product")

    def examinations(self, codes: list[str]) -> Text:
        """What is examined."""
        return words.joined(
            [words.text_of(self.catalogue.names.examinations.get(code), "examination") for code in codes]
        )

    def stage_labels(self, service: str) -> dict[str, Labels]:
        """The labels of a service's declared stages, by code."""
        found = self.catalogue.services.get(service)
        return {stage.code: stage.labels for stage in found.stages} if found else {}

    def _values(self, progress: Progress, situation: Situation, service: Service | None) -> dict[str, Any]:
        """What the sentences of a situation may be filled with."""
        zone = self.zone(progress.office)
        fee = progress.fee
        invited = progress.invited or {}
        given = (progress.pause,) if situation.code == "paused" and progress.pause else progress.reasons
        collect_by = progress.collect_by
        return {
            "since": words.instant(situation.since, zone),
            "documents": words.joined([self.requirement(service, code) for code in sorted(progress.outstanding or ())]),
            "amount": words.money(fee.amount, fee.currency) if fee else "",
            "billing_code": fee.code if fee else "",
            "by": words.instant(fee.expires_at, zone) if fee else "",
            "problem": self._problem(progress),
            "examination": self.examinations(sorted(invited)),
            "at": words.instant(min(when for _, when in invited.values()), zone) if invited else "",
            "office": self.office(progress.office),
            "product": self.product(progress.product or (service.product if service else "")),
            "reasons": words.reasons(self.catalogue, given),
            "remedy": words.remedy(self.catalogue, progress.remedy),
            "collect_by": templates().terms["collect_by"].fill_in_place(by=words.instant(collect_by, zone))
            if collect_by is not None
            else "",
            "body": words.body(self.catalogue, progress.transferred_to),
            "own_stage": Text(progress.own_stage_id, progress.own_stage_en),
        }

    def _problem(self, progress: Progress) -> Text | str:
        standing = progress.standing or {}
        for code in (domain.WRONG_AMOUNT, domain.AFTER_EXPIRY, domain.UNKNOWN_BILLING_CODE):
            if code in standing:
                return templates().deviations[code]
        return ""

    def _next(self, situation: Situation, stages: dict[str, Labels]) -> Text:
        if situation.waits_for == "nobody":
            return templates().next["end"]
        if situation.next_stage not in stages:
            return templates().next["unknown"]
        return templates().next["stage"].fill(stage=_text(stages[situation.next_stage]))

    def _stages(
        self, progress: Progress, procedure: Procedure, situation: Situation, labels: dict[str, Labels]
    ) -> list[StageView]:
        codes = [code for code, _, _ in procedure.stages]
        furthest = codes.index(situation.stage) if situation.stage else -1
        views = []
        for place, (code, fact, optional) in enumerate(procedure.stages):
            reached = progress.reached.get(fact)
            if reached is not None:
                state = "done"
            elif code == situation.next_stage:
                state = "current"
            elif place < furthest or situation.waits_for == "nobody":
                state = "skipped"
            else:
                state = "optional" if optional else "ahead"
            views.append(StageView(code, _text(labels[code]), state, None if reached is None else at(reached)))
        return views


def _since_by_ledger(situation: Situation, pieces: list[Piece]) -> Situation:
    """Who is waited on has been since the ledger says so: what is counted of the time before and this are the whole."""
    running = open_run(pieces)
    if not running or running[0].party != situation.waits_for:
        return situation
    return msgspec.structs.replace(situation, since=running[0].begin)


def _text(labels: Labels) -> Text:
    return Text(labels.id, labels.en)
