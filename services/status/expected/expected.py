"""What to expect: how long it takes until an application is ready, from those that came before it. Pure.

Every application has a clock of its own, which begins with its submission and stands while it waits for its applicant.
The ages below are microseconds on that clock; instants are microseconds since 1970. The applications of one service that
were being handled lately are watched over that time only (left-truncated where they are older), those that are still open
are counted as open (censored). An application in a stage is compared with those that were in the same stage as long;
where they are too few, with all of the service that lasted as long. docs/expected-time.md says it in words.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from services.status.clocks.ledger import ledger
from services.status.expected.survival import Curve, Spell, product_limit
from services.status.folding.procedure import Procedure
from services.status.folding.progress import Progress

NEVER: Final = 1 << 62
"""Later than any instant."""
SHARES: Final = (0.1, 0.25, 0.5, 0.75, 0.9)
"""The quantiles of a range: 80 % lie between the outer ones, 50 % between the inner ones."""
BEYOND_FEWEST: Final = 10
"""So many must have lasted longer than an application has, and ended, before a range is drawn from them."""
MOST_UNRESOLVED: Final = 0.5
"""Where no end is known of more than this share, those whose end is known say little about the others."""


class Rules(Struct, frozen=True):
    """How history is read."""

    recent: int = 200
    """So many of the latest ends decide how far back applications are watched."""
    fewest: int = 30
    """Fewer ends than this are too few for a range."""


class Step(NamedTuple):
    """A stage while it was the furthest one: the ages at which it was reached and passed (`None`: it still is)."""

    stage: str
    entered: int
    left: int | None
    at: int
    """When it was reached: an instant."""


class Case(Struct, frozen=True, gc=False):
    """What an application tells about time."""

    submitted: int
    standing: tuple[tuple[int, int], ...]
    """The stretches during which the applicant was waited on: instants, in order; the last may go on (`NEVER`)."""
    steps: tuple[Step, ...]
    ended: int | None
    """When it was ready, or refused."""
    told: int
    """When we learned of that; `NEVER` while it is open."""
    stopped: int
    """From when on it was not pursued any more: withdrawn, or `NEVER`."""

    def age(self, instant: int) -> int:
        """What its clock shows at `instant`: 0 before the submission."""
        stood = sum(  # of a list: the innermost loop of the back-test
            [min(end, instant) - begin for begin, end in self.standing if begin < instant]
        )
        return max(0, instant - self.submitted - stood)

    def stands(self, instant: int) -> bool:
        """Whether its clock stands at `instant`, for the applicant is waited on."""
        return any(begin <= instant < end for begin, end in self.standing)


def target_of(procedure: Procedure) -> str:
    """The fact at which an application of this procedure is ready: `issued`, else `decided`, else its last stage's."""
    facts = [fact for _, fact, _ in procedure.stages]
    for fact in ("issued", "decided"):
        if fact in facts:
            return fact
    return facts[-1] if facts else ""


def case_of(progress: Progress, procedure: Procedure) -> Case | None:
    """What an application tells; nothing before it is submitted, and where its service declares no stages.

    It ends when it is ready (`target_of`, or collected), or refused: the applicant has an answer then.
    """
    submitted, target = progress.reached.get("submitted"), target_of(procedure)
    if submitted is None or not target:
        return None
    reached = progress.reached
    ends = [reached[fact] for fact in (target, "collected") if fact in reached]
    if progress.outcome == "refused":
        ends.append(progress.decided_at)
    ended = max(submitted, min(ends)) if ends else None
    stopped = reached.get("withdrawn", NEVER)
    pieces = ledger(progress, None, procedure)
    standing = tuple(
        [
            (piece.begin, NEVER if piece.closed_by is None else piece.end)
            for piece in pieces
            if piece.party == "applicant" and (ended is None or piece.begin < ended)
        ]
    )
    case = Case(submitted, standing, (), ended, _told(progress, ended), stopped)
    return Case(submitted, standing, tuple(_steps(case, progress, procedure)), ended, case.told, stopped)


def _told(progress: Progress, ended: int | None) -> int:
    if ended is None:
        return NEVER
    return min([moment.reported for moment in progress.journal if moment.at >= ended], default=ended)


def _steps(case: Case, progress: Progress, procedure: Procedure) -> Iterator[Step]:
    """The stages in the order in which each became the furthest; those that were reached late, or after the end, did not."""
    until = NEVER if case.ended is None else case.ended
    steps: list[tuple[str, int, int]] = []
    for stage, fact, _ in reversed(procedure.stages):
        at = progress.reached.get(fact, NEVER)
        if at < until:
            steps.append((stage, at, until))
            until = at
    for stage, entered, left in reversed(steps):
        yield Step(stage, case.age(entered), None if left == NEVER else case.age(left), entered)


