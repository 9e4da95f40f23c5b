"""The waiting ledger in words: on the status, on the timeline, and as a whole."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from contracts.facts import Paused, Transferred
from services.status.answering.entries import Entries
from services.status.answering.views import Presenter
from services.status.answering.words import Text, duration
from services.status.clocks.waiting import WaitingView
from services.status.folding.reading import in_us
from tests.unit.status.story import (
    CATALOGUE,
    MONDAY,
    NUMBER,
    OFFICER,
    PROCEDURES,
    Story,
    approved,
    hours,
    invited,
    requested,
    submitted,
    supplied,
    verified,
)
from tests.unit.status.test_deviations import REASON
from tests.unit.status.test_ledger import the_worked_example

PRESENTER = Presenter(CATALOGUE, PROCEDURES)


def whole(story: Story, now_h: float) -> WaitingView:
    now_us = in_us(MONDAY + hours(now_h))
    accounts = PRESENTER.accounts(story.progress)
    return accounts.whole(NUMBER, PRESENTER.ledger(story.progress, now_us), now_us)


def test_the_status_sums_the_time_of_each_party_in_words() -> None:
    waited = the_worked_example().view.waited
    assert [(one.party, one.seconds, one.since) for one in waited] == [
        ("office", 103 * 3600.0, None), ("applicant", 72 * 3600.0, None), ("bank", 18 * 3600.0, None),
    ]  # fmt: skip
    assert [one.text for one in waited] == [
        Text("kantor 4 hari 7 jam", "the office 4 days 7 hours"),
        Text("Anda 3 hari", "you 3 days"),
        Text("laporan bank 18 jam", "the bank's report 18 hours"),
    ]


def test_of_whom_is_waited_on_now_the_status_says_since_when_and_does_not_depend_on_the_present(story: Story) -> None:
    story.tell(submitted()).tell(requested("family_card"), 2).tell(supplied("family_card"), 48)
    office, applicant = story.view.waited
    assert (office.party, office.seconds, office.since) == ("office", 7200.0, MONDAY + hours(48))
    assert office.text.en == "the office 2 hours, and again since Wednesday, 4 March 2026, 09:00 WIB"
    assert (applicant.seconds, applicant.since) == (46 * 3600.0, None)


def test_what_the_status_says_adds_up_to_the_time_since_submission_at_any_moment(story: Story) -> None:
    story.tell(submitted()).tell(requested("family_card"), 2).tell(Paused(reason=REASON, by=OFFICER), 5)
    story.tell(requested("identity_card"), 7)
    now = MONDAY + hours(30)
    told = [one.seconds + ((now - one.since).total_seconds() if one.since else 0) for one in story.view.waited]
    assert sum(told) == 30 * 3600


def test_the_status_says_since_when_as_its_sums_do(story: Story) -> None:
    story.tell(submitted()).tell(invited(), 3).tell(approved(), 6).tell(supplied("family_card"), 8)
    office = story.view.waited[0]
    assert story.view.waiting.since == office.since == MONDAY + hours(6)
    assert story.view.waiting.text.en == "Waiting for the office, since Monday, 2 March 2026, 15:00 WIB."


def test_an_application_that_has_just_begun_waits_for_the_office_and_has_waited_for_nobody(story: Story) -> None:
    (office,) = story.tell(submitted()).view.waited
    assert (office.seconds, office.since) == (0.0, MONDAY)
    assert office.text.id == "kantor sejak Senin, 2 Maret 2026 pukul 09.00 WIB"
    assert Story().tell(verified()).view.waited == []


def test_an_entry_of_the_timeline_tells_who_was_waited_on_from_then_on_and_how_long() -> None:
    story = the_worked_example()
    waiting = Entries(PRESENTER).waiting(story.progress)
    (of_the_request,) = waiting[2]
    assert of_the_request.text == Text("46 jam menunggu Anda", "46 hours waiting for you")
    assert (of_the_request.begin, of_the_request.end) == (MONDAY + hours(2), MONDAY + hours(48))
    assert [piece.text.en for piece in waiting[5]] == [
        "18 hours waiting for the bank's report", "1 hour waiting for the office",
    ]  # fmt: skip
    assert 10 not in waiting


def test_what_is_still_waited_for_has_no_end_on_the_timeline(story: Story) -> None:
    story.tell(submitted()).tell(Transferred(to="civil_registry", reason=REASON, by=OFFICER), 4)
    (piece,) = Entries(PRESENTER).waiting(story.progress)[2]
    assert (piece.agency, piece.end, piece.seconds, piece.closed_by) == ("civil_registry", None, None, None)
    assert piece.text.en.endswith("since Monday, 2 March 2026, 13:00 WIB")
    assert "civil_registry" not in piece.text.en


def test_the_whole_ledger_sums_to_the_whole_and_its_pieces_follow_each_other() -> None:
    view = whole(the_worked_example(), 5_000)
    assert (view.ended, view.until, view.seconds) == (True, MONDAY + hours(193), 193 * 3600.0)
    assert sum(one.seconds for one in view.waited) == view.seconds
    assert all(before.end == after.begin for before, after in pairwise(view.pieces))


def test_the_whole_ledger_of_what_has_not_ended_is_told_up_to_now(story: Story) -> None:
    story.tell(submitted()).tell(requested("family_card"), 2)
    view = whole(story, 12.5)
    assert (view.ended, view.until, view.seconds) == (False, MONDAY + timedelta(hours=12.5), 12.5 * 3600)
    assert (view.pieces[-1].end, view.pieces[-1].closed_by) == (view.until, None)
    assert whole(Story().tell(verified()), 3) == WaitingView(
        NUMBER, None, datetime(2026, 3, 2, 5, tzinfo=UTC), ended=False, seconds=0.0, waited=[], pieces=[]
    )


def test_short_times_are_said_in_minutes_and_long_ones_in_days() -> None:
    minute = 60_000_000
    assert duration(5_000_000) == Text("kurang dari semenit", "less than a minute")
    assert duration(minute) == Text("1 menit", "1 minute")
    assert duration(59 * minute) == Text("59 menit", "59 minutes")
    assert duration(103 * 60 * minute) == Text("4 hari 7 jam", "4 days 7 hours")
    assert duration((12 * 24 + 7) * 60 * minute) == Text("12 hari", "12 days")
