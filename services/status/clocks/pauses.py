"""What pauses a legal clock: stretches of an application's history, each with the events that began and ended it.

Rules: `CLOCKS.md` of the design. The events are taken in the order of their own times, and where these are equal in the
order of the log. Pure; times are microseconds since 1970.
"""

from collections.abc import Collection, Iterable
from operator import attrgetter
from typing import Final

from msgspec import Struct

from services.status.clocks.clockwork import PauseKind
from services.status.clocks.waits import NOTICES, OF_OTHERS
from services.status.folding.progress import Moment

_NO_ANSWER: Final = NOTICES | OF_OTHERS | {"withdrawn", "transferred"}
"""What is not an act of the body that has the case (as in the waiting ledger)."""
by_time: Final = attrgetter("at", "n")


class Pause(Struct, gc=False):
    """A stretch in which a clock may rest, half-open."""

    kind: PauseKind
    since: int
    began: int
    """The event (its place on the timeline) that began it."""
    detail: tuple[str, ...]
    """Why: the requirements asked for, the reason's code, or the body that has the case."""
    until: int | None = None
    """`None` while it lasts."""
    ended: int | None = None
    """The event that ended it."""


def pauses_of(moments: Iterable[Moment], kinds: Collection[str], office: str) -> list[Pause]:
    """The pauses of these kinds, in order of their beginning; those of different kinds may overlap.

    A request for documents lasts until the last document that is asked for was supplied, or until it was decided without
    them; a pause until the case is resumed; a transfer to another body than `office` until anybody acts on the case.
    """
    found = _Found(kinds)
    missing: set[str] = set()
    for moment in sorted(moments, key=by_time):
        fact = moment.fact
        if fact == "documents_requested":
            missing.update(moment.detail)
            found.begin("documents_requested", moment)
        elif fact == "document_supplied" and missing:
            missing.difference_update(moment.detail)
            if not missing:
                found.end("documents_requested", moment)
        elif fact == "decided":
            missing.clear()
            found.end("documents_requested", moment)
        elif fact == "paused":
            found.begin("paused", moment)
        elif fact == "resumed":
            found.end("paused", moment)
        if fact == "transferred":
            if moment.detail and moment.detail[0] != office:
                found.begin("transferred", moment)
            else:
                found.end("transferred", moment)
        elif fact not in _NO_ANSWER:
            found.end("transferred", moment)
    return found.pauses


class _Found:
    """Pauses as they begin and end."""

    def __init__(self, kinds: Collection[str]) -> None:
        self.pauses: list[Pause] = []
        self._kinds = kinds
        self._open: dict[PauseKind, Pause] = {}

    def begin(self, kind: PauseKind, moment: Moment) -> None:
        """Begin a pause; one of its kind that lasts goes on, and takes in what is new about it."""
        lasting = self._open.get(kind)
        if lasting is not None:
            if kind == "documents_requested":
                lasting.detail = tuple(dict.fromkeys((*lasting.detail, *moment.detail)))
        elif kind in self._kinds:
            pause = self._open[kind] = Pause(kind, moment.at, moment.n, moment.detail)
            self.pauses.append(pause)

    def end(self, kind: PauseKind, moment: Moment) -> None:
        """End the pause of a kind, where there is one."""
        pause = self._open.pop(kind, None)
        if pause is not None:
            pause.until, pause.ended = moment.at, moment.n
