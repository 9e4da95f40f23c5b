"""The legal clock: given events, then this deadline. Times are those of Lebong (UTC+7) unless they say otherwise."""

import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.calendar import calendar_of
from contracts.facts import (
    Actor,
    DeadlinePassed,
    EventRef,
    Fact,
    Paused,
    Reason,
    Resumed,
    Submitted,
    Transferred,
    Withdrawn,
)
from services.status.clocks.clockwork import ClockRules, Clockwork, clock_rules, fingerprint
from services.status.clocks.explanation import explain_days, explain_hours, uncertain_years
from services.status.clocks.legal import Clock, clocks, deadlines_us, due_us, passings, shown_at
from services.status.folding.reading import EPOCH, in_us
from tests.unit.status.story import (
    APPLICANT,
    CATALOGUE,
    OFFICER,
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
)

RULES = clock_rules(CATALOGUE)
LAW = Clockwork(RULES)
INDONESIA = calendar_of("ID")
LATER = in_us(datetime(2099, 1, 1, tzinfo=UTC))
EARLIER = in_us(datetime(1999, 1, 1, tzinfo=UTC))
REASON = Reason(code="system_outage")
PAUSE, RESUME = Paused(reason=REASON, by=OFFICER), Resumed(by=OFFICER)
Told = tuple[Fact, str]


def instant(text: str) -> datetime:
    """`2026-03-02 10:15` is local; with a `Z` at the end it is UTC."""
    return datetime.fromisoformat(text.replace(" ", "T") + ("" if text.endswith("Z") else "+07:00")).astimezone(UTC)


def us(text: str) -> int:
    return in_us(instant(text))


def given_events(*told: Told, service: str = "passport_new") -> Story:
    story = Story().tell_at(submitted(service), instant("2019-01-01 09:00"))
    for fact, at in told:
        story.tell_at(fact, instant(at))
    return story


def law(service: str = "passport_new", office: tuple[str, str] | None = None, **changes: Any) -> Clockwork:
    """The catalogue's rules with one of them changed."""
    rules = tuple(msgspec.structs.replace(rule, **changes) for rule in RULES.rules[service])
    offices = RULES.offices | ({"lebong": office} if office else {})
    country = calendar_of("NL")
    return Clockwork(
        ClockRules({**RULES.rules, service: rules}, offices, RULES.days_off | {"NL": tuple(country.days_off())})
    )


def clock_of(story: Story, clockwork: Clockwork = LAW, *, now: int = EARLIER) -> Clock:
    (clock,) = clocks(story.progress, clockwork, now)
    return clock


def deadline_of(story: Story, clockwork: Clockwork = LAW) -> str:
    clock = clock_of(story, clockwork)
    assert clock.deadline is not None, clock.state
    return f"{EPOCH + timedelta(microseconds=clock.deadline):%Y-%m-%dT%H:%MZ}"


def counted(clock: Clock, office: str = "lebong", clockwork: Clockwork = LAW) -> list[str]:
    return [
        f"{day.date:%m-%d}" for day in explain_days(clock, clockwork.days(office), INDONESIA) if day.why == "counted"
    ]


WORKED_EXAMPLES: list[tuple[str, list[tuple[str, str]], list[str], str]] = [
    ("2026-03-02T03:15Z", [], ["03-03", "03-04", "03-05", "03-06"], "2026-03-06T17:00Z"),
    ("2026-03-16T02:00Z", [], ["03-17", "03-25", "03-26", "03-27"], "2026-03-27T17:00Z"),
    (
        "2026-04-06T02:00Z",
        [("2026-04-07 11:00", "2026-04-09 08:30")],
        ["04-09", "04-10", "04-13", "04-14"],
        "2026-04-14T17:00Z",
    ),
    ("2026-06-08T17:30Z", [], ["06-10", "06-11", "06-12", "06-15"], "2026-06-15T17:00Z"),
    ("2026-12-22T04:00Z", [], ["12-23", "12-28", "12-29", "12-30"], "2026-12-30T17:00Z"),
]


