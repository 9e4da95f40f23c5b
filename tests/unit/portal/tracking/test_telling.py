"""The law's clock, the ledger as a bar, and how long a page may be shown."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.portal.tracking.answers import Clock, Day, Deadline, Explained, Fee, Waited
from services.portal.tracking.telling import Share, days_left, fresh_until, law, ledger, mood
from tests.unit.portal.tracking.told import MONDAY, at, status, text

JAKARTA = ZoneInfo("Asia/Jakarta")


def clock(state: str, rule: str = "issue") -> Clock:
    return Clock(rule, 1, text(rule), "UU 25/2009", state, text(state))


def explained(one: Clock, *, ended_at: datetime | None = None, days: list[Day] | None = None) -> Explained:
    return Explained(one, 4, "working_days", ended_at, [], days or [], [], [])


def day(number: int, *, counted: bool = True, until: int | None = None) -> Day:
    end = None if until is None else date(2026, 3, until)
    return Day(date(2026, 3, number), end, counted, "counted" if counted else "weekend", text("why"))


def test_only_days_after_today_that_count_are_left() -> None:
    days = [day(5), day(6), day(7, counted=False, until=8), day(9), day(10)]
    assert days_left(days, date(2026, 3, 5)) == 3
    assert days_left(days, date(2026, 3, 8)) == 2
    assert days_left(days, date(2026, 3, 10)) == 0
    assert days_left(days, date(2026, 3, 11)) is None


def test_a_clock_that_is_overdue_comes_first_and_one_that_was_late_last() -> None:
    running, overdue, late = clock("running", "a"), clock("missed", "b"), clock("missed", "c")
    deadline = Deadline("Asia/Jakarta", [explained(running), explained(overdue), explained(late, ended_at=at(3))])
    found = law(status(clocks=[late, running, overdue]), deadline, date(2026, 3, 2))
    assert found is not None
    assert (found.clock.rule, found.is_overdue) == ("b", True)
    without = law(status(clocks=[late, running]), deadline, date(2026, 3, 2))
    assert without is not None
    assert (without.clock.rule, without.is_overdue) == ("a", False)


def test_while_the_explanation_is_away_the_clock_is_shown_without_days() -> None:
    found = law(status(clocks=[clock("running")]), None, date(2026, 3, 2))
    assert found is not None
    assert (found.left, found.is_overdue) == (None, False)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"party": "nobody", "situation": "refused"}, "trouble"),
        ({"party": "nobody", "situation": "collected"}, "ended"),
        ({"party": "applicant", "needed": True}, "wait"),
        ({"party": "office"}, "office"),
    ],
)
def test_the_page_begins_in_the_colour_of_what_is_to_be_done(given: dict[str, Any], expected: str) -> None:
    assert mood(status(**given), None) == expected


def test_the_parts_of_the_bar_are_the_whole_time_and_the_running_one_grows() -> None:
    waited = [
        Waited("office", 3600, at(2), text("office")),
        Waited("applicant", 3600, None, text("you")),
    ]
    assert ledger(waited, at(4)) == [
        Share("office", timedelta(hours=3), 75.0, True),
        Share("applicant", timedelta(hours=1), 25.0, False),
    ]
    assert ledger([], at(4)) == []


def test_a_page_is_fresh_for_a_minute_kept_for_ten_and_never_over_midnight() -> None:
    fresh, until = fresh_until(status(), MONDAY, JAKARTA)
    assert (fresh - MONDAY, until - MONDAY) == (timedelta(minutes=1), timedelta(minutes=10))
    before_midnight = datetime(2026, 3, 2, 16, 59, 30, tzinfo=ZoneInfo("UTC"))
    assert fresh_until(status(), before_midnight, JAKARTA)[1] - before_midnight == timedelta(seconds=30)


def test_a_page_that_asks_for_a_payment_ends_with_its_billing_code() -> None:
    def fee(expires_at: datetime) -> Fee:
        return Fee("due", text("due"), "820260302000001", 350_000, "IDR", expires_at, [], [])

    soon = MONDAY + timedelta(seconds=20)
    assert fresh_until(status("applicant"), MONDAY, JAKARTA, fee(soon)) == (soon, soon)
    later = (MONDAY + timedelta(minutes=1), MONDAY + timedelta(minutes=10))
    assert fresh_until(status("applicant"), MONDAY, JAKARTA, fee(MONDAY - timedelta(days=1))) == later


def test_the_page_of_what_has_ended_changes_with_the_day_only() -> None:
    fresh, until = fresh_until(status("nobody"), MONDAY, JAKARTA)
    assert fresh == until == datetime(2026, 3, 3, tzinfo=JAKARTA)
