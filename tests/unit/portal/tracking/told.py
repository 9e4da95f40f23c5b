"""An application as the status service tells of it, for the view models."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.portal.tracking.answers import (
    By,
    Correction,
    Entry,
    EventRef,
    Named,
    Piece,
    Stage,
    Status,
    Text,
    ToDo,
    Waiting,
)

SOURCE = "//lebong/processing"
MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def text(words: str) -> Text:
    return Text(words, words)


def at(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def piece(party: Any, begin: float, end: float | None) -> Piece:
    return Piece(party, at(begin), None if end is None else at(end), None if end is None else (end - begin) * 3600)


def entry(n: int, type_: str, hours: float, *pieces: Piece, **more: Any) -> Entry:
    given: dict[str, Any] = {"recorded_at": at(hours), "deviations": [], "source": SOURCE, "id": f"e{n}"} | more
    return Entry(
        n=n, type=type_, occurred_at=at(hours), by=By("officer", text("officer")), title=text(type_),
        text=text(f"what {type_} means"), waiting=list(pieces), **given,
    )  # fmt: skip


def told_of(n: int) -> EventRef:
    """That the applicant was told of the `n`th event."""
    return EventRef(SOURCE, f"e{n}")


def corrected(by: int) -> Correction:
    return Correction(by, text(f"event {by} took its place"))


def status(party: Any = "office", *, needed: bool = False, situation: str = "submitted", **more: Any) -> Status:
    given: dict[str, Any] = {"stages": [], "waited": [], "clocks": []} | more
    return Status(
        number="LBG-0000-0000-0000-0000-0", service=Named("passport_new", text("Passport")),
        office=Named("lebong", text("Lebong")), situation=situation, headline=text("headline"),
        waiting=Waiting(party, at(5), text("waits")), next=text("next"), todo=ToDo(needed, text("todo")), stage=None,
        submitted_at=at(0), last_event_at=at(5), last_recorded_at=at(5), events=3, deviations=[], **given,
    )  # fmt: skip


def stage(code: str, state: str) -> Stage:
    return Stage(code, text(code), state)
