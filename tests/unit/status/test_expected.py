"""What is expected of an application: its own clock, whom it is compared with, and when nothing can be said."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.status.expected.coverage import backtest, coverage_of, moments
from services.status.expected.expected import (
    NEVER,
    Case,
    Forecast,
    History,
    NoForecast,
    Place,
    Rules,
    Step,
    case_of,
    forecast,
    place_of,
    target_of,
)
from services.status.folding.procedure import UNDECLARED, procedure_of
from services.status.folding.reading import in_us
from tests.unit.status.story import (
    CATALOGUE,
    MONDAY,
    PROCEDURES,
    Story,
    approved,
    assessed,
    examined,
    issued,
    paid,
    refused,
    requested,
    submitted,
    supplied,
    verified,
)

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = in_us(MONDAY)
RULES = Rules(recent=200, fewest=30)
PASSPORT = PROCEDURES["passport_new"]


def told(story: Story) -> Case:
    case = case_of(story.progress, PASSPORT)
    assert case is not None
    return case


def in_two_stages(day: int, first_h: int, second_h: int) -> Case:
    """Submitted on `day`, so many hours in `first`, then in `second` until it was ready; 0 hours: it stays there."""
    at = START + day * DAY
    ended = at + (first_h + second_h) * HOUR if first_h and second_h else None
    left = first_h * HOUR if first_h else None
    steps = [Step("first", 0, left, at)]
    if left:
        steps.append(Step("second", left, left + second_h * HOUR if ended else None, at + left))
    return Case(at, (), tuple(steps), ended, NEVER if ended is None else ended, NEVER)


def test_an_application_is_ready_when_its_product_is_issued() -> None:
    assert target_of(PASSPORT) == "issued"
    assert {target_of(procedure_of(service)) for service in CATALOGUE.services.values()} <= {"issued", "decided"}
    assert target_of(UNDECLARED) == ""


def test_the_clock_runs_from_submission_until_it_is_ready(story: Story) -> None:
    case = told(story.tell(submitted()).tell(verified(), 5).tell(approved(), 9).tell(issued(), 30))
    assert case.ended == START + 30 * HOUR
    assert case.age(case.ended) == 30 * HOUR


def test_the_time_of_the_applicant_is_taken_out(story: Story) -> None:
    story.tell(submitted()).tell(requested("family_card"), 2).tell(supplied("family_card"), 48)
    story.tell(assessed(), 50).tell(paid(), 54).tell(examined(), 60).tell(approved(), 61).tell(issued(), 70)
    case = told(story)
    assert case.ended is not None
    assert case.age(case.ended) == (70 - 46 - 4) * HOUR


def test_the_time_of_the_bank_is_not_the_applicants(story: Story) -> None:
    story.tell(submitted()).tell(assessed(), 1).tell(paid(), 3, recorded_h=20).tell(approved(), 25).tell(issued(), 30)
    case = told(story)
    assert case.age(START + 30 * HOUR) == 28 * HOUR


def test_the_clock_stands_while_the_applicant_is_waited_on(story: Story) -> None:
    case = told(story.tell(submitted()).tell(requested("family_card"), 2))
    assert case.ended is None
    assert [case.age(START + hours * HOUR) for hours in (0, 1, 2, 3, 500)] == [0, HOUR, 2 * HOUR, 2 * HOUR, 2 * HOUR]
    assert not case.stands(START + HOUR)
    assert case.stands(START + 500 * HOUR)


def test_a_refusal_is_an_end(story: Story) -> None:
    assert told(story.tell(submitted()).tell(refused(), 20)).ended == START + 20 * HOUR


def test_an_end_that_was_reported_late_was_not_known_before(story: Story) -> None:
    case = told(story.tell(submitted()).tell(approved(), 9).tell(issued(), 10, recorded_h=90))
    assert (case.ended, case.told) == (START + 10 * HOUR, START + 90 * HOUR)
    history = History([case])
    assert history.at(START + 50 * HOUR, RULES).finished == 0
    assert history.at(START + 91 * HOUR, RULES).finished == 1


def test_stages_are_told_by_when_each_became_the_furthest(story: Story) -> None:
    story.tell(submitted()).tell(assessed(), 2).tell(paid(), 6).tell(examined(), 20).tell(verified(), 22)
    steps = told(story).steps
    assert [(step.stage, step.entered // HOUR, step.left and step.left // HOUR) for step in steps] == [
        ("application", 0, 2),
        ("billing", 2, 2),  # the applicant's four hours until the payment do not count
        ("payment", 2, 16),
        ("examination", 16, None),  # verification came after it: it never was the furthest
    ]


def test_too_few_finished_applications_are_no_ground_for_a_range() -> None:
    history = History(in_two_stages(day, 5, 5) for day in range(29))
    found = forecast(history.at(START + 100 * DAY, RULES), Place("first", 0, 0), RULES)
    assert found == NoForecast("too_few", 29, 0.0)


def test_where_most_are_still_open_nothing_is_said() -> None:
    cases = [in_two_stages(day % 10, 5, 5) for day in range(40)] + [in_two_stages(9, 0, 0) for _ in range(300)]
    found = forecast(History(cases).at(START + 30 * DAY, RULES), Place("", 0, 0), RULES)
    assert isinstance(found, NoForecast)
    assert found.reason == "too_few"


def test_whoever_is_in_a_stage_is_compared_with_those_who_were_in_it_as_long() -> None:
    cases = [in_two_stages(day, 10, 20 + day % 7) for day in range(60)]
    sample = History(cases).at(START + 100 * DAY, RULES)
    at_once, later = (forecast(sample, Place("second", stayed, 10 * HOUR + stayed), RULES) for stayed in (0, 8 * HOUR))
    assert isinstance(at_once, Forecast)
    assert isinstance(later, Forecast)
    assert at_once.like == later.like == "stage"
    assert at_once.remaining[0] == 20 * HOUR
    assert later.remaining[0] == 12 * HOUR
    assert later.finished == 60


def test_where_too_few_were_in_the_stage_as_long_the_service_as_a_whole_answers() -> None:
    cases = [in_two_stages(day, 10, 20) for day in range(40)] + [in_two_stages(day, 90, 20) for day in range(20)]
    found = forecast(History(cases).at(START + 100 * DAY, RULES), Place("first", 15 * HOUR, 15 * HOUR), RULES)
    assert isinstance(found, Forecast)
    assert (found.like, found.finished) == ("service", 60)
    assert found.remaining[4] == (110 - 15) * HOUR


def test_whoever_has_waited_longer_than_nearly_all_is_told_so() -> None:
    cases = [in_two_stages(day, 10, 20) for day in range(58)] + [in_two_stages(day, 90, 20) for day in range(2)]
    found = forecast(History(cases).at(START + 100 * DAY, RULES), Place("first", 80 * HOUR, 80 * HOUR), RULES)
    assert isinstance(found, NoForecast)
    assert (found.reason, found.finished) == ("longer_than_most", 60)
    assert found.faster == pytest.approx(58 / 60)


def test_those_that_never_end_do_not_stretch_the_range_and_are_told_beside_it() -> None:
    cases = [in_two_stages(day, 10, 20 + day % 5) for day in range(80)] + [
        in_two_stages(day, 0, 0) for day in range(20)
    ]
    found = forecast(History(cases).at(START + 200 * DAY, RULES), Place("", 0, 0), RULES)
    assert isinstance(found, Forecast)
    assert found.remaining[4] <= 34 * HOUR
    assert found.unresolved == pytest.approx(0.2, abs=0.02)


def test_only_what_was_handled_lately_is_history() -> None:
    slow = [in_two_stages(day, 100, 100) for day in range(100)]
    fast = [in_two_stages(120 + day, 2, 2) for day in range(100)]
    found = forecast(History(slow + fast).at(START + 240 * DAY, Rules(100, 30)), Place("", 0, 0), RULES)
    assert isinstance(found, Forecast)
    assert found.remaining[4] == 4 * HOUR


def test_a_withdrawn_application_counts_as_open_until_it_was_withdrawn() -> None:
    case = Case(START, (), (Step("first", 0, None, START),), None, NEVER, START + 3 * HOUR)
    (watched,) = History([case, in_two_stages(0, 5, 5)]).at(START + 10 * DAY, RULES).cases[:1]
    assert (watched.until, watched.ended) == (3 * HOUR, False)


def test_the_back_test_knows_nothing_of_what_came_later() -> None:
    cases = [in_two_stages(day, 5 + day % 9, 10 + day % 4) for day in range(200)]
    whole = History(cases)
    for case in cases[-5:]:
        for _, instant in moments(case):
            known = History(
                one
                if one.told <= instant
                else Case(one.submitted, (), (one.steps[0]._replace(left=None),), None, NEVER, NEVER)
                for one in cases
                if one.submitted < instant and (one.told <= instant or one.steps[1].at > instant)
            )
            if len(known.cases) == len([one for one in cases if one.submitted < instant]):
                place = place_of(case, instant)
                assert forecast(whole.at(instant, RULES), place, RULES) == forecast(
                    known.at(instant, RULES), place, RULES
                )


def test_where_nothing_changes_the_ranges_come_true_as_often_as_they_say() -> None:
    import random

    chance = random.Random(20261124)
    cases = [in_two_stages(n // 4, chance.randint(1, 100), chance.randint(1, 60)) for n in range(1_200)]
    tested = list(backtest(History(cases), RULES, until=START + 400 * DAY, latest=600))
    for moment in ("at_submission", "half_way"):
        coverage = coverage_of(tested, moment)
        assert coverage.predictions == 600
        assert coverage.within_80 / 600 == pytest.approx(0.8, abs=0.06)
        assert coverage.within_50 / 600 == pytest.approx(0.5, abs=0.08)
        assert coverage.within_80 + coverage.earlier + coverage.later == 600


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 90), st.integers(0, 90)), min_size=40, max_size=80),
    st.sampled_from(["first", "second", ""]),
    st.integers(0, 200),
    st.integers(0, 200),
)
def test_a_range_is_in_order_and_lies_ahead(
    lives: list[tuple[int, int, int]], stage: str, stayed_h: int, before_h: int
) -> None:
    sample = History(in_two_stages(*life) for life in lives).at(START + 70 * DAY, RULES)
    stayed = stayed_h * HOUR
    found = forecast(sample, Place(stage, stayed, stayed + before_h * HOUR), Rules(200, 15))
    if isinstance(found, Forecast):
        assert list(found.remaining) == sorted(found.remaining)
        assert found.remaining[0] > 0
        assert 0 <= found.unresolved <= 0.5
    else:
        assert 0 <= found.faster <= 1


def test_a_case_before_its_submission_has_no_age() -> None:
    case = in_two_stages(3, 5, 5)
    assert case.age(START) == 0
    assert place_of(case, case.submitted + 6 * HOUR) == Place("second", HOUR, 6 * HOUR)
    assert timedelta(microseconds=case.age(case.submitted + DAY)) == timedelta(days=1)
