"""The past in words: which instant is meant, how it stood then, what changed in between."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.status.answering.lookups import Head
from services.status.answering.views import Presenter
from services.status.past.asof import InFuture, Instants, NoInstant, is_settled, read_instant, shown_of
from services.status.past.differences import By, Change, Difference
from services.status.past.past import Historian, PastStatus
from tests.unit.status.story import (
    CATALOGUE,
    MONDAY,
    NUMBER,
    PROCEDURES,
    approved,
    assessed,
    examined,
    hours,
    invited,
    paid,
    refused,
    submitted,
    verified,
)
from tests.unit.status.test_corrections import correcting, row

JAKARTA = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HEAD = Head(NUMBER, 9, "v", "passport_new", "lebong", b"")
HISTORIAN = Historian(Presenter(CATALOGUE, PROCEDURES), PROCEDURES)


def passport() -> list[dict[str, Any]]:
    """Paid on Monday 14:00, which the bank reported on Thursday 08:00; refused by mistake on Friday, corrected on Monday."""
    return [
        row(1, submitted(), 0),
        row(2, assessed(), 1),
        row(3, paid(), 5, recorded_h=71),
        row(4, verified(), 72),
        row(5, invited(), 72),
        row(6, examined(), 97),
        row(7, refused(), 102),
        row(8, correcting(approved(), "e7"), 102, recorded_h=168),
    ]


def at(after_h: float) -> datetime:
    return MONDAY + hours(after_h)


def status(known_h: float | None = None, valid_h: float | None = None) -> PastStatus:
    instants = Instants(
        known_at=None if known_h is None else at(known_h), valid_at=None if valid_h is None else at(valid_h)
    )
    return HISTORIAN.status(HEAD, passport(), instants)


def difference(begin_h: float, to_h: float, by: By = "recorded") -> Difference:
    return HISTORIAN.difference(HEAD, passport(), by, at(begin_h), at(to_h))


def change(told: Difference, what: str, code: str = "") -> Change:
    return next(one for one in told.changes if (one.what, one.code) == (what, code))


# Which instant is meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-03-02T09:00:00+07:00", MONDAY),
        ("2026-03-02T09:00:00 07:00", MONDAY),
        ("2026-03-02T02:00:00Z", MONDAY),
        ("2026-03-02t02:00:00.5z", MONDAY + timedelta(milliseconds=500)),
        ("2026-03-02", datetime(2026, 3, 2, 16, 59, 59, 999999, tzinfo=UTC)),
        ("0001-01-02", datetime(1, 1, 2, 16, 52, 47, 999999, tzinfo=UTC)),
    ],
)
def test_an_instant_is_meant_with_its_zone_and_a_day_to_its_end_at_the_office(text: str, meant: datetime) -> None:
    assert read_instant("as_of", text, JAKARTA, NOW) == meant


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "2026-03-02T09:00:00", "2026-03-02T09:00+07:00", "2026-02-30", "2026-13-01T00:00:00Z", "1772416800",
        "2026-W10-1", "0001-01-01T00:00:00+07:00", "2026-03-02T02:00:00Z; DROP TABLE", "２０２６-03-02",
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(NoInstant) as refused_:
        read_instant("valid_at", text, JAKARTA, NOW)
    assert "2026-03-02T09:00:00+07:00" in refused_.value.text.en
    assert refused_.value.text.id.startswith("Tulis valid_at")


@pytest.mark.parametrize("text", ["2026-11-24T03:00:01Z", "2026-11-24", "9999-12-31T23:59:59Z", "9999-12-30"])
def test_of_the_future_nothing_is_said(text: str) -> None:
    with pytest.raises(InFuture) as refused_:
        read_instant("as_of", text, JAKARTA, NOW)
    assert "leave out as_of" in refused_.value.text.en


def test_yesterday_is_over_at_the_office_when_it_is_over_there() -> None:
    just_after_midnight = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    assert read_instant("as_of", "2026-11-23", JAKARTA, just_after_midnight) < just_after_midnight
    with pytest.raises(InFuture):
        read_instant("as_of", "2026-11-23", ZoneInfo("UTC"), just_after_midnight)


def test_the_past_is_settled_once_something_later_was_recorded() -> None:
    assert is_settled(at(0), at(1))
    assert not is_settled(at(1), at(1))
    assert not is_settled(None, at(1))


def test_what_is_shown_counts_up_to_the_first_gap() -> None:
    rows = passport()
    assert shown_of(rows) == 8
    assert shown_of([*rows[:2], *rows[3:]]) == 2
    assert shown_of([]) == 0


# How it stood


def test_before_the_first_event_nothing_was_known_and_that_is_said() -> None:
    past = status(known_h=-1)
    assert (past.known, past.status) == (False, None)
    assert past.text.en == "Nothing was on record about this application then."
    assert past.instants.text.en == "As it was on record on Monday, 2 March 2026, 08:00 WIB."


def test_before_the_bank_reported_the_applicant_was_waited_on_and_knew_no_better() -> None:
    view = status(known_h=24).status
    assert view is not None
    assert (view.situation, view.waiting.party, view.events) == ("fee_due", "applicant", 2)


def test_by_what_is_known_now_the_bank_was_waited_on_from_the_payment_on() -> None:
    view = status(valid_h=24).status
    assert view is not None
    assert (view.waiting.party, view.waiting.since) == ("bank", at(5))
    assert view.waiting.text.en == "Waiting for the bank's report, since Monday, 2 March 2026, 14:00 WIB."
    later = status(valid_h=71).status
    assert later is not None
    assert later.waiting.party == "office"


def test_what_was_known_of_an_instant_differs_from_what_is_known_now() -> None:
    then, now = status(known_h=120, valid_h=110), status(valid_h=110)
    assert then.status is not None
    assert now.status is not None
    assert (then.status.situation, now.status.situation) == ("refused", "approved")
    assert then.instants.text.en == (
        "As it stood on Friday, 6 March 2026, 23:00 WIB, by what was on record on Saturday, 7 March 2026, 09:00 WIB."
    )


def test_the_timeline_of_the_past_does_not_know_its_corrections_yet() -> None:
    before, following = HISTORIAN.timeline(HEAD, passport(), Instants(known_at=at(120)), after=5, limit=9)
    assert [(entry.n, entry.corrected_by) for entry in before.entries] == [(6, None), (7, None)]
    assert following is None
    after, following = HISTORIAN.timeline(HEAD, passport(), Instants(known_at=at(168)), after=5, limit=2)
    assert [(entry.n, entry.corrected_by and entry.corrected_by.n) for entry in after.entries] == [(6, None), (7, 8)]
    assert following == 7


def test_links_of_the_past_lead_to_the_timeline_of_the_past() -> None:
    view = status(known_h=24).status
    assert view is not None
    assert view.links.timeline == f"/applications/{NUMBER}/timeline?as_of=2026-03-03T02%3A00%3A00%2B00%3A00"


# What changed


def test_a_late_payment_changes_what_is_waited_for_when_it_is_recorded() -> None:
    told = difference(70, 71)
    assert [entry.n for entry in told.events] == [3]
    assert told.text.en.endswith("08:00 WIB: 1.")
    waits = change(told, "waits_for")
    assert waits.before is not None
    assert waits.after is not None
    assert waits.before.en.startswith("Waiting for you")
    assert waits.after.en.startswith("Waiting for the office")
    stage = change(told, "stage", "payment")
    assert stage.before is not None
    assert stage.after is not None
    assert (stage.before.en, stage.after.en) == ("next", "done, Monday, 2 March 2026, 14:00 WIB")


def test_a_late_payment_takes_back_time_that_was_the_applicants() -> None:
    told = difference(70, 71)
    mine, banks = change(told, "waited", "applicant"), change(told, "waited", "bank")
    assert mine.before is not None
    assert mine.after is not None
    assert (mine.before.en, mine.after.en) == ("2 days 21 hours", "4 hours")
    assert banks.before is None
    assert banks.after is not None
    assert banks.after.en == "2 days 18 hours"


def test_a_correction_changes_the_situation_and_says_which_event_counts_no_longer() -> None:
    told = difference(167, 168)
    assert [entry.n for entry in told.events] == [8]
    headline, gone = change(told, "headline"), change(told, "correction", "7")
    assert headline.before is not None
    assert "refused" in headline.before.en
    assert (gone.name.en, gone.after and gone.after.en) == ("Event 7", "No longer counts")


def test_the_examination_starts_the_legal_clock() -> None:
    clock = change(difference(96, 97), "deadline", "passport_issue")
    assert clock.before is not None
    assert clock.after is not None
    assert clock.before.en.startswith("The time counts from the day after")
    assert clock.after.en == "Our time limit: Thursday, 12 March 2026."


def test_a_deadline_that_passes_is_a_change_though_nothing_happened() -> None:
    told = HISTORIAN.difference(HEAD, passport()[:6], "recorded", at(254), at(256))
    assert (told.events, told.count) == ([], 0)
    assert [one.what for one in told.changes] == ["deadline", "waited"]


def test_by_what_was_true_the_payment_came_when_it_was_made() -> None:
    assert [entry.n for entry in difference(4, 6, "valid").events] == [3]
    assert [entry.n for entry in difference(4, 6, "recorded").events] == []


def test_from_before_the_beginning_everything_is_new() -> None:
    told = difference(-1, 0)
    assert all(one.before is None for one in told.changes)
    assert {"headline", "waits_for", "todo", "stage"} <= {one.what for one in told.changes}


def test_between_an_instant_and_itself_nothing_changes() -> None:
    told = difference(72, 72)
    assert (told.events, told.changes, told.count) == ([], [], 0)


def test_every_change_is_called_something_in_both_languages() -> None:
    for told in (difference(-1, 200), difference(0, 103), difference(103, 200, "valid")):
        for one in told.changes:
            assert one.name.id
            assert one.name.en
            assert "{" not in one.name.id + one.name.en
