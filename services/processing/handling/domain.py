"""Who works at a case: the state, and how each event changes it. Pure; `evolve` never refuses."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

from contracts.facts import Fact
from services.processing.handling.events import (
    CaseAssigned,
    CaseClaimed,
    CaseEscalated,
    CaseLookedInto,
    CaseReleased,
)  # fmt: skip

PREFIX: Final = "handling:"
_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_CHARS: Final = 8


class Claim(NamedTuple):
    """An officer has the case."""

    officer: str
    desk: str | None
    """Where the officer sat when it was claimed; of an assignment, the desk that was named with it."""
    since: datetime


class Run(NamedTuple):
    """One run of a deadline rule's clock."""

    rule: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Handling:
    """`version` counts the events of the stream; 0: nobody has ever touched the case."""

    version: int = 0
    claim: Claim | None = None
    desk: str | None = None
    """The desk that it was handed to and where nobody has claimed it yet."""
    escalated: tuple[tuple[Run, datetime], ...] = ()
    openings: tuple[tuple[datetime, CaseLookedInto], ...] = ()

    def escalated_at(self, run: Run) -> datetime | None:
        """When this run of a deadline's clock was escalated."""
        return next((at for known, at in self.escalated if known == run), None)


UNTOUCHED: Final = Handling()


def evolve(handling: Handling, at: datetime, fact: Fact) -> Handling:
    """The handling after one more event of its stream."""
    after = replace(handling, version=handling.version + 1)
    match fact:
        case CaseClaimed(officer=officer, by=by):
            after = replace(after, claim=Claim(officer, by.desk, at), desk=None)
        case CaseReleased():
            after = replace(after, claim=None)
        case CaseAssigned(officer=officer, desk=desk):
            claim = Claim(officer, desk, at) if officer else None
            after = replace(after, claim=claim, desk=None if officer else desk)
        case CaseEscalated(rule=rule, started_at=started_at):
            after = replace(after, escalated=(*after.escalated, (Run(rule, started_at), at)))
        case CaseLookedInto():
            after = replace(after, openings=(*after.openings, (at, fact)))
    return after


def replay(events: Iterable[tuple[datetime, Fact]]) -> Handling:
    """The handling of a whole stream."""
    handling = Handling()
    for at, fact in events:
        handling = evolve(handling, at, fact)
    return handling


def stream_of(number: str) -> str:
    """The stream in which the handling of a case is kept."""
    return PREFIX + number


def officer_code(subject: str) -> str:
    """The pseudonym of who signs in as `subject`: 40 bits of a hash, so that neither a name nor an address is kept.

    It hides nothing from who knows the sign-in: it is a code for telling officers of an office apart, not a secret.
    """
    digest = int.from_bytes(hashlib.sha256(b"jejak/officer/v1\0" + subject.encode()).digest()[:5], "big")
    return "o" + "".join(_ALPHABET[(digest >> shift) & 31] for shift in range(5 * (_CHARS - 1), -1, -5))