@pytest.mark.parametrize(("start", "pauses", "days", "deadline"), WORKED_EXAMPLES)
def test_the_worked_examples_hold(start: str, pauses: list[tuple[str, str]], days: list[str], deadline: str) -> None:
    told: list[Told] = [(examined(), start)]
    for since, until in pauses:
        told += [(PAUSE, since), (RESUME, until)]
    story = given_events(*told)
    assert deadline_of(story) == deadline
    assert counted(clock_of(story)) == days
    assert due_us(story.progress, LAW) == in_us(datetime.fromisoformat(deadline))


CATALOGUE_RULES: list[tuple[str, list[Told], str]] = [
    ("passport_new", [(examined(), "2026-03-02 10:15")], "2026-03-06T17:00Z"),
    ("passport_replacement", [(examined(), "2026-03-02 10:15")], "2026-03-06T17:00Z"),
    ("passport_child", [(examined(), "2026-03-02 10:15")], "2026-03-06T17:00Z"),
    ("itk_extension", [(assessed(), "2026-03-02 10:00"), (paid(), "2026-03-02 11:00")], "2026-03-05T17:00Z"),
    ("itas_extension", [(assessed(), "2026-03-02 10:00"), (paid(), "2026-03-02 11:00")], "2026-03-06T17:00Z"),
    ("itap", [(assessed(), "2026-03-02 10:00"), (paid(), "2026-03-02 11:00")], "2026-03-05T17:00Z"),
]


@pytest.mark.parametrize(("service", "told", "deadline"), CATALOGUE_RULES)
def test_every_rule_of_the_catalogue_has_its_deadline(service: str, told: list[Told], deadline: str) -> None:
    assert deadline_of(given_events(*told, service=service)) == deadline


def test_no_rule_of_the_catalogue_is_left_out_of_the_tests() -> None:
    assert {service for service, _, _ in CATALOGUE_RULES} == set(RULES.rules)


@pytest.mark.parametrize(
    ("service", "end"),
    [("passport_new", issued()), ("itk_extension", issued()), ("itap", Transferred(to="regional_office", reason=REASON, by=OFFICER))],
)  # fmt: skip
def test_a_clock_is_met_by_the_fact_that_its_rule_waits_for(service: str, end: Fact) -> None:
    start: list[Told] = [
        (examined(), "2026-03-02 10:00"),
        (assessed(), "2026-03-02 10:00"),
        (paid(), "2026-03-02 11:00"),
    ]
    story = given_events(*start, (end, "2026-03-04 09:00"), service=service)
    clock = clock_of(story, now=LATER)
    assert (clock.state, clock.ended_by) == ("met", 5)
    assert deadlines_us(story.progress, LAW) == (None, None)


def test_a_transfer_stops_the_clock_of_a_stay_permit_until_the_case_is_answered() -> None:
    away = Transferred(to="directorate_general", reason=REASON, by=OFFICER)
    told: list[Told] = [(assessed(), "2026-03-02 10:00"), (paid(), "2026-03-02 11:00"), (away, "2026-03-03 10:00")]
    resting = clock_of(given_events(*told, service="itas_extension"), now=LATER)
    assert (resting.state, resting.remaining, resting.deadline) == ("paused", 4, None)
    assert resting.paused is not None
    assert (resting.paused.kind, resting.paused.began, resting.paused.detail) == (
        "transferred",
        4,
        ("directorate_general",),
    )
    going_on = given_events(*told, (approved(), "2026-03-10 10:00"), service="itas_extension")
    assert deadline_of(going_on) == "2026-03-13T17:00Z"


def test_a_transfer_to_the_office_itself_is_coming_back() -> None:
    away = Transferred(to="directorate_general", reason=REASON, by=OFFICER)
    back = Transferred(to="lebong", reason=REASON, by=Actor(role="agency"))
    told: list[Told] = [(assessed(), "2026-03-02 10:00"), (paid(), "2026-03-02 11:00"), (away, "2026-03-03 10:00")]
    story = given_events(*told, (back, "2026-03-10 10:00"), service="itas_extension")
    assert deadline_of(story) == "2026-03-13T17:00Z"


