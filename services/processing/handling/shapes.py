"""What officers are answered about who works at a case."""

from datetime import datetime

from msgspec import Struct

from contracts.facts import Actor, Code, Reason
from services.processing.shapes import WordedReason


class AssignTo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To an officer (by pseudonym, as in `GET /officers`), or to a desk of which any officer may take it."""

    officer: Code | None = None
    desk: Code | None = None


class LookInto(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the case is opened: a code of the catalogue's `case_opening`."""

    reason: Reason


class ClaimView(Struct, frozen=True, kw_only=True):
    """Who has the case."""

    officer: str
    desk: str | None
    since: datetime
    mine: bool


class OpeningView(Struct, frozen=True, kw_only=True):
    """The case was opened at the help desk: when, why, by whom in role and desk."""

    at: datetime
    reason: WordedReason
    by: Actor


class OpeningsView(Struct, frozen=True):
    """Every time the case was opened at the help desk; nothing in it names a person."""

    openings: list[OpeningView]


class HandlingStep(Struct, frozen=True, kw_only=True):
    """One event around the case: `case_claimed`, `case_released`, `case_assigned`, `case_escalated`, `case_looked_into`."""

    version: int
    what: str
    at: datetime
    by: Actor
    officer: str | None
    desk: str | None
    reason: WordedReason | None


class HandlingView(Struct, frozen=True, kw_only=True):
    """Who works at a case, and everything that happened around it."""

    number: str
    me: str
    """The pseudonym of who asks."""
    claim: ClaimView | None
    queue: str | None
    """The desk that it was handed to, while nobody there has it."""
    openings: list[OpeningView]
    history: list[HandlingStep]


class PresentView(Struct, frozen=True, kw_only=True):
    """Another officer who has the case open, and since when."""

    role: str
    desk: str | None
    since: datetime


class PresenceView(Struct, frozen=True, kw_only=True):
    """Who else has the case open just now, and the case's version in the inbox: a newer one than yours says it changed."""

    others: list[PresentView]
    version: int


class LoadView(Struct, frozen=True, kw_only=True):
    """An officer who holds cases; `waiting` of them wait for the office."""

    officer: str
    desk: str | None
    holds: int
    waiting: int
    me: bool


class OfficersView(Struct, frozen=True, kw_only=True):
    """The officers who hold cases, and how many that wait for the office one may claim."""

    me: str
    most: int
    officers: list[LoadView]
