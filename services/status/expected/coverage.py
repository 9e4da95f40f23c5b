"""How often what was foretold came true: a rolling back-test. Pure.

Every application that has ended is foretold anew as it would have been then, from what was known then and from nothing
that came later: at its submission, and half-way, when it reached the middle one of the stages that it went through. (The
middle of its own duration would not do: to know it is to know the end.)
"""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from msgspec import Struct

from services.status.expected.expected import NEVER, Case, Forecast, History, Rules, Sample, forecast, place_of

Moment = Literal["at_submission", "half_way"]


class Tested(NamedTuple):
    """A prediction and what happened."""

    moment: Moment
    foretold: Forecast
    remained: int
    """Microseconds on the application's clock."""


class Coverage(Struct, frozen=True):
    """How many predictions were tested, and how many applications were ready within the range that was foretold."""

    predictions: int = 0
    within_50: int = 0
    within_80: int = 0
    earlier: int = 0
    """Ready before the 80 % range."""
    later: int = 0
    """Ready after it."""


def backtest(history: History, rules: Rules, *, until: int, latest: int) -> Iterator[Tested]:
    """Tests the predictions for the `latest` applications whose end was known by `until`; one at a step."""
    ended = sorted((case for case in history.cases if case.told <= until), key=lambda case: case.told)
    for case in ended[-latest:]:
        for moment, instant in moments(case):
            tested = try_at(case, moment, instant, history.at(instant, rules), rules)
            if tested:
                yield tested


def moments(case: Case) -> list[tuple[Moment, int]]:
    """When an application that ended is foretold."""
    found: list[tuple[Moment, int]] = [("at_submission", case.submitted)]
    steps = [step for step in case.steps if step.entered > 0]
    if steps:
        found.append(("half_way", steps[len(steps) // 2].at))
    return found


def try_at(case: Case, moment: Moment, instant: int, sample: Sample, rules: Rules) -> Tested | None:
    """Foretell `case`, which ended, at `instant` from `sample`; nothing where there was too little to go by."""
    foretold = forecast(sample, place_of(case, instant), rules)
    if not isinstance(foretold, Forecast) or case.ended is None:
        return None
    return Tested(moment, foretold, case.age(case.ended) - case.age(instant))


def coverage_of(tested: Iterable[Tested], moment: Moment) -> Coverage:
    """The tests of one moment, counted."""
    found = [one for one in tested if one.moment == moment]
    return Coverage(
        predictions=len(found),
        within_50=sum(one.foretold.remaining[1] <= one.remained <= one.foretold.remaining[3] for one in found),
        within_80=sum(one.foretold.remaining[0] <= one.remained <= one.foretold.remaining[4] for one in found),
        earlier=sum(one.remained < one.foretold.remaining[0] for one in found),
        later=sum(one.remained > one.foretold.remaining[4] for one in found),
    )


def halves(history: History) -> tuple[int, list[Case]]:
    """The instant that parts the applications into an earlier and a later half, and those of the later that ended."""
    cases = history.cases
    parting = cases[len(cases) // 2].submitted
    return parting, [case for case in cases if case.submitted >= parting and case.told < NEVER]