def test_a_transfer_does_not_stop_a_clock_whose_rule_does_not_say_so() -> None:
    away = Transferred(to="directorate_general", reason=REASON, by=OFFICER)
    assert (
        deadline_of(given_events((examined(), "2026-03-02 10:15"), (away, "2026-03-03 10:00"))) == "2026-03-06T17:00Z"
    )


def test_a_clock_starts_with_the_payment_that_meets_the_fee_and_not_with_one_that_does_not() -> None:
    wrong = paid(amount=1)
    told: list[Told] = [(assessed(), "2026-03-02 10:00"), (wrong, "2026-03-02 11:00"), (paid(), "2026-03-04 11:00")]
    clock = clock_of(given_events(*told, service="itk_extension"))
    assert (clock.started_by, clock.deadline) == (4, us("2026-03-09T17:00Z"))


def test_a_payment_that_is_reported_late_starts_the_clock_when_it_was_made() -> None:
    story = given_events((assessed(), "2026-03-02 10:00"), service="itk_extension")
    story.tell_at(paid(), instant("2026-03-02 11:00"), instant("2026-03-05 08:00"))
    assert deadline_of(story) == "2026-03-05T17:00Z"


def test_before_the_start_there_is_no_clock_to_wait_for() -> None:
    story = given_events((verified(), "2026-03-02 10:00"))
    clock = clock_of(story, now=LATER)
    assert (clock.state, clock.deadline, due_us(story.progress, LAW)) == ("not_started", None, None)


def test_a_service_without_rules_has_no_clocks() -> None:
    story = given_events((examined(), "2026-03-02 10:00"), service="itas")
    assert (clocks(story.progress, LAW, LATER), deadlines_us(story.progress, LAW)) == ([], (None, None))


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_the_end_of_the_day_of_the_deadline_is_in_time_and_the_next_instant_is_not(seconds: int) -> None:
    story = given_events((examined(), "2026-03-02 10:15"))
    story.tell_at(issued(), instant("2026-03-06T17:00Z") + timedelta(seconds=seconds))
    state = clock_of(story).state
    assert state == ("missed" if seconds > 0 else "met")
    assert (due_us(story.progress, LAW) is None) is (state == "met")


def test_a_deadline_has_passed_at_its_very_instant() -> None:
    story = given_events((examined(), "2026-03-02 10:15"))
    deadline = us("2026-03-06T17:00Z")
    assert [clock_of(story, now=now).state for now in (deadline - 1, deadline)] == ["running", "missed"]


@pytest.mark.parametrize(
    "told",
    [
        [(requested("family_card"), "2026-03-03 10:00"), (supplied("family_card"), "2026-03-05 10:00")],
        [
            (requested("family_card", "identity_card"), "2026-03-03 10:00"),
            (supplied("identity_card"), "2026-03-03 11:00"),
            (supplied("family_card"), "2026-03-05 10:00"),
        ],
        [
            (requested("family_card"), "2026-03-03 10:00"),
            (requested("identity_card"), "2026-03-03 12:00"),
            (supplied("family_card"), "2026-03-04 11:00"),
            (supplied("identity_card"), "2026-03-05 10:00"),
        ],
        [(PAUSE, "2026-03-03 10:00"), (PAUSE, "2026-03-04 10:00"), (RESUME, "2026-03-05 10:00")],
        [
            (PAUSE, "2026-03-03 10:00"),
            (requested("family_card"), "2026-03-03 12:00"),
            (RESUME, "2026-03-04 10:00"),
            (supplied("family_card"), "2026-03-05 10:00"),
        ],
        [(requested("family_card"), "2026-03-03 10:00"), (approved(), "2026-03-05 10:00")],
    ],
    ids=["one document", "the last document", "asked twice", "paused twice", "overlapping", "decided without it"],
)
def test_a_pause_lasts_until_the_last_of_its_reasons_is_gone_and_overlapping_pauses_are_one(told: list[Told]) -> None:
    story = given_events((examined(), "2026-03-02 10:15"), *told)
    assert deadline_of(story) == "2026-03-10T17:00Z"
    assert counted(clock_of(story)) == ["03-05", "03-06", "03-09", "03-10"]


