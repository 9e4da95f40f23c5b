"""Applications add up to statistics: what is counted where, what waiting and durations are, and that it is exact."""

import random
from array import array
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.status.folding.progress import Progress
from services.status.folding.reading import in_us
from services.status.statistics.figures import Document, Row, canonical
from services.status.statistics.statistics import Settled, Statistics
from services.status.statistics.tabulation import document
from services.status.statistics.tallies import Months, in_seconds, percentiles, period_of, share
from tests.unit.status.story import (
    MONDAY,
    PROCEDURES,
    Story,
    approved,
    assessed,
    collected,
    examined,
    issued,
    paid,
    refused,
    requested,
    submitted,
    supplied,
    verified,
    whole_way,
)

JAKARTA = ZoneInfo("Asia/Jakarta")
SUMMER = datetime(2026, 7, 15, 3, 0, tzinfo=UTC)
PARTIES = ("applicant", "office", "agency", "bank", "legal_pause")


def counted(applications: list[Progress], until: datetime = SUMMER, clocks: list[Settled] | None = None) -> Document:
    """The statistics of applications, each with the same legal clocks."""
    statistics = Statistics(in_us(until), PROCEDURES, {"lebong": JAKARTA}, lambda progress, us: clocks or [])
    for progress in applications:
        statistics.add(progress)
    return document(statistics, log="applications.v1@g", positions=[], version="2-x")


def the_row(found: Document, period: str, of: str = "one") -> Row:
    (row,) = [row for row in found.rows if row.period == period and row.of == of]
    return row


def the_worked_example() -> Progress:
    """The example of CLOCKS.md: submitted Monday 09:00, collected Tuesday of the next week."""
    story = Story()
    story.tell(submitted()).tell(requested("family_card"), 2).tell(supplied("family_card"), 48)
    story.tell(assessed(), 49).tell(paid(), 53, recorded_h=71).tell(verified(), 72)
    story.tell(examined(), 97).tell(approved(), 102).tell(issued(), 171).tell(collected(), 193)
    return story.progress


def test_the_waiting_of_the_worked_example_is_told_by_party_and_sums_to_the_whole() -> None:
    row = the_row(counted([the_worked_example()] * 5), "2026-03")
    hours = {waited.party: waited.seconds / 3600 / 5 for waited in row.waited}
    assert hours == {"applicant": 72, "office": 103, "bank": 18}
    assert [waited.share for waited in row.waited] == [0.3731, 0.5337, 0.0933]


def test_how_long_it_took_is_told_with_and_without_the_applicants_own_time() -> None:
    taking = the_row(counted([the_worked_example()] * 5), "2026-03").taking
    assert taking.to_decision is not None
    assert taking.to_decision.p50 == 102 * 3600
    assert taking.to_decision_without_own is not None
    assert taking.to_decision_without_own.p50 == (102 - 50) * 3600
    assert taking.to_issue is not None
    assert taking.to_issue.p90 == 171 * 3600
    assert taking.to_issue_without_own is not None
    assert taking.to_issue_without_own.p10 == (171 - 50) * 3600


def test_every_fact_is_counted_in_the_month_in_which_it_happened() -> None:
    stories = [Story().tell(submitted()).tell(assessed(), 1).tell(approved(), 24 * 40) for _ in range(6)]
    found = counted([story.progress for story in stories])
    assert the_row(found, "2026-03").volumes["submitted"] == 6
    assert the_row(found, "2026-03").volumes["approved"] == 0
    assert the_row(found, "2026-04").volumes["approved"] == 6
    assert the_row(found, "2026-Q1").volumes["submitted"] == 6
    assert the_row(found, "2026").volumes == {
        "submitted": 6, "approved": 6, "refused": 0, "issued": 0, "collected": 0, "withdrawn": 0
    }  # fmt: skip


