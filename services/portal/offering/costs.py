"""What a service costs on a day, as a page shows it. Pure."""

import datetime as dt
from collections.abc import Sequence
from typing import Literal, NamedTuple

from contracts.catalogue import Fee

How = Literal["always", "one_of", "at_most_one", "if"]


class Part(NamedTuple):
    """Fees that belong together, and how they are charged."""

    how: How
    fees: list[Fee]


class Costs(NamedTuple):
    """The fees of one day; `least` and `most` are what an applicant pays without what applies in particular cases.

    `coming`: fees that are decreed for later days.
    """

    parts: list[Part]
    least: int
    most: int
    currency: str
    coming: list[Fee]

    @property
    def bases(self) -> list[tuple[str, dt.date]]:
        """What the fees rest on: regulation and first day, each once."""
        return list(dict.fromkeys((fee.legal_basis, fee.valid_from) for part in self.parts for fee in part.fees))

    @property
    def is_confirmed(self) -> bool:
        """Every amount is from an official page."""
        return all(fee.source == "official" for part in self.parts for fee in part.fees)


def costs_on(fees: Sequence[Fee], day: dt.date) -> Costs:
    """The fees of `day`, grouped as they are charged."""
    valid = [fee for fee in fees if fee.valid_from <= day and (fee.valid_until is None or day <= fee.valid_until)]
    parts = [_part(group, valid) for group in dict.fromkeys(fee.group or f"={fee.code}" for fee in valid)]
    always = [part for part in parts if part.how in ("always", "one_of")]
    return Costs(
        parts,
        sum(min(fee.amount for fee in part.fees) for part in always),
        sum(max(fee.amount for fee in part.fees) for part in always),
        valid[0].currency if valid else "IDR",
        [fee for fee in fees if fee.valid_from > day],
    )


def _part(group: str, valid: Sequence[Fee]) -> Part:
    fees = [fee for fee in valid if (fee.group or f"={fee.code}") == group]
    optional = fees[0].charged == "when_applicable"
    if group.startswith("="):
        return Part("if" if optional else "always", fees)
    return Part("at_most_one" if optional else "one_of", fees)
