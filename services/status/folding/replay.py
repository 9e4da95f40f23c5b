"""What was known, or was true, at an instant: timeline rows folded anew, without the events that were corrected.

The fold of the log (`services.status.folding.fold`) takes every event as it came. Where one event takes the place of another, what
counts is this fold of all of an application's events; and what was known earlier is this fold of those recorded by then.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from services.status.domain import declare, evolve
from services.status.folding.procedure import UNDECLARED, Procedure
from services.status.folding.progress import Progress
from services.status.folding.reading import DECODERS, in_us


def select_timelines(table: str, parameter: str) -> str:
    """The query for the rows of several applications, in the order that `replay_each` wants; `parameter`: the numbers."""
    return (
        f"SELECT number, n, fact, occurred, recorded, source, event_id, data FROM {table}"  # noqa: S608 - our own names
        f" WHERE number = ANY({parameter}) ORDER BY number, n"
    )


def replay_each(rows: Iterable[Any], procedures: Mapping[str, Procedure]) -> dict[str, Progress]:
    """What counts of each application, from the rows of `select_timelines`."""
    replayed = ((number, replay(own, procedures)) for number, own in groupby(rows, itemgetter("number")))
    return {number: progress for number, progress in replayed if progress is not None}


Corrects = tuple[str, str] | None
"""Source and id of the event whose place another takes."""


def replacements(events: Iterable[tuple[int, str, str, Corrects]]) -> dict[int, int]:
    """Which events no longer count: `n` of each → `n` of the one that took its place (the last, if there are several).

    `events`: (n, source, id, corrects) of one application. A correction may reach the log before what it corrects; only
    another correction must come after the one that it corrects, so that no two can take each other's place.
    """
    listed = list(events)
    places = {(source, id_): (n, corrects) for n, source, id_, corrects in listed}
    replaced_by: dict[int, int] = {}
    for n, _, _, corrects in listed:
        found = places.get(corrects) if corrects else None
        if found is not None and found[0] != n and (found[0] < n or found[1] is None):
            replaced_by[found[0]] = n
    return replaced_by


def replay(
    rows: Iterable[Any],
    procedures: Mapping[str, Procedure],
    *,
    known_at: datetime | None = None,
    valid_at: datetime | None = None,
) -> Progress | None:
    """What counts of one application, from its timeline rows in order of `n`; `None` when there is none.

    `known_at`: only what was recorded by then, corrections included. `valid_at`: only what had happened by then, by all
    that is known (at `known_at`, where both are given). `n` of the result is that of the last event that was known.
    """
    known = [row for row in rows if known_at is None or row["recorded"] <= known_at]
    taken = [(row, DECODERS[row["fact"]](row["data"])) for row in known]
    replaced_by = replacements(
        (row["n"], row["source"], row["event_id"], data.corrects and (data.corrects.source, data.corrects.id))
        for row, data in taken
    )
    progress, procedure = Progress(), UNDECLARED
    for row, data in taken:
        if row["n"] in replaced_by or (valid_at is not None and row["occurred"] > valid_at):
            continue
        progress.n = row["n"] - 1
        evolve(progress, procedure, row["fact"], in_us(row["occurred"]), in_us(row["recorded"]), data)
        if procedure is UNDECLARED and progress.service in procedures:
            procedure = procedures[progress.service]
            declare(progress, procedure)
    if not progress.journal:
        return None
    progress.n = known[-1]["n"]
    return progress