def test_a_pause_over_a_holiday_costs_only_the_days_that_would_have_counted() -> None:
    paused = given_events((examined(), "2026-03-16 09:00"), (PAUSE, "2026-03-18 09:00"), (RESUME, "2026-03-24 09:00"))
    assert deadline_of(paused) == "2026-03-27T17:00Z"
    days = list(explain_days(clock_of(paused), LAW.days("lebong"), INDONESIA))
    assert [day.why for day in days[2:9]] == ["collective_leave", "holiday", "collective_leave", "holiday", "holiday", "collective_leave", "collective_leave"]  # fmt: skip
    assert days[3].day_off is not None
    assert (days[3].date, days[3].day_off.id) == (date(2026, 3, 19), "Hari Suci Nyepi")


def test_every_day_that_did_not_count_says_why() -> None:
    story = given_events((examined(), "2026-04-01 09:00"), (PAUSE, "2026-04-02 11:00"), (RESUME, "2026-04-06 08:30"))
    days = list(explain_days(clock_of(story), LAW.days("lebong"), INDONESIA))
    assert [(day.date.day, day.why, day.number) for day in days] == [
        (1, "start", None), (2, "paused", None), (3, "holiday", None), (4, "weekend", None), (5, "holiday", None),
        (6, "counted", 1), (7, "counted", 2), (8, "counted", 3), (9, "counted", 4),
    ]  # fmt: skip
    assert days[1].pause is not None
    assert (days[1].pause.began, days[1].pause.ended) == (3, 4)


def test_while_paused_the_explanation_ends_with_the_first_day_that_waits() -> None:
    story = given_events((examined(), "2026-03-02 10:15"), (PAUSE, "2026-03-04 09:00"))
    clock = clock_of(story, now=LATER)
    days = list(explain_days(clock, LAW.days("lebong"), INDONESIA))
    assert (clock.state, clock.remaining) == ("paused", 3)
    assert [(day.date.day, day.why) for day in days] == [(2, "start"), (3, "counted"), (4, "paused")]


def test_a_pause_of_years_is_one_line() -> None:
    story = given_events((examined(), "2023-03-01 09:00"), (PAUSE, "2023-03-02 09:00"), (RESUME, "2026-03-02 09:00"))
    days = list(explain_days(clock_of(story), LAW.days("lebong"), INDONESIA))
    assert (days[1].why, days[1].date, days[1].until) == ("paused", date(2023, 3, 2), date(2026, 3, 1))
    assert len(days) == 6


def test_a_second_start_event_does_not_start_the_clock_again_unless_the_rule_says_so() -> None:
    story = given_events((examined(), "2026-03-02 10:15"), (examined(), "2026-03-04 09:00"))
    assert deadline_of(story) == "2026-03-06T17:00Z"
    clock = clock_of(story, law(restarts=True))
    assert (clock.started_by, clock.deadline) == (3, us("2026-03-10T17:00Z"))


def test_a_clock_that_started_anew_is_met_only_by_what_came_after_that() -> None:
    story = given_events(
        (examined(), "2026-03-02 10:15"), (issued(), "2026-03-03 09:00"), (examined(), "2026-03-04 09:00")
    )
    assert clock_of(story).state == "met"
    assert clock_of(story, law(restarts=True)).state == "running"
    story.tell_at(issued(), instant("2026-03-09 09:00"))
    assert clock_of(story, law(restarts=True)).ended_by == 5


def test_what_was_delivered_before_the_clock_began_cannot_be_late() -> None:
    story = given_events((issued(), "2026-03-02 09:00"), (examined(), "2026-03-04 09:00"))
    assert clock_of(story, now=LATER).state == "met"


