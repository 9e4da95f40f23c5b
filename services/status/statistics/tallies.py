"""Sums, counts and lengths of time, as statistics add them up: exactly, so that two computations are the same to the byte.

Lengths are kept in whole seconds, rounded down, four bytes each; sums of waiting in microseconds. Percentiles are by
nearest rank: a length that occurred, never one in between.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.status.folding.reading import in_us
from services.status.statistics.disclosure import LEAST, Unit

PERCENTS: Final = (10, 25, 50, 75, 90)
_SECOND_US: Final = 1_000_000
_MOST_S: Final = 2**32 - 1
_FIRST_YEAR, _LAST_YEAR = 1950, 2200


class Percentiles(Struct, frozen=True):
    """Of lengths of time, in whole seconds; `count`: how many there are."""

    count: int
    p10: int
    p25: int
    p50: int
    p75: int
    p90: int


class Tally(Struct, gc=False):
    """What is added up of one part in one month."""

    counts: dict[str, int]
    waited: dict[str, int]
    """Party → microseconds."""
    lengths: dict[str, "array[int]"]
    """What → lengths of time in seconds."""

    def count(self, what: str, number: int = 1) -> None:
        """Add to a count."""
        self.counts[what] = self.counts.get(what, 0) + number

    def wait(self, party: str, us: int) -> None:
        """Add to the waiting for a party."""
        self.waited[party] = self.waited.get(party, 0) + us

    def last(self, what: str, us: int) -> None:
        """Add a length of time of so many microseconds."""
        kept = self.lengths.get(what)
        if kept is None:
            kept = self.lengths[what] = array("I")
        kept.append(min(max(us, 0) // _SECOND_US, _MOST_S))


def tally() -> Tally:
    """An empty one."""
    return Tally({}, {}, {})


def together(tallies: Iterable[Tally]) -> Tally:
    """Several added up."""
    whole = tally()
    for part in tallies:
        for what, number in part.counts.items():
            whole.count(what, number)
        for party, us in part.waited.items():
            whole.wait(party, us)
        for what, lengths in part.lengths.items():
            whole.lengths.setdefault(what, array("I")).extend(lengths)
    return whole


def percentiles(lengths: "array[int] | None") -> Percentiles | None:
    """By nearest rank; `None` where fewer than `LEAST` lengths would tell about single cases."""
    if lengths is None or len(lengths) < LEAST:
        return None
    ordered = sorted(lengths)
    return Percentiles(len(ordered), *(ordered[-(-percent * len(ordered) // 100) - 1] for percent in PERCENTS))


def in_seconds(waited: Mapping[str, int], parties: Iterable[str]) -> dict[str, int]:
    """Microseconds by party as whole seconds whose sum is the whole's, rounded down; each is less than a second off."""
    seconds: dict[str, int] = {}
    before = 0
    for party in parties:
        after = before + waited.get(party, 0)
        seconds[party] = after // _SECOND_US - before // _SECOND_US
        before = after
    return seconds


def share(part: int, whole: int) -> float | None:
    """`part` of `whole` to four digits, the half rounded up; `None` of nothing."""
    return (part * 20_000 + whole) // (2 * whole) / 10_000 if whole else None


class Months:
    """The months of a time zone, by their labels: `2026-03`."""

    def __init__(self, zone: ZoneInfo) -> None:
        months = [(year, month) for year in range(_FIRST_YEAR, _LAST_YEAR) for month in range(1, 13)]
        self.zone = zone
        self._begins = [in_us(datetime(year, month, 1, tzinfo=zone)) for year, month in months]
        self._labels = [f"{year:04d}-{month:02d}" for year, month in months]
        self._places = {label: place for place, label in enumerate(self._labels)}

    def of(self, us: int) -> str:
        """The month that holds an instant; the first or last that is known for one beyond."""
        return self._labels[max(bisect_right(self._begins, us) - 1, 0)]

    def between(self, first: str, last: str) -> list[str]:
        """The months from `first` to `last`, both included."""
        return self._labels[self._places[first] : self._places[last] + 1]

    def end(self, label: str) -> int:
        """When a month ends, in microseconds since 1970."""
        return self._begins[self._places[label] + 1]


def period_of(month: str, unit: Unit) -> str:
    """The label of the month, quarter (`2026-Q1`) or year that holds a month."""
    if unit == "month":
        return month
    year = month[:4]
    return year if unit == "year" else f"{year}-Q{(int(month[5:]) + 2) // 3}"
