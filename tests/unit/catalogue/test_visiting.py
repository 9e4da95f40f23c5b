"""Hours: what is open at an instant, at the edges of days, on holidays; and what an office may not say."""

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contracts.calendar import calendar_of
from contracts.catalogue import CatalogueError, HoursOn, Visiting, Week, load
from contracts.catalogue.hours import Now, day_of, now_of
from contracts.facts import Labels
from tests.unit.catalogue.conftest import OFFICE, Write

JAKARTA, INDONESIA = ZoneInfo("Asia/Jakarta"), calendar_of("ID")
WORDS = Labels(id="Rapat", en="Meeting")
DAYS = ["08:00-12:00", "13:00-16:00"]
WEEK = Week(monday=DAYS, tuesday=DAYS, wednesday=DAYS, thursday=DAYS, friday=["08:00-11:30"])
VISITING = Visiting(address=["Jalan Danau 1"], hours=WEEK)


def at(text: str, visiting: Visiting = VISITING) -> Now:
    """What holds at a wall-clock time in Jakarta."""
    return now_of(visiting, dt.datetime.fromisoformat(text).replace(tzinfo=JAKARTA), JAKARTA, INDONESIA)


def local(moment: dt.datetime | None) -> str:
    return moment.astimezone(JAKARTA).strftime("%Y-%m-%d %H:%M") if moment else ""


@pytest.mark.parametrize(
    ("instant", "until", "opens"),
    [
        ("2026-03-02T07:59:59", "", "2026-03-02 08:00"),  # a Monday
        ("2026-03-02T08:00:00", "2026-03-02 12:00", "2026-03-02 13:00"),
        ("2026-03-02T11:59:59", "2026-03-02 12:00", "2026-03-02 13:00"),
        ("2026-03-02T12:00:00", "", "2026-03-02 13:00"),  # the end does not belong to it
        ("2026-03-02T15:00:00", "2026-03-02 16:00", "2026-03-03 08:00"),
        ("2026-03-02T23:59:59", "", "2026-03-03 08:00"),
        ("2026-03-06T12:00:00", "", "2026-03-09 08:00"),  # Friday noon: over the weekend
    ],
)
def test_an_office_is_open_until_the_end_of_its_span_and_opens_with_the_next(
    instant: str, until: str, opens: str
) -> None:
    now = at(instant)
    assert (local(now.until), now.is_open) == (until, bool(until))
    assert local(now.next.opens if now.next else None) == opens


def test_holidays_and_collective_leave_are_closed_and_say_why() -> None:
    christmas = at("2026-12-25T09:00")  # a Friday; the 24th is collective leave
    assert not christmas.is_open
    assert christmas.today.because is not None
    assert "Natal" in christmas.today.because.id
    leave = at("2026-12-24T09:00")
    assert (leave.is_open, local(leave.next.opens if leave.next else None)) == (False, "2026-12-28 08:00")


def test_the_day_is_that_of_the_office_and_not_of_utc() -> None:
    night = dt.datetime(2026, 12, 24, 17, 30, tzinfo=dt.UTC)  # 00:30 on Christmas Day in Jakarta
    assert now_of(VISITING, night, JAKARTA, INDONESIA).today.date == dt.date(2026, 12, 25)
    morning = dt.datetime(2026, 3, 2, 1, 0, tzinfo=dt.UTC)  # 08:00 in Jakarta
    assert now_of(VISITING, morning, JAKARTA, INDONESIA).is_open


def test_an_offices_own_word_for_a_day_goes_before_the_weekday_and_before_a_holiday() -> None:
    shorter = HoursOn(date=dt.date(2026, 3, 2), labels=WORDS, hours=["08:00-09:00"])
    on_christmas = HoursOn(date=dt.date(2026, 12, 25), labels=WORDS, hours=["08:00-10:00"])
    closed = HoursOn(date=dt.date(2026, 3, 3), labels=WORDS)
    visiting = Visiting(address=["A"], hours=WEEK, exceptions=[shorter, on_christmas, closed])
    assert not at("2026-03-02T09:00", visiting).is_open
    assert at("2026-12-25T09:00", visiting).is_open
    assert day_of(visiting, dt.date(2026, 3, 3), JAKARTA, INDONESIA) == (dt.date(2026, 3, 3), [], WORDS)


