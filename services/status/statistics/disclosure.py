"""Statistics that tell nothing about a few people: which rows are shown by themselves, and which only together.

A row that fewer than `LEAST` applications are behind is not published, neither as such nor as a difference of rows that
are. Parts of a whole (the services of an office, the stages of a service) which are too small are put together into one
row, "others", and the next smallest with them until that row is large enough. What is put together is put together in
every period of a year, and what is shown by months is shown by quarters and years too. So the parts that a coarser
period shows divide those that a finer one shows, whatever is added or subtracted is a sum of published rows, and each
of them is of nobody or of `LEAST` applications and more. Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Literal

LEAST: Final = 5
"""Applications behind a published row, and cases behind a published percentile."""

Counts = Mapping[str, Mapping[str, int]]
"""Part → period → how many applications are behind it there; none where it is not named."""


def shown_alone(
    counts: Counts, periods: Iterable[str], finer: frozenset[str], *, overlap: bool
) -> frozenset[str] | None:
    """The parts to be shown by themselves in `periods`; the others are shown together.

    `finer`: those that finer periods show by themselves, which then are large enough here too. `overlap`: an application
    can be behind several parts (stages, desks), so that together they are only known to be as many as the largest.
    `None`: not even all of them together can be shown.
    """
    listed = list(periods)
    alone = {part for part in counts if part in finer or all(_is_fine(counts[part].get(p, 0)) for p in listed)}
    smallest = sorted(alone - finer, key=lambda part: (sum(counts[part].get(p, 0) for p in listed), part))
    for part in [*smallest, None]:
        together = [counts[other] for other in counts if other not in alone]
        if all(_is_fine(_joined([by.get(p, 0) for by in together], overlap=overlap)) for p in listed):
            return frozenset(alone)
        if part is not None:
            alone.discard(part)
    return None


def _joined(numbers: list[int], *, overlap: bool) -> int:
    return max(numbers, default=0) if overlap else sum(numbers)


def _is_fine(number: int) -> bool:
    return number == 0 or number >= LEAST


Unit = Literal["month", "quarter", "year"]
UNITS: Final[tuple[Unit, ...]] = ("month", "quarter", "year")
"""From fine to coarse."""


def layers(counts: Counts, periods: Mapping[Unit, list[str]], *, overlap: bool) -> dict[Unit, frozenset[str] | None]:
    """For each unit what is shown by itself in `periods`, all of one year."""
    found: dict[Unit, frozenset[str] | None] = {}
    finer: frozenset[str] = frozenset()
    for unit in UNITS:
        shown = found[unit] = shown_alone(counts, periods[unit], finer, overlap=overlap)
        finer = finer | (shown or frozenset())
    return found
