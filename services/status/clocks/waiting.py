"""The waiting ledger as the API shows it: its pieces and its sums, in both languages. Pure; the rules are the ledger's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from contracts.catalogue import Catalogue
from services.status.answering import words
from services.status.answering.words import Text, templates
from services.status.clocks.ledger import Piece, open_run, waited
from services.status.folding.reading import EPOCH
from services.status.folding.situation import Party

PARTIES: Final[tuple[Party, ...]] = ("office", "applicant", "agency", "bank", "legal_pause")
"""In the order in which they are told."""


class Waited(Struct, frozen=True):
    """How long one party was waited on, as far as it is over; `since` is given for whom is waited on now, and from then on
    its time runs beside `seconds`. What all parties have sums exactly to the time from submission."""

    party: Party
    seconds: float
    """To the microsecond."""
    since: datetime | None
    text: Text


class WaitingPiece(Struct, frozen=True):
    """A stretch of time, `begin` to before `end`, in which one party was waited on; without `end` it still is."""

    party: Party
    agency: str | None
    """Its code, where an agency is waited on."""
    begin: datetime
    end: datetime | None
    seconds: float | None
    opened_by: int
    """The event on the timeline that it begins with."""
    closed_by: int | None
    """The event that it ends with."""
    stage: str | None
    """The furthest declared stage that was reached when it began."""
    desk: str | None
    """Of the office's time: the desk whose act ended it."""
    text: Text


class WaitingView(Struct, frozen=True):
    """The whole ledger of one application. The pieces follow each other without a gap."""

    number: str
    submitted_at: datetime | None
    until: datetime
    """The end; of what has not ended, the instant of this answer."""
    ended: bool
    seconds: float
    """From submission to `until`: the sum of all pieces."""
    waited: list[Waited]
    pieces: list[WaitingPiece]


@dataclass(frozen=True)
class Accounts:
    """Puts the ledger of one application into words, in its office's time."""

    catalogue: Catalogue
    zone: ZoneInfo

    def sums(self, pieces: Sequence[Piece]) -> list[Waited]:
        """How long each party was waited on; of whom is waited on now, up to since when without a break."""
        running = open_run(list(pieces))
        closed = waited(pieces[: len(pieces) - len(running)])
        since = {running[0].party: running[0].begin} if running else {}
        return [
            Waited(party, closed.get(party, 0) / 1e6, _at(since.get(party)), self._sum(party, closed, since))
            for party in PARTIES
            if party in closed or party in since
        ]

    def _sum(self, party: Party, closed: Mapping[Party, int], since: Mapping[Party, int]) -> Text:
        kind = ("both" if party in closed else "begun") if party in since else "over"
        return (
            templates()
            .waited["sum"][kind]
            .fill(
                party=templates().parties[party],
                length=words.duration(closed.get(party, 0)),
                since=words.instant(since[party], self.zone) if party in since else "",
            )
        )

    def opened(self, pieces: Sequence[Piece]) -> dict[int, list[WaitingPiece]]:
        """By the event that opened them; the open piece has no end."""
        by: dict[int, list[WaitingPiece]] = {}
        for piece in pieces:
            by.setdefault(piece.opened_by, []).append(self.piece(piece, is_open=piece.closed_by is None))
        return by

    def piece(self, piece: Piece, *, is_open: bool = False) -> WaitingPiece:
        """One piece; without an end where it `is_open`."""
        body = words.body(self.catalogue, piece.who) if piece.who else ""
        text = (
            templates()
            .waited[piece.party]["open" if is_open else "over"]
            .fill(body=body, length=words.duration(piece.length), since=words.instant(piece.begin, self.zone))
        )
        return WaitingPiece(
            party=piece.party,
            agency=piece.who or None,
            begin=EPOCH + timedelta(microseconds=piece.begin),
            end=None if is_open else EPOCH + timedelta(microseconds=piece.end),
            seconds=None if is_open else piece.length / 1e6,
            opened_by=piece.opened_by,
            closed_by=piece.closed_by,
            stage=piece.stage or None,
            desk=piece.desk or None,
            text=text,
        )

    def whole(self, number: str, pieces: Sequence[Piece], now_us: int) -> WaitingView:
        """Everything, with the sums up to the end or to `now_us`, up to which `pieces` were told."""
        until = pieces[-1].end if pieces else now_us
        sums = waited(pieces)
        return WaitingView(
            number=number,
            submitted_at=_at(pieces[0].begin) if pieces else None,
            until=EPOCH + timedelta(microseconds=until),
            ended=bool(pieces) and pieces[-1].closed_by is not None,
            seconds=sum(sums.values()) / 1e6,
            waited=[
                Waited(party, sums[party] / 1e6, None, self._sum(party, sums, {})) for party in PARTIES if party in sums
            ],
            pieces=[self.piece(piece) for piece in pieces if piece.begin < piece.end],
        )


def _at(us: int | None) -> datetime | None:
    return None if us is None else EPOCH + timedelta(microseconds=us)
