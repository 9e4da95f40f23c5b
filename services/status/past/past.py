"""The past of an application in words: what an answer about it holds, from the rows of its timeline. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from services.status.answering import words
from services.status.answering.entries import NO_WAITING, Entries, Entry
from services.status.answering.lookups import Head
from services.status.answering.views import Presenter, StatusView, Waiting, at
from services.status.answering.words import Text, templates
from services.status.clocks.ledger import ledger, waited
from services.status.clocks.waiting import WaitingPiece
from services.status.folding.procedure import UNDECLARED, Procedure
from services.status.folding.progress import Progress
from services.status.folding.reading import in_us
from services.status.past import asof, differences
from services.status.past.asof import Corrections, Instants, Row
from services.status.past.differences import By, Difference, Side

EVENTS_LISTED: Final = 200


class InstantsView(Struct, frozen=True):
    """For which instants an answer speaks."""

    as_of: datetime | None
    valid_at: datetime | None
    text: Text


class PastStatus(Struct, frozen=True):
    """Where an application stood. `known` is false, and `status` none, before there was anything to say."""

    number: str
    instants: InstantsView
    known: bool
    text: Text
    """One sentence: what it meant then."""
    status: StatusView | None


class PastTimeline(Struct, frozen=True):
    """A page of a timeline as it was; the `Link` header leads to the next one."""

    number: str
    instants: InstantsView
    entries: list[Entry]


class Historian:
    """Tells the past of applications. `rows` are always all rows of one timeline, in order of `n`."""

    def __init__(self, presenter: Presenter, procedures: Mapping[str, Procedure]) -> None:
        self._presenter = presenter
        self._procedures = procedures
        self._entries = Entries(presenter)

    def status(self, head: Head, rows: Sequence[Row], instants: Instants) -> PastStatus:
        """Where the application stood."""
        view = self._view(head.number, rows, instants)
        nothing = templates().past["nothing_happened" if instants.known_at is None else "nothing_known"]
        return PastStatus(
            number=head.number,
            instants=self._said(head, instants),
            known=view is not None,
            text=view.headline if view else nothing,
            status=view,
        )

    def timeline(
        self, head: Head, rows: Sequence[Row], instants: Instants, *, after: int, limit: int
    ) -> tuple[PastTimeline, int | None]:
        """Up to `limit` events after the `after`th as they were told then, and after which one the next page begins."""
        visible = [row for row in asof.visible(rows, instants) if row["n"] > after]
        progress = asof.progress_at(rows, self._procedures, instants)
        waiting = self._entries.waiting(progress) if progress else NO_WAITING
        told = self._tell(head, visible[:limit], asof.corrections_of(asof.known(rows, instants)), waiting)
        page = PastTimeline(head.number, self._said(head, instants), told)
        return page, told[-1].n if len(visible) > limit else None

    def difference(self, head: Head, rows: Sequence[Row], by: By, begin: datetime, to: datetime) -> Difference:
        """What changed from `begin` to `to`, which is not earlier."""
        before, after = (self._side(head.number, rows, differences.instants_of(by, one)) for one in (begin, to))
        came = differences.between(rows, by, begin, to)
        said = (
            templates()
            .differences[by]
            .fill(begin=self.instant(head, begin), end=self.instant(head, to), count=str(len(came)))
        )
        return Difference(
            number=head.number,
            office=head.office,
            by=by,
            begin=begin,
            to=to,
            text=said,
            count=len(came),
            events=self._tell(head, came[:EVENTS_LISTED], after.corrections),
            changes=differences.changes(before, after, self._presenter.zone(head.office)),
        )

    def instant(self, head: Head, instant: datetime) -> Text:
        """An instant in words, in the zone of the application's office."""
        return words.instant(in_us(instant), self._presenter.zone(head.office))

    def _side(self, number: str, rows: Sequence[Row], instants: Instants) -> Side:
        progress = asof.progress_at(rows, self._procedures, instants)
        sums: Mapping[str, int] = {}
        if progress is not None:
            procedure = self._procedures.get(progress.service, UNDECLARED)
            lengths = waited(ledger(progress, in_us(instants.at), procedure))
            sums = {str(party): us for party, us in lengths.items()}
        return Side(self._view(number, rows, instants), sums, asof.corrections_of(asof.known(rows, instants)))

    def _view(self, number: str, rows: Sequence[Row], instants: Instants) -> StatusView | None:
        progress = asof.progress_at(rows, self._procedures, instants)
        if progress is None:
            return None
        view = self._presenter.status_view(number, progress, in_us(instants.at))
        given = {"as_of": instants.known_at, "valid_at": instants.valid_at}
        query = "&".join(f"{name}={quote(one.isoformat())}" for name, one in given.items() if one is not None)
        return replace(
            view,
            waiting=self._waiting(view, progress, instants),
            events=len(asof.visible(rows, instants)),
            links=replace(view.links, timeline=f"{view.links.timeline}?{query}"),
        )

    def _waiting(self, view: StatusView, progress: Progress, instants: Instants) -> Waiting:
        """Between a payment and its report the bank is waited on: the present knows no such moment, the past does."""
        paid = progress.paid
        if paid is None or view.waiting.party != "office" or not paid.paid_at <= in_us(instants.at) < paid.reported_at:
            return view.waiting
        since = words.instant(paid.paid_at, self._presenter.zone(progress.office))
        return Waiting("bank", at(paid.paid_at), templates().waiting["bank"].fill(since=since))

    def _tell(
        self,
        head: Head,
        rows: Sequence[Row],
        corrections: Corrections,
        waiting: Mapping[int, list[WaitingPiece]] = NO_WAITING,
    ) -> list[Entry]:
        return [self._entries.entry(row, head.service, head.office, corrections, waiting) for row in rows]

    def _said(self, head: Head, instants: Instants) -> InstantsView:
        given = {"as_of": instants.known_at, "valid_at": instants.valid_at}
        values = {name: self.instant(head, one) for name, one in given.items() if one is not None}
        kind = "both" if len(values) == 2 else next(iter(values))
        return InstantsView(instants.known_at, instants.valid_at, templates().past[kind].fill(**values))