def test_the_month_is_that_of_the_offices_zone() -> None:
    last_hour_of_march = (datetime(2026, 3, 31, 16, 30, tzinfo=UTC) - MONDAY) / timedelta(hours=1)
    stories = [Story().tell(submitted(), last_hour_of_march + place // 3) for place in range(6)]
    assert the_row(counted([story.progress for story in stories[:3]] * 2), "2026-03").volumes["submitted"] == 6
    first_of_april = counted([story.progress for story in stories[3:]] * 2)
    assert {row.period for row in first_of_april.rows} >= {"2026-04"}
    assert "2026-03" not in {row.period for row in first_of_april.rows}


def test_the_backlog_of_a_period_is_what_was_open_at_its_end_with_its_age() -> None:
    open_ones = [Story().tell(submitted()).progress for _ in range(7)]
    ended = [Story().tell(submitted()).tell(refused(), 24).progress for _ in range(5)]
    found = counted(open_ones + ended, until=MONDAY + timedelta(days=40))
    march, april = the_row(found, "2026-03"), the_row(found, "2026-04")
    assert (march.backlog.open, april.backlog.open) == (7, 7)
    assert march.backlog.age is not None
    assert timedelta(seconds=march.backlog.age.p50) == datetime(2026, 3, 31, 17, tzinfo=UTC) - MONDAY
    assert april.backlog.age is not None
    assert timedelta(seconds=april.backlog.age.p50) == timedelta(days=40)
    assert (march.complete, april.complete) == (True, False)
    assert (march.applications, april.applications) == (12, 7)
    assert the_row(found, "2026-Q2").backlog == april.backlog
    assert march.stages[0].backlog.open == 7


def test_what_had_not_happened_by_the_instant_is_not_counted() -> None:
    applications = [Story().tell_all(whole_way(), 24).progress for _ in range(5)]
    row = the_row(counted(applications, until=MONDAY + timedelta(days=3, hours=1)), "2026-03")
    assert (row.volumes["submitted"], row.volumes["approved"]) == (5, 0)
    assert row.backlog.open == 5
    assert sum(waited.seconds for waited in row.waited) == 5 * (3 * 24 + 1) * 3600
    assert counted(applications, until=MONDAY).rows == []


def test_the_share_within_the_legal_deadline_is_of_those_met_and_missed() -> None:
    at = in_us(MONDAY + timedelta(days=2))
    clocks = [Settled("issue", "met", at), Settled("issue", "met", at), Settled("issue", "missed", at)]
    running = Settled("objection", "running", in_us(SUMMER))
    found = counted([the_worked_example()] * 5, clocks=[*clocks, running])
    (legal,) = the_row(found, "2026-03").legal
    assert (legal.rule, legal.met, legal.missed, legal.share_met, legal.running) == ("issue", 10, 5, 0.6667, 0)
    (legal,) = the_row(found, "2026-07").legal
    assert (legal.rule, legal.share_met, legal.running) == ("objection", None, 5)


def test_a_desk_is_told_how_long_it_was_waited_on_only_apart_from_the_public_rows() -> None:
    found = counted([the_worked_example()] * 5)
    (march,) = [row for row in found.desks if row.period == "2026-03"]
    assert (march.of, march.desk, march.acts) == ("one", "verification", 5 * 6)
    assert march.seconds == 5 * 103 * 3600
    assert b"verification" not in canonical(found).partition(b'"rows"')[2].replace(b'"code":"verification"', b"")


def test_fewer_than_five_applications_have_no_row() -> None:
    assert counted([the_worked_example()] * 4).rows == []
    assert counted([the_worked_example()] * 4).desks == []
    assert counted([the_worked_example()] * 5).rows != []


def test_services_with_few_applications_are_told_together() -> None:
    applications = [Story().tell(submitted("passport_new")).progress for _ in range(20)]
    for service, number in (("passport_lost", 2), ("itas", 3)):
        applications += [Story().tell(submitted(service)).progress for _ in range(number)]
    found = counted(applications)
    assert {(row.of, row.service) for row in found.rows} == {("one", "passport_new"), ("others", ""), ("all", "")}
    assert the_row(found, "2026-03", "others").applications == 5
    assert the_row(found, "2026-03", "all").applications == 25


def test_fewer_than_five_durations_have_no_percentiles() -> None:
    applications = [the_worked_example()] * 4 + [Story().tell(submitted()).progress for _ in range(3)]
    row = the_row(counted(applications, until=MONDAY + timedelta(days=20)), "2026-03")
    assert row.applications == 7
    assert row.taking.to_issue is None


def test_the_order_in_which_applications_come_changes_nothing() -> None:
    chance = random.Random(20260302)
    applications = [
        Story().tell_all(whole_way()[: chance.randint(1, 9)], chance.randint(1, 90)).progress for _ in range(60)
    ]
    first = canonical(counted(applications))
    chance.shuffle(applications)
    assert canonical(counted(applications)) == first


def test_an_application_that_was_never_submitted_adds_nothing() -> None:
    assert counted([Story().tell(approved()).progress] * 9).rows == []


@pytest.mark.parametrize(
    ("lengths", "expected"),
    [
        ([1, 2, 3, 4, 5], (1, 2, 3, 4, 5)),
        (list(range(1, 101)), (10, 25, 50, 75, 90)),
        ([7, 7, 7, 7, 1_000], (7, 7, 7, 7, 1_000)),
    ],
)
def test_a_percentile_is_the_length_of_the_nearest_rank(lengths: list[int], expected: tuple[int, ...]) -> None:
    found = percentiles(array("I", lengths))
    assert found is not None
    assert (found.p10, found.p25, found.p50, found.p75, found.p90) == expected


@given(st.dictionaries(st.sampled_from(PARTIES), st.integers(min_value=0, max_value=10**15)))
def test_whole_seconds_by_party_sum_to_the_whole_and_are_less_than_a_second_off(waited: dict[str, int]) -> None:
    seconds = in_seconds(waited, PARTIES)
    assert sum(seconds.values()) == sum(waited.values()) // 1_000_000
    assert all(abs(seconds[party] * 1_000_000 - us) < 1_000_000 for party, us in waited.items())


@given(st.integers(min_value=0, max_value=10**18), st.integers(min_value=1, max_value=10**18))
def test_a_share_is_the_nearest_of_four_digits(part: int, whole: int) -> None:
    found = share(min(part, whole), whole)
    assert found is not None
    assert abs(found - min(part, whole) / whole) <= 0.00005 + 1e-12


@given(st.datetimes(min_value=datetime(1960, 1, 1), max_value=datetime(2190, 1, 1)))  # noqa: DTZ001 - made local below
def test_an_instant_is_in_the_month_that_the_wall_clock_shows(at: datetime) -> None:
    months = Months(JAKARTA)
    us = in_us(at.replace(tzinfo=UTC))
    label = months.of(us)
    assert label == f"{at.replace(tzinfo=UTC).astimezone(JAKARTA):%Y-%m}"
    assert us < months.end(label)


def test_quarters_and_years_are_named_after_their_months() -> None:
    assert [period_of(month, "quarter") for month in ("2026-01", "2026-03", "2026-04", "2026-12")] == [
        "2026-Q1", "2026-Q1", "2026-Q2", "2026-Q4",
    ]  # fmt: skip
    assert period_of("2026-12", "year") == "2026"
