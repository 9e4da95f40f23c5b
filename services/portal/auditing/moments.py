"""The instants of a case's history at which something became known, or was true: what the slider moves over. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from msgspec import Struct

By = Literal["known", "valid"]
BEFORE: Final = timedelta(seconds=1)
"""How long before the first event nothing is known yet."""


_YEARS: Final = (1900, 2999)
"""Instants of other years are typing errors, and cannot be put into every time zone."""


class Moment(Struct, frozen=True):
    """An instant, as the service writes it, and what came with it."""

    at: str
    entries: Sequence[Mapping[str, Any]]


class Place(Struct, frozen=True):
    """Where in the history a page stands. `place`: of the last moment that is not after `at`; -1 before the first."""

    moments: Sequence[Moment]
    place: int
    at: str
    by: By

    @property
    def before(self) -> str:
        """The instant to compare with: of the moment before, or when nothing was known yet."""
        if self.place > 0:
            return self.moments[self.place - 1].at
        first = self.moments[0].at if self.moments else self.at
        return (min(_read(first), _read(self.at)) - BEFORE).isoformat()

    @property
    def earlier(self) -> Moment | None:
        """The moment before this one."""
        return self.moments[self.place - 1] if self.place > 0 else None

    @property
    def later(self) -> Moment | None:
        """The moment after this one."""
        return self.moments[self.place + 1] if self.place + 1 < len(self.moments) else None


def moments_of(entries: Iterable[Mapping[str, Any]], by: By) -> list[Moment]:
    """By when things were recorded, or happened; what came at once is one moment."""
    name = "recorded_at" if by == "known" else "occurred_at"
    found: dict[datetime, list[Mapping[str, Any]]] = {}
    for entry in entries:
        found.setdefault(_read(entry[name]), []).append(entry)
    return [Moment(found[at][0][name], found[at]) for at in sorted(found)]


def place_at(moments: Sequence[Moment], at: str, by: By) -> Place:
    """Where the instant `at` stands; empty: at the last moment. Raises `ValueError` where it is no instant with a zone, or of another age."""
    if not at:
        return Place(moments, len(moments) - 1, moments[-1].at if moments else "", by)
    instant = _read(at)
    if instant.tzinfo is None or not _YEARS[0] <= instant.year <= _YEARS[1]:
        raise ValueError(at)
    place = sum(_read(moment.at) <= instant for moment in moments) - 1
    return Place(moments, place, at, by)


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text)
