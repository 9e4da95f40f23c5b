"""The timeline of one application as its readers get it: pages, and all of it for what is told of the past."""

from typing import Any, Final

from services.status.answering.entries import Entries, Entry
from services.status.answering.lookups import Head, Lookups
from services.status.folding.fold import decode_progress
from services.status.past.asof import NO_CORRECTIONS, corrections_of

_ROWS_AT_ONCE: Final = 1_000


class Timelines:
    """Reads timelines and puts them into words."""

    def __init__(self, lookups: Lookups, entries: Entries) -> None:
        self._lookups = lookups
        self._entries = entries

    async def page(self, head: Head, after: int, limit: int) -> list[Entry]:
        """Up to `limit` events after the `after`th.

        Which event takes the place of which is known from all of them: only where there is such a one, all are read.
        """
        rows = await self._lookups.entries(head.number, after, limit)
        if not rows:
            return []
        corrections, progress = corrections_of(rows), decode_progress(head.state)
        if corrections is not NO_CORRECTIONS or progress.corrected:
            corrections = corrections_of(await self.whole(head.number, max(head.n, rows[-1]["n"])))
        waiting = self._entries.waiting(progress)
        return [self._entries.entry(row, head.service, head.office, corrections, waiting) for row in rows]

    async def whole(self, number: str, n: int) -> list[Any]:
        """The rows of the first `n` events."""
        rows: list[Any] = []
        while len(rows) < n:
            some = await self._lookups.entries(number, len(rows), min(_ROWS_AT_ONCE, n - len(rows)))
            rows += some
            if not some:
                break
        return rows
