"""The events of a timeline as the API shows them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from contracts.facts import FACTS, Actor, Decided, EventRef, NotificationFailed, NotificationSent
from services.status.answering import words
from services.status.answering.telling import Telling
from services.status.answering.views import Deviation, Presenter
from services.status.answering.words import Text, templates
from services.status.clocks.waiting import WaitingPiece
from services.status.domain import REPORTED_LATE
from services.status.folding.progress import Progress
from services.status.folding.reading import in_us
from services.status.past.asof import NO_CORRECTIONS, Corrections


class By(Struct, frozen=True, omit_defaults=True):
    """Who did it: role, office and desk, never the person."""

    role: str
    role_labels: Text
    office: str | None = None
    office_labels: Text | None = None
    desk: str | None = None


class Corrects(Struct, frozen=True):
    """That an event takes the place of another."""

    n: int | None
    """Of the other; none while it is not on the timeline."""
    source: str
    id: str
    text: Text


class CorrectedBy(Struct, frozen=True):
    """That an event no longer counts."""

    n: int
    """Of the event that took its place."""
    text: Text


class Entry(Struct, frozen=True):
    """One event on a timeline."""

    n: int
    """From 1, in the order of the log."""
    type: str
    occurred_at: datetime
    recorded_at: datetime
    by: By
    title: Text
    text: Text
    deviations: list[Deviation]
    source: str
    id: str
    corrects: Corrects | None = None
    corrected_by: CorrectedBy | None = None
    about: EventRef | None = None
    """Of which event the applicant was told, or was to be."""
    waiting: list[WaitingPiece] = []
    """The stretches of the waiting ledger that it opened: who was waited on from then on, and for how long."""


class TimelineView(Struct, frozen=True):
    """A page of a timeline; the `Link` header leads to the next one."""

    number: str
    entries: list[Entry]


NO_WAITING: Final[Mapping[int, list[WaitingPiece]]] = {}

CORRECTS_UNKNOWN: Final = "corrects_unknown"
"""An event takes the place of one that is not on the timeline."""
CORRECTS_NOTHING: Final = "corrects_nothing"
"""An event that was meant to take the place of itself, or of one that takes its own."""

_DECODERS: Final = {name.split(".")[-2]: msgspec.json.Decoder(fact) for name, fact in FACTS.items()}


def _decoded(fact: str, data: bytes) -> Any:
    """The typed data of a timeline row; nothing where it holds what the fold did not need and does not fit its type."""
    try:
        return _DECODERS[fact].decode(data)
    except msgspec.DecodeError:
        return None


def _corrects(n: int, corrections: Corrections) -> Corrects | None:
    reference = corrections.references.get(n)
    if reference is None:
        return None
    if reference.n is None:
        text = templates().corrections["corrects_unknown"]
    else:
        said = templates().corrections["corrects" if reference.counts else "corrects_nothing"]
        text = said.fill(n=str(reference.n))
    return Corrects(reference.n, reference.source, reference.id, text)


def _flagged(n: int, corrections: Corrections) -> list[Deviation]:
    """A correction that takes effect on nothing surprises as much as a stage out of order."""
    reference = corrections.references.get(n)
    if reference is None or reference.counts:
        return []
    code = CORRECTS_UNKNOWN if reference.n is None else CORRECTS_NOTHING
    return [Deviation(code, templates().corrections[code].fill(n=str(reference.n)))]


class Entries:
    """Puts timeline rows into words."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter

    def entry(
        self,
        row: Any,
        service: str,
        office: str,
        corrections: Corrections = NO_CORRECTIONS,
        waiting: Mapping[int, list[WaitingPiece]] = NO_WAITING,
    ) -> Entry:
        """One timeline row, of an application for `service` at `office` of whose events some may correct others.

        `waiting`: the pieces of its waiting ledger by the event that opened them.
        """
        stages = self._presenter.stage_labels(service)
        data = _decoded(row["fact"], row["data"])
        title, text = self._words(row, data, service, office)
        return Entry(
            n=row["n"],
            type=row["fact"],
            occurred_at=row["occurred"],
            recorded_at=row["recorded"],
            by=self._by(data.by if data else None),
            title=title,
            text=text,
            deviations=[
                Deviation(code, words.deviation(code, stages))
                for code in row["deviations"] or ()
                if code != REPORTED_LATE
            ]
            + _flagged(row["n"], corrections),
            source=row["source"],
            id=row["event_id"],
            corrects=_corrects(row["n"], corrections),
            corrected_by=self._corrected_by(row["n"], corrections, office),
            about=data.about if isinstance(data, NotificationSent | NotificationFailed) else None,
            waiting=waiting.get(row["n"], []),
        )

    def waiting(self, progress: Progress) -> dict[int, list[WaitingPiece]]:
        """The pieces of the application's waiting ledger by the event that opened them."""
        return self._presenter.accounts(progress).opened(self._presenter.ledger(progress))

    def _corrected_by(self, n: int, corrections: Corrections, office: str) -> CorrectedBy | None:
        by = corrections.replaced_by.get(n)
        if by is None:
            return None
        recorded = words.instant(in_us(corrections.recorded[by]), self._presenter.zone(office))
        return CorrectedBy(by, templates().corrections["corrected_by"].fill(n=str(by), recorded=recorded))

    def _by(self, actor: Actor | None) -> By:
        roles = templates().roles
        if actor is None:
            return By("system", roles["system"])
        return By(
            actor.role,
            roles.get(actor.role, roles["system"]),
            actor.office,
            words.body(self._presenter.catalogue, actor.office) if actor.office else None,
            actor.desk,
        )

    def _words(self, row: Any, data: Any, service: str, office: str) -> tuple[Text, Text]:
        known = self._presenter.catalogue.services.get(service)
        of_fact = templates().facts[row["fact"]]
        if data is None:
            title = of_fact.get("bare_title", of_fact["title"])
            return title, templates().terms["details_unreadable"]
        values = Telling(self._presenter, known, self._presenter.zone(office)).values(row["fact"], data)
        text = of_fact[data.outcome if isinstance(data, Decided) else "text"].fill(**values)
        if REPORTED_LATE in (row["deviations"] or ()):
            late = of_fact["late"].fill(delay=words.duration(in_us(row["recorded"]) - in_us(row["occurred"])))
            text = Text(f"{text.id} {late.id}", f"{text.en} {late.en}")
        return of_fact["title"].fill(**values), text