@pytest.mark.parametrize(
    ("fact", "ended"), [(Withdrawn(by=APPLICANT), "withdrawn"), (refused(), "decided"), (collected(), "collected")]
)
def test_an_application_that_ended_otherwise_in_time_is_owed_nothing(fact: Fact, ended: str) -> None:
    story = given_events((examined(), "2026-03-02 10:15"), (fact, "2026-03-04 09:00"))
    clock = clock_of(story, now=LATER)
    assert (clock.state, clock.ended_by) == ("not_applicable", 3)
    assert due_us(story.progress, LAW) is None


def test_an_application_that_ended_otherwise_too_late_missed_its_deadline() -> None:
    story = given_events((examined(), "2026-03-02 10:15"), (refused(), "2026-03-10 09:00"))
    assert clock_of(story).state == "missed"
    assert due_us(story.progress, LAW) == us("2026-03-06T17:00Z")


def test_an_application_that_ended_before_the_clock_began_has_no_clock() -> None:
    assert clock_of(given_events((Withdrawn(by=APPLICANT), "2026-03-02 09:00"))).state == "not_applicable"


def test_what_pauses_after_the_end_changes_nothing() -> None:
    story = given_events((examined(), "2026-03-02 10:15"), (issued(), "2026-03-10 09:00"), (PAUSE, "2026-03-11 09:00"))
    clock = clock_of(story)
    assert (clock.state, clock.deadline, clock.pauses) == ("missed", us("2026-03-06T17:00Z"), ())


def test_what_is_delivered_while_the_clock_rests_is_in_time() -> None:
    story = given_events((examined(), "2026-03-02 10:15"), (PAUSE, "2026-03-03 09:00"), (issued(), "2026-06-01 09:00"))
    assert clock_of(story, now=LATER).state == "met"


def test_a_pause_that_is_reported_years_late_moves_the_deadline_of_its_time() -> None:
    story = given_events((examined(), "2020-03-02 10:15"), service="passport_new")
    past = law(valid_from=date(2019, 1, 1).toordinal())
    assert deadline_of(story, past) == "2020-03-06T17:00Z"
    story.tell_at(RESUME, instant("2020-03-05 09:00"), instant("2026-03-02 09:00"))
    story.tell_at(PAUSE, instant("2020-03-03 09:00"), instant("2026-03-02 09:01"))
    assert deadline_of(story, past) == "2020-03-10T17:00Z"


def test_where_times_are_equal_the_order_of_the_log_decides() -> None:
    at = "2026-03-03 09:00"
    over = given_events((examined(), "2026-03-02 10:15"), (PAUSE, at), (RESUME, at))
    lasting = given_events((examined(), "2026-03-02 10:15"), (RESUME, at), (PAUSE, at))
    assert [clock_of(story).state for story in (over, lasting)] == ["running", "paused"]


@pytest.mark.parametrize(("at", "deadline"), [("23:59:59", "2026-03-06T17:00Z"), ("00:00:00", "2026-03-09T17:00Z")])
def test_the_day_begins_at_midnight_of_the_office(at: str, deadline: str) -> None:
    day = "2026-03-02" if at == "23:59:59" else "2026-03-03"
    assert deadline_of(given_events((examined(), f"{day} {at}"))) == deadline


def test_a_pause_that_is_over_at_midnight_costs_no_day_and_one_over_a_second_later_does() -> None:
    def after(until: str) -> str:
        return deadline_of(given_events((examined(), "2026-03-02 10:15"), (PAUSE, "2026-03-03 09:00"), (RESUME, until)))

    assert after("2026-03-04 00:00") == "2026-03-06T17:00Z"
    assert after("2026-03-04 00:00:01") == "2026-03-09T17:00Z"


def test_calendar_days_count_a_leap_day() -> None:
    story = given_events((examined(), "2028-02-28 09:00"))
    assert deadline_of(story, law(unit="calendar_days", length=1)) == "2028-02-29T17:00Z"


