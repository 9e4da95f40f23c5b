"""What statistics show: the shapes of the document and of its rows. Lengths of time are whole seconds."""

import hashlib
from typing import Final, Literal, get_args

import msgspec
from msgspec import Struct

from services.status.folding.situation import Party
from services.status.statistics.disclosure import LEAST, Unit
from services.status.statistics.tallies import Percentiles

PARTIES: Final[tuple[str, ...]] = tuple(party for party in get_args(Party) if party != "nobody")
VOLUMES: Final = ("submitted", "approved", "refused", "issued", "collected", "withdrawn")

Of = Literal["one", "others", "all"]
"""A row is of one service, stage or desk; of the others, which are too small for rows of their own; or of all."""


class Taking(Struct, frozen=True):
    """How long it took, by when it was over."""

    to_decision: Percentiles | None
    to_decision_without_own: Percentiles | None
    """Without the time in which the applicant was waited on."""
    to_issue: Percentiles | None
    to_issue_without_own: Percentiles | None


class Legal(Struct, frozen=True):
    """A legal deadline: how many were met and missed in the period, and how many run at its end."""

    rule: str
    met: int
    missed: int
    share_met: float | None
    running: int


class WaitedFor(Struct, frozen=True):
    """How long a party was waited on within the period."""

    party: str
    seconds: int
    share: float | None


class Backlog(Struct, frozen=True):
    """What was open at the end of the period, and for how long since its submission."""

    open: int
    age: Percentiles | None


class StageRow(Struct, frozen=True):
    """A stage of the service: the furthest that was reached. `code` is empty of the time before the first."""

    of: Of
    code: str
    applications: int | None
    """How many were in it in the period; of several stages together that is not known."""
    left: int
    lasted: Percentiles | None
    waited: list[WaitedFor]
    backlog: Backlog


class Row(Struct, frozen=True):
    """A service of an office in a period."""

    office: str
    of: Of
    service: str
    unit: Unit
    period: str
    complete: bool
    """Whether the period had ended."""
    applications: int
    """How many were there: open at some time in the period, or with something counted in it."""
    volumes: dict[str, int]
    taking: Taking
    legal: list[Legal]
    waited: list[WaitedFor]
    backlog: Backlog
    stages: list[StageRow]


class DeskRow(Struct, frozen=True):
    """A desk in a period: how long it was waited on, and how many times it ended that."""

    office: str
    service: str
    unit: Unit
    period: str
    of: Of
    desk: str
    applications: int | None
    seconds: int
    acts: int


class Position(Struct, frozen=True):
    """How far a partition of the log was read, and what was left out of it: what was in quarantine, or discarded."""

    partition: int
    next_offset: int
    left_out: list[int] = []


class Document(Struct, frozen=True):
    """All statistics at one position of the log."""

    log: str
    """Name and generation of the topic."""
    positions: list[Position]
    until: str
    """The instant that they are told for; RFC 3339."""
    version: str
    """Of the fold and the catalogue that they were made with."""
    zones: dict[str, str]
    rows: list[Row]
    desks: list[DeskRow]
    least: int = LEAST


def canonical(document: Document) -> bytes:
    """Its JSON with sorted names and no spaces."""
    return msgspec.json.encode(document, order="sorted")


def digest(body: bytes) -> str:
    """SHA-256 of a document's JSON, in hexadecimal."""
    return hashlib.sha256(body).hexdigest()
