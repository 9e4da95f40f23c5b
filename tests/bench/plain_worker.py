"""A worker of a rebuild of the *plain* projection: timelines and states without the journal and deadlines of the clocks.

It stands beside `services.status.rebuilding.bulk` in the measure `rebuild_clocks` and is used nowhere else. What it does without is
exactly what clocks need of a rebuild: who acted at which desk, each event's entry in the journal, and the deadlines.
"""

from typing import Any

from services.status.clocks.clockwork import Clockwork
from services.status.domain import _KINDS, BEFORE_SUBMISSION, Found, _act, _note
from services.status.folding import fold
from services.status.folding.procedure import Procedure
from services.status.folding.progress import Progress
from services.status.rebuilding import bulk


def evolve(progress: Progress, procedure: Procedure, fact: str, at: int, recorded: int, data: Any) -> Found:
    """As `services.status.domain.evolve`, without the journal."""
    reported = at
    if progress.n:
        if at > progress.last_at:
            progress.last_at = at
        if recorded > progress.last_recorded:
            progress.last_recorded = recorded
        if progress.first_recorded <= at:
            reported = recorded
    else:
        progress.last_at, progress.first_recorded, progress.last_recorded = at, recorded, recorded
    progress.n += 1
    change, _, is_act = _KINDS[fact]
    if change is None:
        return ()
    found = change(progress, procedure, at, reported, data)
    if is_act:
        _act(progress, at, "")
    if not progress.service:
        found = (BEFORE_SUBMISSION, *found)
    return _note(progress, at, found) if found else ()


def no_deadlines(progress: Progress, clockwork: Clockwork) -> tuple[None, None]:
    """In the place of `services.status.clocks.legal.deadlines_us`."""
    return None, None


if __name__ == "__main__":
    fold.evolve = evolve
    fold.deadlines_us = no_deadlines  # type: ignore[assignment]
    bulk.main()