def test_a_clock_runs_over_the_end_of_the_year() -> None:
    assert deadline_of(given_events((examined(), "2026-12-30 09:00"))) == "2027-01-07T17:00Z"


def test_hours_are_running_time_to_the_second() -> None:
    story = given_events(
        (examined(), "2026-03-02 10:00:07"), (PAUSE, "2026-03-02 11:00:00"), (RESUME, "2026-03-02 12:30:30")
    )
    hours = law(unit="hours", length=24)
    clock = clock_of(story, hours)
    assert clock.deadline == us("2026-03-03 11:30:37")
    stretches = [(stretch.until, stretch.pause and stretch.pause.began) for stretch in explain_hours(clock)]
    assert stretches == [
        (us("2026-03-02 11:00"), None),
        (us("2026-03-02 12:30:30"), 3),
        (us("2026-03-03 11:30:37"), None),
    ]


def test_paused_hours_tell_the_running_time_that_is_left() -> None:
    story = given_events((examined(), "2026-03-02 10:00"), (PAUSE, "2026-03-02 11:00:30"))
    clock = clock_of(story, law(unit="hours", length=24))
    assert clock.remaining == (24 * 3600 - 3630) * 1_000_000
    assert [stretch.until for stretch in explain_hours(clock)] == [us("2026-03-02 11:00:30"), None]


def test_an_office_with_daylight_saving_counts_its_own_days_and_holidays() -> None:
    dutch = law(office=("Europe/Amsterdam", "NL"))
    story = given_events((examined(), "2026-10-23T21:30Z"))  # Friday 23:30; the clocks go back on Sunday
    assert deadline_of(story, dutch) == "2026-10-29T23:00Z"
    assert deadline_of(given_events((examined(), "2026-04-23T09:00Z")), dutch) == "2026-04-30T22:00Z"  # King's Day


def test_a_rule_may_count_by_another_calendar_than_its_office() -> None:
    story = given_events((examined(), "2026-03-16 09:00"))
    assert deadline_of(story, law(country="NL")) == "2026-03-20T17:00Z"


def test_an_office_that_the_catalogue_does_not_have_is_reckoned_in_utc_by_weekends() -> None:
    elsewhere = Submitted(service="passport_new", office="nowhere", channel="desk", by=APPLICANT)
    story = Story().tell_at(elsewhere, instant("2026-03-01 09:00")).tell_at(examined(), instant("2026-03-16 09:00"))
    assert deadline_of(story) == "2026-03-21T00:00Z"


def _two_versions() -> Clockwork:
    (rule,) = RULES.rules["passport_new"]
    change = date(2026, 3, 5).toordinal()
    old = msgspec.structs.replace(rule, valid_until=change - 1)
    new = msgspec.structs.replace(rule, version=2, length=2, valid_from=change)
    return Clockwork(msgspec.structs.replace(RULES, rules={**RULES.rules, "passport_new": (old, new)}))


def test_the_version_that_is_valid_on_the_first_day_counts_to_the_end() -> None:
    both = _two_versions()
    before, after = (given_events((examined(), f"2026-03-0{day} 09:00")) for day in (4, 5))
    assert [deadline_of(story, both) for story in (before, after)] == ["2026-03-10T17:00Z", "2026-03-09T17:00Z"]
    assert [clock_of(story, both).rule.version for story in (before, after)] == [1, 2]


def test_a_deadline_can_be_reckoned_by_another_version_of_its_rule() -> None:
    story = given_events((examined(), "2026-03-04 09:00"))
    (other,) = clocks(story.progress, _two_versions(), EARLIER, {"passport_issue": 2})
    assert (other.rule.version, other.deadline) == (2, us("2026-03-06T17:00Z"))
    assert clocks(story.progress, _two_versions(), EARLIER, {"passport_issue": 7}) == []


def test_before_the_first_version_no_limit_was_promised() -> None:
    story = given_events((examined(), "2019-03-04 09:00"))
    assert (clock_of(story, now=LATER).state, due_us(story.progress, LAW)) == ("not_applicable", None)


