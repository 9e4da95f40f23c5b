"""The cases behind a figure: whether statistics count an application there. Pure.

What is asked of one application here is what `services.status.statistics.statistics` adds up of all of them: as many
applications are behind a figure as it says (a property test holds the two together).
"""

from typing import Final, Literal, get_args

from msgspec import Struct

from services.status.clocks.ledger import Piece
from services.status.folding.procedure import Procedure
from services.status.folding.progress import Progress
from services.status.statistics.statistics import Settle, happened, leavings, pieces_until

Event = Literal["submitted", "approved", "refused", "issued", "collected", "withdrawn"]
What = Literal[Event, "met", "missed", "left", "waited", "open"]
"""Something that happened in the period; a legal deadline met or missed in it; a stage left in it; waiting for a party, at a
stage or a desk, within it; open at its end."""
EVENTS: Final[tuple[str, ...]] = get_args(Event)


class Figure(Struct, frozen=True, kw_only=True):
    """A figure of statistics: what it counts, from `begin` to before `end` (microseconds since 1970), and of what part.

    `rule` is of `met` and `missed`; `stage` of `left`, `waited` and `open`; `desk` and `party` of `waited`. `None`: of all.
    """

    what: What
    begin: int
    end: int
    rule: str | None = None
    stage: str | None = None
    desk: str | None = None
    party: str | None = None


def is_behind(figure: Figure, progress: Progress, until: int, procedure: Procedure, settle: Settle) -> bool:
    """Whether statistics that are told for `until` count the application in `figure`; `procedure` is its service's."""
    submitted = progress.reached.get("submitted")
    if submitted is None or submitted >= until:
        return False
    if figure.what in EVENTS:
        at = happened(progress).get(figure.what)
        return at is not None and figure.begin <= at < min(figure.end, until)
    if figure.what in ("met", "missed"):
        return any(
            clock.state == figure.what and figure.begin <= min(clock.at, until - 1) < figure.end
            for clock in settle(progress, until)
            if figure.rule in (None, clock.rule)
        )
    pieces = pieces_until(progress, until, procedure)
    if figure.what == "left":
        return any(
            figure.begin <= end < figure.end for stage, _, end in leavings(pieces) if figure.stage in (None, stage)
        )
    if figure.what == "waited":
        return any(_is_of(figure, piece) for piece in pieces)
    return _is_open(figure, submitted, pieces, min(figure.end, until))


def _is_of(figure: Figure, piece: Piece) -> bool:
    """Whether time of the piece lies in the period and belongs to what is asked for; only the office has desks."""
    return (
        max(piece.begin, figure.begin) < min(piece.end, figure.end)
        and figure.party in (None, piece.party)
        and figure.stage in (None, piece.stage)
        and (figure.desk is None or (piece.party == "office" and piece.desk == figure.desk))
    )


def _is_open(figure: Figure, submitted: int, pieces: list[Piece], instant: int) -> bool:
    if not pieces or submitted >= figure.end:
        return False
    last = pieces[-1]
    if last.closed_by is not None and last.end <= instant:
        return False
    place = 0
    while place < len(pieces) - 1 and pieces[place].end <= instant:
        place += 1
    return figure.stage in (None, pieces[place].stage)
