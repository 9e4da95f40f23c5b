"""What an applicant reads of the legal clocks, in both languages."""

import json
from datetime import UTC, datetime
from io import StringIO

import msgspec
import pytest
from rich.console import Console

from contracts.facts import Reason, Transferred, Withdrawn
from services.status.answering import cli as lookup_cli
from services.status.answering.views import Presenter
from services.status.answering.words import Text
from services.status.clocks.clockwork import Clockwork
from services.status.clocks.legal_views import ClockTeller, ClockView, Explained
from services.status.folding.fold import encode_progress
from tests.unit.status.story import (
    APPLICANT,
    CATALOGUE,
    NUMBER,
    OFFICER,
    PROCEDURES,
    Story,
    assessed,
    collected,
    examined,
    issued,
    paid,
    requested,
    verified,
)
from tests.unit.status.test_legal import EARLIER, LATER, PAUSE, RESUME, RULES, given_events, law, us

PRESENTER = Presenter(CATALOGUE, PROCEDURES)


def teller(story: Story, clockwork: Clockwork | None = None) -> ClockTeller:
    own = PRESENTER.clocks(story.progress)
    return own if clockwork is None else ClockTeller(CATALOGUE, clockwork, story.progress, own.zone)


def shown(story: Story, now: int = EARLIER, clockwork: Clockwork | None = None) -> ClockView:
    (view,) = teller(story, clockwork).views(now)
    return view


def explained(story: Story, clockwork: Clockwork | None = None, version: int | None = None) -> Explained:
    (one,) = teller(story, clockwork).explained(LATER, version)
    return one


STARTED = (examined(), "2026-03-02 10:15")


def test_a_running_clock_says_what_is_promised_by_which_law_and_until_which_day() -> None:
    view = shown(given_events(STARTED))
    assert view.promise.en == "Passport ready within 4 working days of the completed interview and biometrics"
    assert view.legal_basis.startswith("Permenkumham 8/2014")
    assert view.deadline == datetime(2026, 3, 6, 17, tzinfo=UTC)
    assert view.text == Text("Batas waktu kami: Jumat, 6 Maret 2026.", "Our time limit: Friday, 6 March 2026.")


def test_a_clock_that_waits_says_for_what() -> None:
    assert shown(given_events((verified(), "2026-03-02 09:00"))).text.en == (
        "The time counts from the day after: Interview and biometrics."
    )


@pytest.mark.parametrize(
    ("end", "text"),
    [
        ("2026-03-05 09:00", "In time: done on Thursday, 5 March 2026, 09:00 WIB, the time limit was Friday, 6 March 2026."),
        ("2026-03-09 09:00", "We were late: done on Monday, 9 March 2026, 09:00 WIB, the time limit was Friday, 6 March 2026."),
    ],
)  # fmt: skip
def test_a_clock_that_ended_says_whether_it_was_in_time(end: str, text: str) -> None:
    assert shown(given_events(STARTED, (issued(), end))).text.en == text


def test_a_clock_that_passed_says_that_we_are_late() -> None:
    assert shown(given_events(STARTED), LATER).text.id == "Kami terlambat: batas waktu Jumat, 6 Maret 2026 sudah lewat."


def test_a_paused_clock_says_since_when_why_and_what_is_left() -> None:
    view = shown(given_events(STARTED, (requested("family_card"), "2026-03-05 11:00")))
    assert (view.deadline, view.remaining) == (None, Text("2 hari kerja", "2 working days"))
    assert view.text.en == (
        "The time is not counted since Thursday, 5 March 2026, 11:00 WIB: waiting for documents from you (Family card (KK)). "
        "After that, 2 working days remain."
    )
    assert view.paused is not None
    assert (view.paused.began, view.paused.until) == (3, None)


def test_one_day_that_is_left_is_one_day() -> None:
    assert shown(given_events(STARTED, (PAUSE, "2026-03-06 11:00"))).text.en.endswith(
        "After that, 1 working day remains."
    )


def test_hours_that_are_left_are_told_to_the_minute() -> None:
    story = given_events((examined(), "2026-03-02 10:00"), (PAUSE, "2026-03-02 11:29:30"))
    view = shown(story, clockwork=law(unit="hours", length=24))
    assert view.remaining == Text("22 jam 30 menit", "22 h 30 min")


def test_a_transfer_that_pauses_names_the_body() -> None:
    away = Transferred(to="directorate_general_of_immigration", reason=Reason(code="system_outage"), by=OFFICER)
    start = [(assessed(), "2026-03-02 10:00"), (paid(), "2026-03-02 11:00")]
    view = shown(given_events(*start, (away, "2026-03-03 10:00"), service="itas_extension"))
    name = CATALOGUE.names.agencies["directorate_general_of_immigration"].en
    assert view.paused is not None
    assert view.paused.text.en == f"passed on to {name}"


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ([STARTED, (Withdrawn(by=APPLICANT), "2026-03-03 09:00")], "No longer applies: the application ended on Tuesday, 3 March 2026, 09:00 WIB."),
        ([(examined(), "2019-03-02 10:15")], "There was no rule on a time limit then."),
        ([STARTED, (PAUSE, "2026-03-03 09:00"), (issued(), "2026-04-03 09:00")], "In time: done on Friday, 3 April 2026, 09:00 WIB, while the time was not counted."),
    ],
)  # fmt: skip
def test_other_ends_have_their_own_words(told: list, text: str) -> None:  # type: ignore[type-arg]
    assert shown(given_events(*told)).text.en == text


