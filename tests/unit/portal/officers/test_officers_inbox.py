"""The inbox: what a link may say, and what a line tells."""

from datetime import UTC, datetime
from typing import Any

from services.portal.officers.inbox import address, asked, chosen, line, next_cursor

NOW = datetime(2026, 3, 5, 2, 0, tzinfo=UTC)


def item(**changes: Any) -> dict[str, Any]:
    labels = {"id": "Paspor", "en": "Passport"}
    return {
        "number": "LBG-X", "service": {"code": "p", "labels": labels}, "stage": {"code": "s", "labels": labels},
        "next": ["decide"], "waits_for": "office", "office_since": "2026-03-04T02:00:00Z", "overdue": False, "paused": False,
        "deadline": {"rule": "r", "at": "2026-03-06T14:00:00Z", "remaining": None}, "escalated_at": None, "officer": None,
        "mine": False, "queue": None, "payment_problems": 0, "opinions_awaited": 0, "opinion_late": False,
        "opinion_given_at": None, **changes,
    }  # fmt: skip


def test_a_link_keeps_filters_of_ours_and_drops_everything_else() -> None:
    query = {"service": "passport_new", "waits_for": "office", "sort": "age", "evil": "x", "claimed": "everybody"}
    assert chosen(query) == {"service": "passport_new", "waits_for": "office", "sort": "age"}


def test_a_filter_that_cannot_be_a_code_is_dropped() -> None:
    for value in ("<script>", "../x", "Ä", "a" * 65, "1a", " "):
        assert chosen({"service": value, "desk": value}) == {}


def test_the_inbox_is_by_urgency_where_nothing_else_is_said() -> None:
    assert asked({}, None, 50)["sort"] == "urgency"
    assert asked({"sort": "age"}, None, 50)["sort"] == "age"


def test_an_address_is_the_filters_again() -> None:
    assert address({}) == "/petugas"
    assert address({"claimed": "me"}, cursor="abc") == "/petugas?claimed=me&cursor=abc"


def test_the_cursor_is_taken_from_the_link_to_the_next_page_and_from_no_other() -> None:
    assert next_cursor('</cases?sort=urgency&cursor=WyJ4Il0>; rel="next"') == "WyJ4Il0"
    assert next_cursor('</cases?cursor=a>; rel="prev"') is None
    assert next_cursor(None) is None


def test_a_line_says_how_long_the_office_has_been_waited_for_and_what_is_left() -> None:
    one = line(item(), NOW)
    assert (one.waited_s, one.left_days) == (86_400, 1.5)


def test_a_late_case_has_less_than_nothing_left_and_a_paused_one_has_units() -> None:
    late = line(item(deadline={"rule": "r", "at": "2026-03-04T02:00:00Z", "remaining": None}), NOW)
    assert late.left_days == -1
    paused = line(item(deadline={"rule": "r", "at": None, "remaining": 3}, office_since=None), NOW)
    assert (paused.left_days, paused.remaining, paused.waited_s) == (None, 3, None)


def test_a_late_opinion_goes_before_an_awaited_one_and_that_before_one_that_came() -> None:
    assert line(item(opinions_awaited=1, opinion_late=True, opinion_given_at="x"), NOW).opinion == "late"
    assert line(item(opinions_awaited=1, opinion_given_at="x"), NOW).opinion == "awaited"
    assert line(item(opinion_given_at="x"), NOW).opinion == "given"