def test_a_year_without_a_calendar_and_leave_that_is_not_decreed_are_said() -> None:
    def unsure(at: str) -> dict[int, str]:
        return uncertain_years(clock_of(given_events((examined(), at))), LAW.days("lebong"), INDONESIA)

    assert unsure("2026-03-02 09:00") == {}
    assert unsure("2027-12-30 09:00") == {2028: "undecided_leave"}
    assert unsure("2040-03-02 09:00") == {2040: "unknown_year"}


def test_a_passing_is_said_once_for_each_instant() -> None:
    story = given_events((examined(), "2026-03-02 10:15"))
    first = us("2026-03-06T17:00Z")
    assert passings(story.progress, LAW, first - 1) == []
    assert passings(story.progress, LAW, first) == [("passport_issue", 1, first)]
    said = DeadlinePassed(rule="passport_issue", rule_version=1, deadline=instant("2026-03-06T17:00Z"), by=OFFICER)
    story.tell_at(said, instant("2026-03-06T17:00Z"))
    assert passings(story.progress, LAW, LATER) == []
    assert deadlines_us(story.progress, LAW) == (first, None)
    story.tell_at(PAUSE, instant("2026-03-03 09:00"))
    assert deadlines_us(story.progress, LAW) == (None, None)
    story.tell_at(RESUME, instant("2026-03-05 09:00"))
    moved = us("2026-03-10T17:00Z")
    assert deadlines_us(story.progress, LAW) == (moved, moved)
    assert passings(story.progress, LAW, LATER) == [("passport_issue", 1, moved)]


def test_a_case_that_ended_late_before_anybody_looked_has_a_passing_to_be_said() -> None:
    story = given_events(
        (examined(), "2026-03-02 10:15"), (issued(), "2026-03-09 09:00"), (collected(), "2026-03-09 10:00")
    )
    assert passings(story.progress, LAW, LATER) == [("passport_issue", 1, us("2026-03-06T17:00Z"))]


def test_of_two_rules_with_one_deadline_both_are_said_until_both_are_on_the_log() -> None:
    (rule,) = RULES.rules["passport_new"]
    both = Clockwork(
        msgspec.structs.replace(RULES, rules={"passport_new": (rule, msgspec.structs.replace(rule, code="second"))})
    )
    story = given_events((examined(), "2026-03-02 10:15"))
    assert [passing.rule for passing in passings(story.progress, both, LATER)] == ["passport_issue", "second"]
    said = DeadlinePassed(rule="passport_issue", rule_version=1, deadline=instant("2026-03-06T17:00Z"), by=OFFICER)
    story.tell_at(said, instant("2026-03-06T17:00Z"))
    assert [passing.rule for passing in passings(story.progress, both, LATER)] == ["passport_issue", "second"]
    story.tell_at(msgspec.structs.replace(said, rule="second"), instant("2026-03-06T17:00Z"))
    assert passings(story.progress, both, LATER) == []


def test_what_a_status_shows_of_clocks_depends_on_the_row_and_on_whether_its_deadline_has_passed() -> None:
    story = given_events((examined(), "2026-03-02 10:15"))
    due = due_us(story.progress, LAW)
    states = [clock_of(story, now=shown_at(story.progress, due, passed=passed)).state for passed in (False, True)]
    assert states == ["running", "missed"]


def test_the_rules_can_be_sent_to_another_process_and_every_change_shows_in_their_fingerprint() -> None:
    received = msgspec.json.decode(msgspec.json.encode(RULES), type=ClockRules)
    assert received == RULES
    assert fingerprint(received) == fingerprint(RULES)
    assert fingerprint(law(length=5).rules) != fingerprint(law(length=4).rules)
    less = msgspec.structs.replace(RULES, days_off={"ID": RULES.days_off["ID"][1:]})
    assert fingerprint(less) != fingerprint(RULES)