class Watched(NamedTuple):
    """A case over the time of a sample: the ages from which and up to which it was watched, and whether it ended then."""

    case: Case
    entered: int
    until: int
    ended: bool


class Sample(NamedTuple):
    """The cases of one service that were being handled between `since` and `until`, as was known then."""

    since: int
    until: int
    finished: int
    cases: list[Watched]

    @property
    def open(self) -> int:
        """How many had not ended."""
        return sum(not watched.ended for watched in self.cases)


class History:
    """The cases of one service."""

    def __init__(self, cases: Iterable[Case]) -> None:
        self.cases = sorted(cases, key=lambda case: case.submitted)
        self.told = sorted(case.told for case in self.cases if case.told < NEVER)
        """When each end was known."""

    def at(self, instant: int, rules: Rules) -> Sample:
        """What was known at `instant`, back to the time since when `rules.recent` had ended; all, while fewer have."""
        known = bisect_right(self.told, instant)
        earlier = known - rules.recent
        since = self.told[earlier] - 1 if earlier >= 0 else self.cases[0].submitted - 1 if self.cases else instant
        found = []
        for case in self.cases:
            if case.submitted >= instant:
                break
            if case.told <= since or case.stopped <= since:
                continue
            ended = case.ended is not None and case.told <= instant
            entered = case.age(since)
            until = case.age(case.ended if ended and case.ended is not None else min(instant, case.stopped))
            if until > entered or entered == 0:
                found.append(Watched(case, entered, until, ended))
        return Sample(since, instant, sum(watched.ended for watched in found), found)


class Place(NamedTuple):
    """Where an application is: its stage (empty: none is known), how long it is in it, how old it is."""

    stage: str
    stayed: int
    age: int


def place_of(case: Case, instant: int) -> Place:
    """Where `case` is at `instant`, before its end."""
    age = case.age(instant)
    step = next((step for step in reversed(case.steps) if step.entered <= age), None)
    return Place(step.stage, age - step.entered, age) if step else Place("", 0, age)


class Forecast(NamedTuple):
    """What remains on the clock of an application: its quantiles by `SHARES`, in microseconds."""

    like: Literal["stage", "service"]
    """Whom it is compared with."""
    finished: int
    """How many of those have ended."""
    open: int
    """How many have not."""
    remaining: tuple[int, int, int, int, int]
    unresolved: float
    """The share of which no end is known; the quantiles are those of the others."""


class NoForecast(NamedTuple):
    """Why nothing can be said."""

    reason: Literal["too_few", "longer_than_most"]
    finished: int
    """How many have ended of those that it could be compared with."""
    faster: float
    """Which share of the service's that ended had done so by this age."""


def forecast(sample: Sample, place: Place, rules: Rules) -> Forecast | NoForecast:
    """What an application at `place` may expect, going by `sample`."""
    if place.stage and (found := forecast_in_stage(sample, place, rules)):
        return found
    curve = product_limit(Spell(entered, until, ended) for _, entered, until, ended in sample.cases)
    if sample.finished < rules.fewest or curve.unresolved > MOST_UNRESOLVED:
        return NoForecast("too_few", sample.finished, 0.0)
    lasting = [ended for _, _, until, ended in sample.cases if until > place.age or not place.age]
    finished = sum(lasting)
    remaining = curve.after(place.age) if place.age else curve
    if finished < BEYOND_FEWEST or remaining.unresolved > MOST_UNRESOLVED:
        return NoForecast("longer_than_most", sample.finished, 1.0 - curve.of_those_that_end().at(place.age))
    return _told_by("service", finished, len(lasting) - finished, remaining)


def in_stage(sample: Sample, place: Place) -> Iterator[Spell]:
    """How it went on with those that were in the same stage for as long (a landmark: ages are counted from there)."""
    for case, entered, until, ended in sample.cases:
        for step in case.steps:
            if step.stage != place.stage:
                continue
            landmark = step.entered + place.stayed
            if until > max(landmark, entered) and (step.left is None or step.left > landmark):
                yield Spell(max(0, entered - landmark), until - landmark, ended)


def forecast_in_stage(sample: Sample, place: Place, rules: Rules) -> Forecast | None:
    """As `forecast`, from those in the same stage alone; nothing where they are too few."""
    spells = list(in_stage(sample, place))
    finished = sum(spell.ended for spell in spells)
    if finished < rules.fewest:
        return None
    curve = product_limit(spells)
    return None if curve.unresolved > MOST_UNRESOLVED else _told_by("stage", finished, len(spells) - finished, curve)


def _told_by(like: Literal["stage", "service"], finished: int, open: int, curve: Curve) -> Forecast:
    ending = curve.of_those_that_end()
    found = [ending.quantile(share) for share in SHARES]
    low80, low50, median, high50, high80 = [ending.ages[-1] if age is None else age for age in found]
    return Forecast(like, finished, open, (low80, low50, median, high50, high80), curve.unresolved)
