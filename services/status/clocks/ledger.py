"""The waiting ledger: every moment from submission to the end belongs to exactly one party. Rules: `CLOCKS.md` of the design.

The events are taken in the order of their own times (where two are equal, the order of the log decides), so a fact that
is reported late moves the cuts of the past by its own time. A payment ends the applicant's time when it was made, and
the bank's when we learned of it. Pure; times are whole microseconds since 1970, pieces are half-open, and their lengths
sum exactly to the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.status.clocks.waits import NOTICES, OF_OTHERS, REPORTED, Waits, is_payment
from services.status.folding.progress import Moment
from services.status.folding.reading import EPOCH, in_us
from services.status.folding.situation import Party, situate

if TYPE_CHECKING:  # the workers of a rebuild start faster without the catalogue
    from services.status.folding.procedure import Procedure
    from services.status.folding.progress import Progress


class Piece(Struct, gc=False):
    """A stretch of time, from `begin` to before `end`, that belongs to one party."""

    party: Party
    begin: int
    end: int
    opened_by: int
    """The event (its place on the timeline) that it begins with. A payment opens two: with its own time the bank's, with
    the time of its report the next."""
    closed_by: int | None
    """The event that it ends with; none of what is still open, which is the last piece."""
    who: str = ""
    """The agency, by its code, where an agency is waited on."""
    stage: str = ""
    """The furthest declared stage that was reached when it began; empty while none was."""
    desk: str = ""
    """Of the office's pieces: the desk whose act closed it; empty where none was named. What others do meanwhile, and
    notices, close nobody's work: what they cut belongs to the desk that acts next."""

    @property
    def length(self) -> int:
        """Microseconds."""
        return self.end - self.begin


def ledger(progress: Progress, until_us: int | None, procedure: Procedure) -> list[Piece]:
    """The pieces from submission to the end (`situate` says where that is), in order and without gaps.

    An application that has not ended is told up to `until_us`, and its last piece is open. Where `until_us` is `None` the
    open piece is empty (`begin == end`, at the last cut), so that the answer depends on nothing but what is known. There
    is none before there is a submission, nor where the end or `until_us` lies before it. `procedure` is the service's.
    """
    submitted = progress.reached.get("submitted")
    if submitted is None or not progress.journal:
        return []
    situation = situate(progress, procedure)
    if situation.waits_for == "nobody":
        return _cut(progress, procedure, submitted, situation.since)[:-1]
    return _cut(progress, procedure, submitted, until_us)


def _cut(progress: Progress, procedure: Procedure, begin: int, stop: int | None) -> list[Piece]:
    """The pieces up to `stop`; the last one is open, and empty where `stop` is a cut or none was given."""
    if stop is not None and stop < begin:
        return []
    waits, opened_by = Waits(progress.office, progress.paid, procedure), 0
    pieces: list[Piece] = []
    interrupted: list[int] = []
    for moment in _moments(progress):
        at = moment.at
        if at > begin:
            if stop is not None and at > stop:
                break
            party = waits.party
            who = waits.agency if party == "agency" else ""
            desk = moment.desk if party == "office" else ""
            if not desk and party == "office" and moment.fact in _GO_ON:
                interrupted.append(len(pieces))
            pieces.append(Piece(party, begin, at, opened_by, moment.n, who, waits.stage, desk))
            begin = at
        waits.take(moment)
        opened_by = moment.n
    who = waits.agency if waits.party == "agency" else ""
    pieces.append(Piece(waits.party, begin, begin if stop is None else stop, opened_by, None, who, waits.stage))
    for place in reversed(interrupted):
        if pieces[place + 1].party == "office":
            pieces[place].desk = pieces[place + 1].desk
    return pieces


def _moments(progress: Progress) -> list[Moment]:
    """The journal by time, and where times are equal by the log; with the instant at which the payment was reported."""
    moments, paid = progress.journal, progress.paid
    if paid is not None and paid.reported_at > paid.paid_at:
        for moment in moments:
            if is_payment(moment, paid):
                moments = [*moments, Moment(paid.reported_at, moment.n, REPORTED, paid.reported_at)]
                break
    return sorted(moments, key=_time)


_time: Final = attrgetter("at")
_GO_ON: Final = NOTICES | OF_OTHERS
"""Events that are no act of the office: it goes on with what it was doing."""


def waited(pieces: Iterable[Piece]) -> dict[Party, int]:
    """How long each party was waited on, in microseconds; only those that were."""
    sums: dict[Party, int] = {}
    for piece in pieces:
        if piece.begin < piece.end:
            sums[piece.party] = sums.get(piece.party, 0) + piece.end - piece.begin
    return sums


def open_run(pieces: list[Piece]) -> list[Piece]:
    """The last pieces, as many as belong to whoever is waited on now; none after the end and before submission."""
    if not pieces or pieces[-1].closed_by is not None:
        return []
    now, place = pieces[-1], len(pieces) - 1
    while place and (pieces[place - 1].party, pieces[place - 1].who) == (now.party, now.who):
        place -= 1
    return pieces[place:]


class Spent(NamedTuple):
    """Time of one application that was spent waiting for one party, at one stage and desk, in one month."""

    stage: str
    desk: str
    party: Party
    month: str
    """Of the office's calendar: `2026-03`."""
    us: int


def spent(pieces: Iterable[Piece], zone: ZoneInfo) -> Iterator[Spent]:
    """The pieces cut at the borders of the months in `zone`; the parts sum exactly to the pieces."""
    label, first, following = "", 0, 0
    for piece in pieces:
        begin, end = piece.begin, piece.end
        while begin < end:
            if not first <= begin < following:
                local = (EPOCH + timedelta(microseconds=begin)).astimezone(zone)
                label, first, following = _month(local.year, local.month, zone)
            until = min(end, following)
            yield Spent(piece.stage, piece.desk, piece.party, label, until - begin)
            begin = until


@lru_cache(maxsize=1_024)
def _month(year: int, month: int, zone: ZoneInfo) -> tuple[str, int, int]:
    """A month's name, its beginning, and the beginning of the next."""
    borders = [datetime(year + place // 12, place % 12 + 1, 1, tzinfo=zone) for place in (month - 1, month)]
    first, following = map(in_us, borders)
    return f"{year:04d}-{month:02d}", first, following
