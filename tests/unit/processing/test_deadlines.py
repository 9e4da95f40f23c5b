"""The small legal clock, by the worked examples of the project's rules."""

from datetime import UTC, datetime

import msgspec
import pytest

from contracts import catalogue
from contracts.facts import Reason
from services.processing.commands import Issue, Pause, Resume
from services.processing.deadlines import deadline_of, running_deadline
from services.processing.domain import Interruption
from tests.unit.processing.story import Story, asking_for

OFFICE = catalogue.load().offices["lebong"]
RULE = catalogue.load().services["passport_new"].deadlines[0]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "pauses", "deadline"),
    [
        ("2026-03-02T03:15Z", [], "2026-03-06T17:00Z"),
        ("2026-03-16T02:00Z", [], "2026-03-27T17:00Z"),
        ("2026-04-06T02:00Z", [("2026-04-07T11:00+07:00", "2026-04-09T08:30+07:00")], "2026-04-14T17:00Z"),
        ("2026-06-08T17:30Z", [], "2026-06-15T17:00Z"),
        ("2026-12-22T04:00Z", [], "2026-12-30T17:00Z"),
    ],
)
def test_four_working_days_end_where_the_worked_examples_say(
    start: str, pauses: list[tuple[str, str]], deadline: str
) -> None:
    spans = [Interruption("paused", instant(since), instant(until)) for since, until in pauses]
    assert deadline_of(RULE, instant(start), spans, OFFICE).at == instant(deadline)


def test_calendar_days_count_weekends_and_holidays() -> None:
    rule = msgspec.structs.replace(RULE, unit="calendar_days", length=3)
    assert deadline_of(rule, instant("2026-03-18T02:00Z"), [], OFFICE).at == instant("2026-03-21T17:00Z")


def test_the_same_day_ends_at_midnight() -> None:
    rule = msgspec.structs.replace(RULE, length=0)
    assert deadline_of(rule, instant("2026-03-02T03:15Z"), [], OFFICE).at == instant("2026-03-02T17:00Z")


def test_hours_are_running_time_and_overlapping_pauses_count_once() -> None:
    rule = msgspec.structs.replace(RULE, unit="hours", length=24)
    spans = [
        Interruption("paused", instant("2026-03-02T04:00Z"), instant("2026-03-02T06:00Z")),
        Interruption("documents_requested", instant("2026-03-02T05:00Z"), instant("2026-03-02T07:30Z")),
    ]
    assert deadline_of(rule, instant("2026-03-02T03:00Z"), spans, OFFICE).at == instant("2026-03-03T06:30Z")


def test_a_pause_that_the_rule_does_not_know_does_not_stop_it() -> None:
    spans = [Interruption("transferred", instant("2026-03-02T04:00Z"))]
    assert deadline_of(RULE, instant("2026-03-02T03:15Z"), spans, OFFICE).at == instant("2026-03-06T17:00Z")


def test_while_paused_there_is_no_deadline_but_days_that_remain() -> None:
    spans = [Interruption("paused", instant("2026-03-04T04:00Z"))]
    deadline = deadline_of(RULE, instant("2026-03-02T03:15Z"), spans, OFFICE)
    assert (deadline.at, deadline.remaining) == (None, 3)


def test_a_pause_after_the_deadline_does_not_take_it_away() -> None:
    spans = [Interruption("paused", instant("2026-03-09T04:00Z"))]
    assert deadline_of(RULE, instant("2026-03-02T03:15Z"), spans, OFFICE).at == instant("2026-03-06T17:00Z")


def test_the_clock_of_a_case_runs_from_the_examination_to_the_issue(story: Story) -> None:
    assert running_deadline(story.submitted().paid().verified().case, story.service, OFFICE) is None
    deadline = running_deadline(story.examined().case, story.service, OFFICE)
    assert deadline is not None
    assert deadline.at == instant("2026-03-06T17:00Z")


def test_the_clock_rests_while_a_document_is_awaited_and_goes_on_when_it_came(story: Story) -> None:
    story.ready_to_decide().later(hours=1).command(asking_for("family_card"))
    resting = running_deadline(story.case, story.service, OFFICE)
    assert resting is not None
    assert (resting.at, resting.remaining) == (None, 4)
    story.later(days=2).supplied("family_card", "again")
    going_on = running_deadline(story.case, story.service, OFFICE)
    assert going_on is not None
    assert going_on.at == instant("2026-03-09T17:00Z")


def test_two_reasons_to_rest_are_two_spans(story: Story) -> None:
    story.ready_to_decide().command(asking_for("family_card"))
    story.later(days=1).command(Pause(reason=Reason(code="system_outage")))
    story.later(days=1).supplied("family_card", "again")
    assert [span.until is None for span in story.case.interruptions] == [False, True]
    story.later(days=1).command(Resume())
    assert all(span.until for span in story.case.interruptions)


def test_no_clock_runs_after_the_issue(story: Story) -> None:
    story.approved().command(Issue())
    assert running_deadline(story.case, story.service, OFFICE) is None