def test_every_day_has_its_reason_in_words() -> None:
    story = given_events((examined(), "2026-04-01 09:00"), (PAUSE, "2026-04-02 11:00"), (RESUME, "2026-04-06 08:30"))
    days = {day.date.day: day for day in explained(story).days}
    assert days[1].text == Text("Hari mulai; belum dihitung.", "The day of the start; not counted yet.")
    assert days[2].event == 3
    assert days[2].text.en.startswith("Not counted: on hold (A system is down.")
    assert days[3].text == Text(
        "Tidak dihitung: hari libur (Wafat Yesus Kristus).", "Not counted: holiday (Good Friday)."
    )
    assert days[4].text.en == "Not counted: weekend."
    assert days[9].text == Text("Dihitung: hari ke-4.", "Counted: day 4.")
    assert [day.counted for day in days.values()] == [False] * 5 + [True] * 4


def test_collective_leave_is_named() -> None:
    days = {day.date.day: day.text.id for day in explained(given_events((examined(), "2026-03-16 09:00"))).days}
    assert days[20] == "Tidak dihitung: cuti bersama (Cuti Bersama Hari Raya Idul Fitri)."


def test_what_the_calendar_does_not_know_is_said() -> None:
    later = explained(given_events((examined(), "2028-02-24 09:00")))
    assert later.notes[0].en == "The collective leave of 2028 is not decreed yet; the time limit may move to later."
    assert [day.text.en for day in later.days if day.date.day == 28] == [
        "Not counted: holiday (Eid al-Fitr Second Day). Its date is still an estimate."
    ]
    unknown = explained(given_events((examined(), "2041-02-24 09:00")))
    assert unknown.notes[0].id == "Hari libur tahun 2041 belum diketahui; yang diperhitungkan hanya akhir pekan."


def test_hours_are_told_by_their_stretches() -> None:
    story = given_events((examined(), "2026-03-02 10:00"), (PAUSE, "2026-03-02 11:00"), (RESUME, "2026-03-02 12:00"))
    one = explained(story, law(unit="hours", length=2))
    assert [(stretch.counted, stretch.event) for stretch in one.stretches] == [(True, None), (False, 3), (True, None)]
    assert one.stretches[1].text.en.startswith("Not counted: on hold (")
    assert one.days == []


def test_a_rule_can_be_shown_by_another_version() -> None:
    (rule,) = RULES.rules["passport_new"]
    two = msgspec.structs.replace(rule, version=2, length=2, valid_from=rule.valid_from + 100_000)
    both = Clockwork(msgspec.structs.replace(RULES, rules={"passport_new": (rule, two)}))
    story = given_events(STARTED)
    assert explained(story, both).clock.version == 1
    other = explained(story, both, version=2)
    assert (other.clock.version, other.clock.deadline) == (2, datetime(2026, 3, 4, 17, tzinfo=UTC))
    assert teller(story, both).explained(LATER, 3) == []


def test_the_body_of_a_status_depends_on_the_row_and_on_whether_its_deadline_has_passed() -> None:
    state = encode_progress(given_events(STARTED).progress)
    states = [
        json.loads(PRESENTER.status(NUMBER, state, overdue=overdue))["clocks"][0]["state"] for overdue in (False, True)
    ]
    assert states == ["running", "missed"]


@pytest.mark.parametrize("fact", [issued(), collected()])
def test_without_a_running_deadline_nothing_depends_on_the_time(fact: object) -> None:
    state = encode_progress(given_events(STARTED, (fact, "2026-03-03 09:00")).progress)  # type: ignore[arg-type]
    assert PRESENTER.status(NUMBER, state, overdue=False) == PRESENTER.status(NUMBER, state, overdue=True)


def test_the_status_shows_its_clocks_at_the_end() -> None:
    view = PRESENTER.status_view(NUMBER, given_events(STARTED).progress, us("2026-03-03 09:00"))
    assert [clock.state for clock in view.clocks] == ["running"]
    assert view.links.deadline == f"/applications/{NUMBER}/deadline"


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("id", "(Permenkumham 8/2014 Pasal 22 jo. Permenkumham 18/2022). Batas waktu kami: Jumat, 6 Maret 2026."),
        ("en", "(Permenkumham 8/2014 Pasal 22 jo. Permenkumham 18/2022). Our time limit: Friday, 6 March 2026."),
    ],
)
def test_the_terminal_has_a_line_for_each_clock(language: str, line: str) -> None:
    state = encode_progress(given_events(STARTED).progress)
    console = Console(record=True, width=400, file=StringIO())
    lookup_cli._show(console, json.loads(PRESENTER.status(NUMBER, state, overdue=False)), [], language)
    assert line in console.export_text()
