"""The way of an application as its applicant sees it: what happened, what surprised, who was waited on. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct

from services.portal.tracking.answers import By, Entry, Party, Piece, Stage, Status, Text

NOTICES: Final = frozenset({"notification_sent", "notification_failed"})
"""Facts that are told in a list of their own, not on the way."""
_LATE: Final = timedelta(minutes=30)
"""Recorded so much later than it happened, an event is told with both times."""
_SHORTEST: Final = timedelta(minutes=1)
"""Shorter waits are not worth a line."""

State = Literal["done", "void", "current", "ahead", "optional"]


class Mark(Struct, frozen=True):
    """Who was waited on after an event, from when to when; without `end` still is."""

    party: Party
    begin: datetime
    end: datetime | None

    @property
    def length(self) -> timedelta | None:
        """How long; nothing, where it goes on."""
        return None if self.end is None else self.end - self.begin


class Step(Struct, frozen=True, kw_only=True):
    """One point of the way. `void`: an event that a later one took the place of; both are shown."""

    state: State
    title: Text
    n: int | None = None
    at: datetime | None = None
    recorded_at: datetime | None = None
    """Where that is much later than `at`."""
    text: Text | None = None
    by: By | None = None
    marks: list[Mark] = []
    remarks: list[Text] = []
    """What deviates from the declared process, and what corrects what."""


class Notice(Struct, frozen=True):
    """That the applicant was told, or could not be."""

    n: int
    at: datetime
    text: Text
    about: Entry | None
    """Of which event; none, where that is not on the timeline."""


def journey(status: Status, entries: Sequence[Entry]) -> list[Step]:
    """What happened in the order of the log, then the declared stages that are still to come."""
    marks = _marks(entries)
    happened = [_step(entry, marks.get(entry.n, [])) for entry in entries if entry.type not in NOTICES]
    return happened + [
        _stage(stage, status) for stage in status.stages if stage.state in ("current", "ahead", "optional")
    ]


def notices(entries: Sequence[Entry]) -> list[Notice]:
    """What was told to the applicant, the latest first."""
    events = {(entry.source, entry.id): entry for entry in entries}
    return [
        Notice(
            entry.n,
            entry.occurred_at,
            entry.text,
            events.get((entry.about.source, entry.about.id)) if entry.about is not None else None,
        )
        for entry in reversed(entries)
        if entry.type in NOTICES
    ]


def comes_from_intake(entries: Sequence[Entry]) -> bool:
    """Whether it was handed in here: only then is there an access code, documents can be sent and it can be withdrawn."""
    return any(entry.type == "submitted" and entry.source.endswith("/intake") for entry in entries)


def has_fee(entries: Sequence[Entry]) -> bool:
    """Whether there is anything to say about money."""
    return any(entry.type in ("fee_assessed", "fee_paid") for entry in entries)


def _step(entry: Entry, marks: list[Mark]) -> Step:
    corrections = [one.text for one in (entry.corrects, entry.corrected_by) if one is not None]
    return Step(
        state="void" if entry.corrected_by is not None else "done",
        title=entry.title,
        n=entry.n,
        at=entry.occurred_at,
        recorded_at=entry.recorded_at if entry.recorded_at - entry.occurred_at >= _LATE else None,
        text=entry.text if entry.text != entry.title else None,
        by=entry.by,
        marks=[mark for mark in marks if mark.length is None or mark.length >= _SHORTEST],
        remarks=corrections + [one.text for one in entry.deviations],
    )


def _stage(stage: Stage, status: Status) -> Step:
    if stage.state == "current":
        return Step(state="current", title=stage.labels, text=status.waiting.text)
    return Step(state="optional" if stage.state == "optional" else "ahead", title=stage.labels)


def _marks(entries: Sequence[Entry]) -> dict[int, list[Mark]]:
    """Who was waited on after each event that is on the way; what followed a message belongs to the event before it."""
    by: dict[int, list[Mark]] = {}
    place = next((entry.n for entry in entries if entry.type not in NOTICES), 0)
    for entry in entries:
        place = place if entry.type in NOTICES else entry.n
        for piece in entry.waiting:
            _extend(by.setdefault(place, []), piece)
    return by


def _extend(marks: list[Mark], piece: Piece) -> None:
    if marks and marks[-1].party == piece.party and marks[-1].end == piece.begin:
        marks[-1] = Mark(piece.party, marks[-1].begin, piece.end)
    elif piece.party != "nobody":
        marks.append(Mark(piece.party, piece.begin, piece.end))
