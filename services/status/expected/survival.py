"""How long it takes until something ends, of cases some of which have not ended: the product-limit estimator.

Source: E. L. Kaplan and P. Meier, "Nonparametric estimation from incomplete observations", JASA 53 (1958); with delayed
entry (left truncation) as in Klein and Moeschberger, *Survival Analysis*, 2nd ed., section 4.6. Where some never end,
the curve levels off, and the share that it levels off at is taken for theirs (Maller and Zhou, *Biometrika* 79, 1992).
Pure. Ages are whole numbers of any one unit, from 0. Why not a library: docs/decisions/0010.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from typing import Final, NamedTuple

from msgspec import Struct

_ROUNDING: Final = 1e-9
"""What a product of many quotients may be off by."""


class Spell(NamedTuple):
    """How long a case was watched: after the age `entered` (0: from the first moment) up to and with the age `until`."""

    entered: int
    until: int
    ended: bool
    """It ended at `until`; else no more than that is known of it (right-censored)."""


class Curve(Struct, frozen=True):
    """Which share lasts beyond an age. It falls at each of `ages`, to the value of `survival` beside it."""

    ages: tuple[int, ...] = ()
    survival: tuple[float, ...] = ()

    def at(self, age: int) -> float:
        """The share that lasts beyond `age`."""
        place = bisect_right(self.ages, age)
        return self.survival[place - 1] if place else 1.0

    def quantile(self, share: float) -> int | None:
        """The first age by which at least `share` (0 < share < 1) has ended; `None` where no age is known."""
        limit = 1.0 - share + _ROUNDING
        return next((age for age, left in zip(self.ages, self.survival, strict=True) if left <= limit), None)

    @property
    def unresolved(self) -> float:
        """The share of which no end is known."""
        return self.survival[-1] if self.survival else 1.0

    def after(self, waited: int) -> "Curve":
        """That of those who last beyond `waited`, counted from there. Empty where nobody is known to last so long.

        `after(0)` is the curve itself, unless some end at once.
        """
        left = self.at(waited)
        place = bisect_right(self.ages, waited)
        if left <= 0.0:
            return Curve()
        return Curve(
            tuple([age - waited for age in self.ages[place:]]), tuple([share / left for share in self.survival[place:]])
        )

    def of_those_that_end(self) -> "Curve":
        """The curve of those whose end is known to come: without the share at which it levels off."""
        never = self.unresolved
        if never >= 1.0:
            return Curve()
        return Curve(self.ages, tuple([(share - never) / (1.0 - never) for share in self.survival]))


def product_limit(spells: Iterable[Spell]) -> Curve:
    """The curve of `spells`; those that were watched for no time at all say nothing.

    At equal ages ends come before what is merely seen no longer. Where everybody who was watched at some age ended
    while others were first watched later, that age is passed over: it would end those others too.
    """
    watched = [(entered or -1, until, ended) for entered, until, ended in spells if until > (entered or -1)]
    entries = sorted(entered for entered, _, _ in watched)
    exits = sorted(until for _, until, _ in watched)
    ends = Counter(until for _, until, ended in watched if ended)
    ages, survival, left = [], [], 1.0
    for age, ended in sorted(ends.items()):
        entered = bisect_left(entries, age)
        at_risk = entered - bisect_left(exits, age)
        if ended == at_risk and entered < len(entries):
            continue
        left = left * (at_risk - ended) / at_risk
        ages.append(age)
        survival.append(left)
    return Curve(tuple(ages), tuple(survival))
