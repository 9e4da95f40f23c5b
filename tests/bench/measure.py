"""One measure: what was measured, beside what, and how it is printed."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Result:
    """`ratio` is ours beside the yardstick's, `limit` the ratio that is aimed at, `value` our own figure in `unit`.

    `better`: whether a ratio above the limit is good (as with rates), or one below it (as with times and memory).
    """

    name: str
    ratio: float
    value: float
    limit: float
    unit: str
    better: Literal["higher", "lower"] = "higher"

    def line(self) -> str:
        """The one line that every measure prints."""
        digits = 0 if self.value >= 100 else 2
        return (
            f"bench: {self.name} ratio={self.ratio:.3f} value={self.value:.{digits}f} limit={self.limit:g} "
            f"unit={self.unit} better={self.better}"
        )


@dataclass(frozen=True)
class Surroundings:
    """Where a measure runs: real Kafka and PostgreSQL, a folder that is removed afterwards, and how much is wanted."""

    kafka: str
    database: str
    folder: Path
    size: str = "normal"

    def say(self, figures: str) -> None:
        """Print raw figures: for people, beside the line."""
        print(f"       {figures}", flush=True)


Measure = Callable[[Surroundings], Iterator[Result]]
"""Measures, and yields one result for each name under which it is registered."""


class Clock:
    """Seconds of a `with` block."""

    seconds: float = 0.0


@contextmanager
def timed() -> Iterator[Clock]:
    """Time a block by the wall."""
    clock = Clock()
    began = time.perf_counter()
    yield clock
    clock.seconds = time.perf_counter() - began
