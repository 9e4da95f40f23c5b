"""How applications kept to the declared process: what is told at the end, and how it is counted."""

from contracts.facts import Withdrawn
from services.status.folding.conformance import Cohort, conformity, deviations
from tests.unit.status.story import (
    APPLICANT,
    PROCEDURES,
    Story,
    approved,
    assessed,
    collected,
    examined,
    issued,
    paid,
    submitted,
    verified,
    whole_way,
)

MARCH = Cohort("passport_new", "2026-03")
APRIL = Cohort("passport_new", "2026-04")


def of(story: Story) -> list[str]:
    ended = story.situation.waits_for == "nobody"
    return deviations(story.progress, PROCEDURES[story.progress.service], ended=ended)


def without_verification() -> Story:
    story = Story().tell(submitted()).tell(assessed(), 1).tell(paid(), 2).tell(examined(), 3).tell(approved(), 4)
    return story.tell(issued(), 5)


def test_an_application_without_surprises_deviates_in_nothing(story: Story) -> None:
    assert of(story.tell_all(whole_way())) == []


def test_a_stage_that_others_came_ahead_of_may_still_follow_while_the_application_goes_on() -> None:
    story = without_verification()
    assert of(story) == ["ahead_of:verification"]
    assert "before the step" in story.view.deviations[0].text.en


def test_a_verification_that_never_came_was_skipped_once_the_application_has_ended() -> None:
    story = without_verification().tell(collected(), 9)
    assert of(story) == ["skipped:verification"]
    assert story.view.deviations[0].text.en == "The step “Document check” was never recorded."


def test_a_verification_that_came_too_late_was_not_skipped() -> None:
    assert of(without_verification().tell(verified(), 6).tell(collected(), 9)) == ["ahead_of:verification"]


def test_a_verification_that_is_reported_after_the_end_and_was_in_time_is_no_deviation() -> None:
    story = without_verification().tell(collected(), 9).tell(verified(), 2.5)
    assert of(story) == []


def test_who_withdraws_early_skips_nothing(story: Story) -> None:
    assert of(story.tell(submitted()).tell(assessed(), 1).tell(Withdrawn(by=APPLICANT), 2)) == []


def test_a_stage_reached_twice_stays_a_deviation_at_the_end() -> None:
    story = Story().tell_all(whole_way()[:-1]).tell(verified(), 20).tell(collected(), 30)
    assert of(story) == ["repeated:verification"]


def test_fitness_is_the_share_of_applications_without_deviations() -> None:
    (march,) = conformity([(MARCH, 8, 2)], [(MARCH, "repeated:decision", 2)])
    assert (march.applications, march.conforming, march.fitness) == (8, 6, 0.75)


def test_ways_to_deviate_are_added_up_and_the_most_frequent_comes_first() -> None:
    counts = [(MARCH, "after_end", 1), (MARCH, "ahead_of:payment", 2), (MARCH, "after_end", 3), (APRIL, "after_end", 9)]
    april, march = conformity([(APRIL, 10, 9), (MARCH, 10, 5)], counts)[::-1]
    assert (march.cohort, march.deviations) == (MARCH, (("after_end", 4), ("ahead_of:payment", 2)))
    assert april.deviations == (("after_end", 9),)


def test_applications_whose_submission_is_not_known_are_a_cohort_of_their_own() -> None:
    unknown, march = conformity([(MARCH, 1, 0), (Cohort("", None), 2, 2)], [(Cohort("", None), "before_submission", 2)])
    assert (unknown.cohort.month, unknown.fitness, march.fitness) == (None, 0.0, 1.0)
