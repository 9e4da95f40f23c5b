"""What an import has read, in order of time, and how far it has been sent: an SQLite file that outlives a kill.

Exports are not sorted; sorting on disk keeps memory flat. Staging is complete or nothing: only then is anything sent.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from services.intake.history.events import HistoryEvent

SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    at_us INTEGER NOT NULL, line INTEGER NOT NULL, number TEXT NOT NULL, type TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (at_us, line)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused (line INTEGER PRIMARY KEY, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS progress (
    one INTEGER PRIMARY KEY CHECK (one = 1), at_us INTEGER NOT NULL, line INTEGER NOT NULL,
    sent INTEGER NOT NULL, accepted INTEGER NOT NULL, duplicates INTEGER NOT NULL
);
"""
INSERT_EVENT = "INSERT INTO event (at_us, line, number, type, body) VALUES (?, ?, ?, ?, ?)"
INSERT_REFUSED = "INSERT OR REPLACE INTO refused (line, reason) VALUES (?, ?)"
BEGIN_PROGRESS = "INSERT INTO progress VALUES (1, -9223372036854775808, 0, 0, 0, 0)"
SELECT_PROGRESS = "SELECT at_us, line, sent, accepted, duplicates FROM progress"
SET_PROGRESS = """
UPDATE progress SET at_us = ?, line = ?, sent = sent + ?, accepted = accepted + ?, duplicates = duplicates + ?
"""
SELECT_BATCH = "SELECT at_us, line, body FROM event WHERE (at_us, line) > (?, ?) ORDER BY at_us, line LIMIT ?"
COUNT = "SELECT count(*), count(DISTINCT number), min(at_us), max(at_us) FROM event"
COUNT_TYPES = "SELECT type, count(*) FROM event GROUP BY type ORDER BY 2 DESC, 1"
SELECT_REFUSED = "SELECT line, reason FROM refused ORDER BY line"

_AT_ONCE = 10_000


class StagedEvent(NamedTuple):
    """An event in its place."""

    at_us: int
    line: int
    body: bytes


class Progress(NamedTuple):
    """How far an import has come: the last event sent, and counts."""

    at_us: int
    line: int
    sent: int
    accepted: int
    duplicates: int


class Totals(NamedTuple):
    """What there is to send; times in microseconds since 1970, None where there is nothing."""

    events: int
    applications: int
    first_us: int | None
    last_us: int | None


def fingerprint(*files: Path) -> str:
    """What tells one import from another: the content of its files."""
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:24]


class Staging:
    """One import's file. Use as a context manager."""

    def __init__(self, path: Path | None) -> None:
        """`path` None: in memory, for a dry run."""
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path or ":memory:", isolation_level=None)
        self._database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + SCHEMA)

    def __enter__(self) -> "Staging":
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    @property
    def complete(self) -> bool:
        """Whether the whole export has been staged."""
        return self._database.execute(SELECT_PROGRESS).fetchone() is not None

    def fill(self, outcomes: Iterable[tuple[int, HistoryEvent | str]]) -> None:
        """Stage every line's event, or the reason why it has none; all or nothing."""
        self._database.execute("BEGIN")
        try:
            rest = iter(outcomes)
            while some := list(islice(rest, _AT_ONCE)):
                refused = [(line, outcome) for line, outcome in some if isinstance(outcome, str)]
                events = [
                    (outcome.at_us, line, outcome.number, outcome.type, outcome.body)
                    for line, outcome in some
                    if not isinstance(outcome, str)
                ]
                self._database.executemany(INSERT_REFUSED, refused)
                self._database.executemany(INSERT_EVENT, sorted(events))  # in order they are half the work for the tree
            self._database.execute(BEGIN_PROGRESS)
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def progress(self) -> Progress:
        """How far it was sent."""
        return Progress(*self._database.execute(SELECT_PROGRESS).fetchone())

    def totals(self) -> Totals:
        """What there is to send."""
        return Totals(*self._database.execute(COUNT).fetchone())

    def types(self) -> list[tuple[str, int]]:
        """Events by type, most first."""
        return list(self._database.execute(COUNT_TYPES))

    def refused(self) -> list[tuple[int, str]]:
        """Lines that are not imported, with the reason."""
        return list(self._database.execute(SELECT_REFUSED))

    def batches(self, size: int) -> Iterator[list[StagedEvent]]:
        """What is still to be sent, in order of time."""
        progress = self.progress()
        place = (progress.at_us, progress.line)
        while batch := [StagedEvent(*row) for row in self._database.execute(SELECT_BATCH, (*place, size))]:
            yield batch
            place = (batch[-1].at_us, batch[-1].line)

    def sent(self, batch: list[StagedEvent], accepted: int, duplicates: int, refused: list[tuple[int, str]]) -> None:
        """Note that intake has answered for `batch`."""
        self._database.execute("BEGIN")
        self._database.executemany(INSERT_REFUSED, refused)
        last = batch[-1]
        self._database.execute(SET_PROGRESS, (last.at_us, last.line, len(batch), accepted, duplicates))
        self._database.execute("COMMIT")
