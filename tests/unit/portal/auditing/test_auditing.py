"""What auditors ask for, and the instants that a history is made of."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.portal.auditing.asking import asked, selection
from services.portal.auditing.moments import By, moments_of, place_at

JAKARTA = ZoneInfo("Asia/Jakarta")


def entry(n: int, occurred: str, recorded: str) -> dict[str, Any]:
    return {"n": n, "occurred_at": f"2026-03-02T{occurred}Z", "recorded_at": f"2026-03-02T{recorded}Z"}


LATE_PAYMENT = [entry(1, "02:00:00", "02:00:01"), entry(2, "08:00:00", "08:00:01"), entry(3, "04:00:00", "09:00:00"),
                entry(4, "09:00:00", "09:00:00")]  # fmt: skip


@pytest.mark.parametrize(("by", "order"), [("known", [[1], [2], [3, 4]]), ("valid", [[1], [3], [2], [4]])])
def test_a_history_is_told_in_the_order_of_knowing_or_of_happening(by: By, order: list[list[int]]) -> None:
    assert [[one["n"] for one in moment.entries] for moment in moments_of(LATE_PAYMENT, by)] == order


def test_a_page_stands_at_the_last_moment_where_no_instant_is_asked_for() -> None:
    place = place_at(moments_of(LATE_PAYMENT, "known"), "", "known")
    assert (place.place, place.at, place.later) == (2, "2026-03-02T09:00:00Z", None)
    assert place.before == "2026-03-02T08:00:01Z"


def test_an_instant_in_between_belongs_to_the_moment_before_it() -> None:
    place = place_at(moments_of(LATE_PAYMENT, "known"), "2026-03-02T10:00:00+07:00", "known")
    assert place.place == 0
    assert place.earlier is None
    assert place.later is not None
    assert place.later.at == "2026-03-02T08:00:01Z"


@pytest.mark.parametrize("at", ["2026-03-02T02:00:01Z", "2026-03-01T00:00:00Z"])
def test_the_first_moment_is_compared_with_when_nothing_was_known(at: str) -> None:
    place = place_at(moments_of(LATE_PAYMENT, "known"), at, "known")
    assert datetime.fromisoformat(place.before) < datetime.fromisoformat(LATE_PAYMENT[0]["recorded_at"])
    assert datetime.fromisoformat(place.before) < datetime.fromisoformat(at)


@pytest.mark.parametrize("at", ["yesterday", "2026-03-02T10:00:00", "0001-01-01T00:00:00Z"])
def test_what_is_no_instant_is_refused(at: str) -> None:
    with pytest.raises(ValueError):
        place_at(moments_of(LATE_PAYMENT, "known"), at, "known")


def test_a_day_is_the_whole_day_at_the_office() -> None:
    found = asked({"submitted_from": "2026-03-02", "submitted_to": "2026-03-02"}, JAKARTA)
    assert found == {
        "submitted_from": "2026-03-02T00:00:00+07:00",
        "submitted_to": "2026-03-03T00:00:00+07:00",
    }


def test_an_instant_stays_what_it_is_and_nonsense_is_left_to_the_service() -> None:
    query = {"due_from": "2026-03-02T09:00:00 07:00", "due_to": "tomorrow", "unheard": "of", "page": "2"}
    assert asked(query, JAKARTA) == {"due_from": "2026-03-02T09:00:00+07:00", "due_to": "tomorrow"}


def test_the_last_day_of_all_has_no_day_after_it() -> None:
    assert asked({"due_to": "9999-12-31"}, JAKARTA) == {"due_to": "9999-12-31"}


def test_an_empty_field_of_the_form_says_nothing_but_a_figure_may_mean_no_desk() -> None:
    assert asked({"desk": "", "service": "", "dari_formulir": "1"}, JAKARTA) == {}
    assert asked({"desk": "", "service": ""}, JAKARTA) == {"desk": ""}


def test_a_selection_is_without_order_and_place() -> None:
    assert selection({"service": "itas", "sort": "due", "cursor": "x", "desk": ""}) == "service=itas&desk="
