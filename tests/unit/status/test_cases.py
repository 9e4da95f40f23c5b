"""As many applications are behind a figure of the statistics as it says."""

import random
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from services.status.clocks.clockwork import Clockwork, clock_rules
from services.status.folding.progress import Progress
from services.status.folding.reading import in_us
from services.status.statistics.cases import EVENTS, Figure, What, is_behind
from services.status.statistics.settling import settling
from services.status.statistics.statistics import BACKLOG, LEFT, Part, ServiceSums, Statistics
from tests.unit.status.story import CATALOGUE, MONDAY, PROCEDURES, Story, refused, requested, submitted, whole_way
from tests.unit.status.test_statistics import JAKARTA

SETTLE = settling(Clockwork(clock_rules(CATALOGUE)))
SERVICE = "passport_new"
UNTIL = in_us(MONDAY + timedelta(days=120))
MONTHS = ["2026-03", "2026-04", "2026-05", "2026-06"]


def applications() -> list[Progress]:
    """Lives of every length and pace, some refused, some asked for documents that never came."""
    chance = random.Random(20260302)
    lives = [Story().tell_all(whole_way()[: chance.randint(1, 9)], chance.choice([2, 9, 40, 200])) for _ in range(160)]
    lives += [Story().tell(submitted()).tell(refused(), chance.randint(1, 2_000)) for _ in range(20)]
    lives += [Story().tell(submitted()).tell(requested("family_card"), chance.randint(1, 900)) for _ in range(20)]
    return [life.progress for life in lives]


APPLICATIONS = applications()


def summed() -> ServiceSums:
    statistics = Statistics(UNTIL, PROCEDURES, {"lebong": JAKARTA}, SETTLE)
    for progress in APPLICATIONS:
        statistics.add(progress)
    return statistics.offices["lebong"].services[SERVICE]


def behind(month: str, what: What, **of: str) -> int:
    """How many applications are behind a figure of a month."""
    year, number = int(month[:4]), int(month[5:])
    begin, end = (in_us(datetime(year, one, 1, tzinfo=JAKARTA)) for one in (number, number + 1))
    figure = Figure(what=what, begin=begin, end=min(end, UNTIL), **of)
    return sum(is_behind(figure, progress, UNTIL, PROCEDURES[SERVICE], SETTLE) for progress in APPLICATIONS)


@pytest.mark.parametrize(("month", "event"), list(product(MONTHS, EVENTS)))
def test_as_many_applications_are_behind_a_volume_as_it_says(month: str, event: What) -> None:
    assert behind(month, event) == summed().whole.of(month).counts.get(event, 0)


@pytest.mark.parametrize(("month", "state"), list(product(MONTHS, ["met", "missed"])))
def test_as_many_applications_are_behind_a_legal_figure_as_it_says(month: str, state: What) -> None:
    rule = CATALOGUE.services[SERVICE].deadlines[0].code
    assert behind(month, state, rule=rule) == summed().whole.of(month).counts.get(f"{state}:{rule}", 0)


@pytest.mark.parametrize("month", MONTHS)
def test_as_many_applications_are_behind_the_figures_of_a_stage_as_they_say(month: str) -> None:
    for code, part in summed().stages.items():
        lengths = part.of(month).lengths
        assert behind(month, "open", stage=code) == len(lengths.get(BACKLOG, ()))
        assert behind(month, "left", stage=code) == len(lengths.get(LEFT, ()))
        assert behind(month, "waited", stage=code) == part.present.get(month, 0)


@pytest.mark.parametrize("month", MONTHS)
def test_as_many_applications_are_behind_the_figure_of_a_desk_as_it_says(month: str) -> None:
    desks: dict[str, Part] = summed().desks
    assert set(desks) >= {"verification"}
    for code, part in desks.items():
        assert behind(month, "waited", desk=code) == part.present.get(month, 0)


def test_the_lives_show_every_figure() -> None:
    months = [summed().whole.of(month).counts for month in MONTHS]
    shown = {what.partition(":")[0] for counts in months for what in counts}
    assert shown >= {*EVENTS, "met", "missed"} - {"withdrawn"}


def test_what_is_not_submitted_is_behind_nothing() -> None:
    figure = Figure(what="open", begin=0, end=UNTIL)
    never = Story().tell(refused()).progress
    assert not is_behind(figure, never, UNTIL, PROCEDURES[SERVICE], SETTLE)
    early = in_us(datetime(2026, 3, 2, 1, tzinfo=UTC))
    assert not is_behind(figure, APPLICATIONS[0], early, PROCEDURES[SERVICE], SETTLE)