ANY = st.sampled_from(
    [
        examined(), issued(), approved(), refused(), collected(), verified(), assessed(), paid(), PAUSE, RESUME,
        requested("identity_card", "family_card"), requested("identity_card"), supplied("identity_card"),
        supplied("family_card"), Withdrawn(by=APPLICANT), Transferred(to="civil_registry", reason=REASON, by=OFFICER),
        DeadlinePassed(rule="r", rule_version=1, deadline=instant("2026-03-06T17:00Z"), by=OFFICER),
        Withdrawn(by=APPLICANT, corrects=EventRef(source="s", id="1")),
    ]
)  # fmt: skip
HISTORIES = st.lists(st.tuples(ANY, st.integers(-2_000, 2_000)), max_size=16)
SERVICES = st.sampled_from(sorted(RULES.rules))
UNITS = st.sampled_from(["working_days", "calendar_days", "hours"])


@settings(max_examples=300, deadline=None)
@given(SERVICES, HISTORIES, UNITS, st.booleans(), st.integers(-2_000, 2_000))
def test_the_deadline_of_a_row_is_that_of_its_clocks(
    service: str, history: Sequence[tuple[Fact, int]], unit: str, restarts: bool, now_h: int
) -> None:
    story = Story().tell(submitted(service), -2_100)
    for fact, after_h in history:
        story.tell(fact, after_h)
    clockwork = law(service, unit=unit, restarts=restarts, paused_by=("documents_requested", "paused", "transferred"))
    now = us("2026-03-02 09:00") + now_h * 3_600_000_000
    (clock,) = clocks(story.progress, clockwork, now)
    due = due_us(story.progress, clockwork)
    if clock.state in ("running", "missed"):
        assert clock.deadline == due
        assert (clock.state == "missed") is (clock.ended_at is not None or (due is not None and due <= now))
    else:
        assert due is None
    assert (clock.state == "paused") is (clock.remaining is not None) is (clock.paused is not None)
    days = list(explain_days(clock, clockwork.days("lebong"), INDONESIA if unit == "working_days" else None))
    if clock.deadline is not None and unit != "hours":
        assert sum(day.why == "counted" for day in days) == clock.rule.length
    if clock.state == "paused" and unit != "hours":
        assert sum(day.why == "counted" for day in days) + (clock.remaining or 0) == clock.rule.length
    if unit == "hours" and clock.deadline is not None:
        ran = sum((s.until or 0) - s.since for s in explain_hours(clock) if s.pause is None)
        assert ran == clock.rule.length * 3_600_000_000


@settings(max_examples=200, deadline=None)
@given(HISTORIES, UNITS, st.integers(0, 500), st.integers(0, 500))
def test_a_pause_that_becomes_known_never_moves_a_deadline_to_earlier(
    history: Sequence[tuple[Fact, int]], unit: str, since_h: int, for_h: int
) -> None:
    clockwork = law(unit=unit)
    story = Story().tell(submitted(), -2_100).tell(examined(), 0)
    for fact, after_h in history:
        if not isinstance(fact, Paused | Resumed):
            story.tell(fact, after_h)
    (before,) = clocks(story.progress, clockwork, EARLIER)
    story.tell(PAUSE, since_h).tell(RESUME, since_h + for_h)
    (after,) = clocks(story.progress, clockwork, EARLIER)
    if before.deadline is None:
        assert after.deadline is None
    else:
        assert after.deadline is None or after.deadline >= before.deadline


def test_the_deadline_of_a_row_costs_microseconds() -> None:
    """The figure is in docs/clocks.md; here only that it stays of that order, on any machine that tests run on."""
    story = given_events(
        (verified(), "2026-03-02 09:00"), (examined(), "2026-03-02 10:15"), (approved(), "2026-03-03 09:00")
    )
    fastest = min(_seconds(story) for _ in range(20))
    assert fastest < 100e-6


def _seconds(story: Story) -> float:
    began = time.perf_counter()
    for _ in range(100):
        deadlines_us(story.progress, LAW)
    return (time.perf_counter() - began) / 100
