"""What a rebuild is told. Apart from it, since the service, which hardly ever rebuilds, need not load what rebuilding takes."""

from dataclasses import dataclass
from typing import Literal

from contracts.envelope import PARTITIONS


class RebuildRefused(Exception):
    """It cannot begin; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to rebuild."""

    dsn: str
    schema: str
    source: Literal["kafka", "archive"]
    topic: str
    log_generation: str
    bootstrap: str = ""
    consumer: str = "status"
    workers: int = 1
    worker: str = "services.status.rebuilding.bulk"
    """The module that worker processes run."""
    thread: bool = False
    """Let one of the workers be a thread of this process: it begins at once, but takes turns with whatever else runs."""
    confirm: bool = False
    """Drop the generation that was live at once, instead of keeping it until it is confirmed."""
    keep: bool = False
    """Keep the tables of a new generation that differs, to look at them."""
    drop_first: bool = False
    """Empty the live generation once its digest is known: readers find nothing until the new one is live."""
    partitions: tuple[int, ...] = tuple(range(PARTITIONS))
    """Those that this database has; the others stay empty."""
    begin_anew: bool = False
    """Do not take up a rebuild that was begun and not finished."""

    @property
    def qualified_topic(self) -> str:
        """The log's name and generation, as positions have it."""
        return f"{self.topic}@{self.log_generation}"
