"""How legal clocks count in statistics."""

from datetime import timedelta

from services.status.clocks.clockwork import Clockwork, clock_rules
from services.status.folding.reading import in_us
from services.status.statistics.settling import settling
from services.status.statistics.statistics import Settled
from tests.unit.status.story import CATALOGUE, MONDAY, Story, collected, examined, issued, requested, submitted

# A passport: within 4 working days of the interview. Examined Monday 2 March, so by the end of Friday 6 March in Lebong.
DEADLINE = in_us(MONDAY + timedelta(days=4, hours=15))
SETTLE = settling(Clockwork(clock_rules(CATALOGUE)))


def settled(story: Story, after: timedelta) -> list[Settled]:
    return list(SETTLE(story.progress, in_us(MONDAY + after)))


def examined_on_monday() -> Story:
    return Story().tell(submitted(), -24).tell(examined())


def test_a_deadline_counts_as_met_when_what_it_waits_for_happened_in_time() -> None:
    story = examined_on_monday().tell(issued(), 30)
    assert settled(story, timedelta(days=30)) == [Settled("passport_issue", "met", in_us(MONDAY + timedelta(hours=30)))]


def test_a_deadline_that_passed_counts_as_missed_at_its_own_time_whatever_came_later() -> None:
    late = examined_on_monday().tell(issued(), 24 * 9)
    assert settled(late, timedelta(days=30)) == [Settled("passport_issue", "missed", DEADLINE)]
    assert settled(late, timedelta(days=7)) == [Settled("passport_issue", "missed", DEADLINE)]
    assert settled(examined_on_monday(), timedelta(days=30)) == [Settled("passport_issue", "missed", DEADLINE)]


def test_before_its_deadline_it_counts_as_running_also_of_what_was_issued_since() -> None:
    story = examined_on_monday().tell(issued(), 30).tell(collected(), 40)
    now = timedelta(hours=20)
    assert settled(story, now) == [Settled("passport_issue", "running", in_us(MONDAY + now))]


def test_a_clock_that_rests_counts_as_running() -> None:
    story = examined_on_monday().tell(requested("family_card"), 10)
    (found,) = settled(story, timedelta(days=30))
    assert found.state == "running"


def test_a_clock_that_had_not_begun_is_not_counted() -> None:
    assert settled(Story().tell(submitted()), timedelta(days=1)) == []
    assert settled(examined_on_monday(), timedelta(hours=-1)) == []