def test_hours_up_to_midnight_go_on_in_the_next_day() -> None:
    always = Week(**{day: ["00:00-24:00"] for day in Week.__struct_fields__})
    now = at("2026-03-02T23:59", Visiting(address=["A"], hours=always))
    assert local(now.until) == "2026-03-18 00:00"  # collective leave ends it
    late = Visiting(address=["A"], hours=Week(monday=["20:00-24:00"], tuesday=["00:00-02:00"]))
    assert local(at("2026-03-02T23:30", late).until) == "2026-03-03 02:00"


def test_an_office_that_never_opens_has_no_next_opening() -> None:
    now = at("2026-03-02T09:00", Visiting(address=["A"], hours=Week()))
    assert (now.until, now.next) == (None, None)


LABELS = {"id": "A", "en": "A"}
GOOD: dict[str, Any] = {"address": ["Jalan Danau 1"], "hours": {"monday": ["08:00-12:00"]}}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"address": []}, ["visiting.address", "say where"]),
        ({"hours": {"monday": ["12:00-08:00"]}}, ["visiting.hours.monday[0]", "closes before it opens"]),
        ({"hours": {"monday": ["08:00-12:00", "11:00-13:00"]}}, ["visiting.hours.monday[1]", "begins before"]),
        ({"hours": {"monday": ["8-12"]}}, ["visiting.hours.monday[0]", "regex"]),
        ({"hours": {"caturday": []}}, ["unknown field `caturday`"]),
        ({"exceptions": [{"date": "2026-12-31", "labels": LABELS}] * 2}, ["exceptions[1]", "2 times"]),
        ({"position": {"latitude": 91.0, "longitude": 0.0}}, ["visiting.position.latitude", "<= 90"]),
        ({"facilities": [{"code": "ramp", "labels": LABELS}] * 2}, ["facilities[0]", "`ramp` stands here 2 times"]),
        ({"assistance": [{"code": "ramp", "labels": LABELS}] * 2}, ["assistance[0]", "`ramp` stands here 2 times"]),
        (
            {"channels": [{"code": "phone", "labels": LABELS, "shown": "1", "link": "javascript:alert(1)"}]},
            ["channels[0].link", "regex"],
        ),
        (
            {"channels": [{"code": "phone", "labels": LABELS, "shown": "1", "hours": {"sunday": ["10:00-09:00"]}}]},
            ["channels[0].hours.sunday[0]", "closes before it opens"],
        ),
    ],
)
def test_a_visit_is_refused_for(folder: Path, write: Write, changed: dict[str, Any], told: list[str]) -> None:
    write("offices/danau.yaml", {**OFFICE, "visiting": {**GOOD, **changed}})
    with pytest.raises(CatalogueError) as refused:
        load(folder)
    assert all(part in str(refused.value) for part in ["offices/danau.yaml, line ", *told]), refused.value


def test_what_is_made_up_for_lebong_is_marked_as_an_example_and_calls_nobody() -> None:
    visiting = load().offices["lebong"].visiting
    assert visiting is not None
    assert visiting.example
    for channel in visiting.channels:
        assert channel.link is None or channel.link.startswith("tel:+620000") or channel.link.endswith(".example")
    assert {"wheelchair", "sign_language", "reading_help"} <= {one.code for one in visiting.assistance}
    assert {"waiting_area", "help_desk", "prayer_room", "nursing_room", "ramp", "sign_language"} <= {
        one.code for one in visiting.facilities
    }
