"""The arithmetic of clocks and the calendars it counts by, against counting day by day."""

import datetime as dt
import itertools
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.calendar import Calendar, DayOff, Year, calendar_of, countries, read_year
from contracts.clock import CalendarDays, Counting, LocalDays, Span, WorkingDays, merged, reckon_days, reckon_hours
from contracts.vendoring import drift, vendor, written, year_of

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
INDONESIA = calendar_of("ID")
ZONES = ("Asia/Jakarta", "Europe/Amsterdam", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu")


def us(text: str) -> int:
    return (dt.datetime.fromisoformat(text) - EPOCH) // dt.timedelta(microseconds=1)


def instant(micros: int | None) -> dt.datetime | None:
    return None if micros is None else EPOCH + dt.timedelta(microseconds=micros)


def day_by_day(
    start: int, length: int, pauses: list[Span], days: LocalDays, calendar: Calendar | None
) -> tuple[int | None, int]:
    """The rule as it is written: look at each day's end, count it or not."""
    day = dt.datetime.fromtimestamp(start // 1_000_000, days.zone).toordinal()
    while length:
        day += 1
        end = days.end(day)
        if any(until is None and since <= end for since, until in pauses):
            return None, length
        paused = any(since <= end and until is not None and end < until for since, until in pauses)
        works = calendar is None or calendar.is_working_day(dt.date.fromordinal(day))
        length -= works and not paused
    return days.end(day), 0


INSTANTS = st.integers(us("1999-11-01T00:00Z"), us("2037-03-01T00:00Z"))
SHORT = st.integers(0, 40 * 86_400_000_000)
PAUSES = st.lists(st.tuples(st.integers(-20 * 86_400_000_000, 60 * 86_400_000_000), SHORT | st.none()), max_size=5)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(ZONES), INSTANTS, st.integers(0, 40), PAUSES, st.booleans())
def test_counting_in_steps_equals_counting_day_by_day(
    zone: str, start: int, length: int, pauses: list[tuple[int, int | None]], working: bool
) -> None:
    days = LocalDays(zone)
    spans = merged([(start + since, None if last is None else start + since + last) for since, last in pauses])
    counting: Counting = INDONESIA.working_days if working else CalendarDays()
    expected = day_by_day(start, length, spans, days, INDONESIA if working else None)
    assert reckon_days(start, length, spans, days, counting) == expected


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ZONES), INSTANTS, st.integers(0, 40), PAUSES, st.tuples(SHORT, SHORT), st.booleans())
def test_a_further_pause_never_moves_a_deadline_to_earlier(
    zone: str, start: int, length: int, pauses: list[tuple[int, int | None]], further: tuple[int, int], hours: bool
) -> None:
    days = LocalDays(zone)
    spans: list[Span] = [(start + since, None if last is None else start + since + last) for since, last in pauses]
    more = [*spans, (start + further[0], start + sum(further))]

    def reckon(given_spans: list[Span]) -> int | None:
        if hours:
            return reckon_hours(start, length, merged(given_spans)).deadline
        return reckon_days(start, length, merged(given_spans), days, INDONESIA.working_days).deadline

    before, after = reckon(spans), reckon(more)
    assert after is None if before is None else after is None or after >= before


@settings(max_examples=200, deadline=None)
@given(st.sets(st.integers(1, 4000)), st.integers(1, 4000))
def test_the_working_day_of_a_number_is_the_first_up_to_which_so_many_count(off: set[int], number: int) -> None:
    days = WorkingDays(off)
    day = days.day(number)
    assert (days.number(day), days.number(day - 1)) == (number, number - 1)
    assert day not in off
    assert day % 7 not in (6, 0)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50) | st.none()), max_size=6), st.integers(0, 60))
def test_merged_spans_cover_the_same_time(spans: list[Span], at: int) -> None:
    def covered(some: list[Span]) -> bool:
        return any(since <= at and (until is None or at < until) for since, until in some)

    found = merged(spans)
    assert covered(found) == covered(spans)
    assert all(one[1] is not None and one[1] < other[0] for one, other in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        ("Europe/Amsterdam", "2026-03-27T09:00Z", "2026-03-30T22:00Z"),  # summer time begins on the 29th
        ("Europe/Amsterdam", "2026-10-23T09:00Z", "2026-10-26T23:00Z"),  # and ends on the 25th of October
        ("America/Sao_Paulo", "2018-11-02T12:00Z", "2018-11-06T02:00Z"),  # the 4th began at 01:00
    ],
)
def test_a_day_is_as_long_as_the_zone_makes_it(zone: str, start: str, end: str) -> None:
    assert instant(
        reckon_days(us(start), 3, [], LocalDays(zone), CalendarDays()).deadline
    ) == dt.datetime.fromisoformat(end)


def test_hours_do_not_follow_the_zone() -> None:
    assert reckon_hours(us("2026-03-28T12:00:00.5Z"), 24, []).deadline == us("2026-03-29T12:00:00.5Z")


@pytest.mark.parametrize(
    ("start", "days", "end"), [("2028-02-28T02:00Z", 1, "2028-02-29"), ("2027-02-28T02:00Z", 1, "2027-03-01"), ("2100-02-28T02:00Z", 1, "2100-03-01")]
)  # fmt: skip
def test_a_leap_day_counts_where_there_is_one(start: str, days: int, end: str) -> None:
    deadline = instant(reckon_days(us(start), days, [], LocalDays("Asia/Jakarta"), CalendarDays()).deadline)
    assert deadline is not None
    assert (deadline - dt.timedelta(seconds=1)).astimezone(ZoneInfo("Asia/Jakarta")).date().isoformat() == end


def test_the_ends_of_the_calendar_are_no_error() -> None:
    last = us("9999-12-31T23:59:59.999999Z")
    days = LocalDays("Asia/Jakarta")
    assert reckon_days(last, 4, [], days, INDONESIA.working_days).deadline == last
    assert reckon_hours(last, 4, []).deadline == last
    assert reckon_days(us("0001-01-01T00:00Z"), 4, [], LocalDays("America/Lima"), CalendarDays()).deadline is not None


def test_2026_has_240_working_days_in_indonesia() -> None:
    first = dt.date(2026, 1, 1)
    assert sum(INDONESIA.is_working_day(first + dt.timedelta(days=day)) for day in range(365)) == 240


def test_collective_leave_is_no_working_day_and_has_its_name_in_both_languages() -> None:
    leave = INDONESIA.day_off(dt.date(2026, 3, 20))
    assert leave == DayOff(
        date=dt.date(2026, 3, 20), kind="collective_leave", id="Cuti Bersama Hari Raya Idul Fitri", en="Eid al-Fitr Joint Holiday",
    )  # fmt: skip
    assert INDONESIA.is_working_day(dt.date(2026, 3, 17))


@pytest.mark.parametrize("country", countries())
def test_a_calendar_has_every_year_from_2000_to_2035_and_says_what_it_does_not_know(country: str) -> None:
    calendar = calendar_of(country)
    assert sorted(calendar.years) == list(range(2000, 2036))
    assert all(
        day.id and day.en and day.date.year == year.year for year in calendar.years.values() for day in year.days
    )
    undecided = {year for year, known in calendar.years.items() if known.collective_leave == "undecided"}
    assert undecided == (set(range(2028, 2036)) if country == "ID" else set())


def test_a_year_without_a_file_has_weekends_and_says_so() -> None:
    assert INDONESIA.uncertainty(dt.date(2042, 8, 17)) == "unknown_year"
    assert INDONESIA.is_working_day(dt.date(2044, 8, 17))
    assert not INDONESIA.is_working_day(dt.date(2044, 8, 20))


def test_a_file_is_read_as_it_was_written() -> None:
    year = year_of("ID", 2030)
    assert any(day.estimated for day in year.days)
    assert written(year).count("\n  - ") == len(year.days)


def test_the_vendored_past_wins_and_drift_is_only_reported(tmp_path) -> None:  # type: ignore[no-untyped-def]
    list(vendor("ID", range(2026, 2027), frozenset(), check=False, folder=tmp_path))
    path = tmp_path / "ID" / "2026.yaml"
    path.write_text(path.read_text().replace("2026-08-17", "2026-08-18"))
    before = path.read_text()
    told = list(vendor("ID", range(2026, 2028), frozenset(), check=True, folder=tmp_path))
    assert told == [
        "drift: ID 2026-08-17: Independence Day (holiday) now, no day off in the file",
        "drift: ID 2026-08-18: no day off now, Independence Day (holiday) in the file",
        "missing: ID 2027",
    ]
    list(vendor("ID", range(2026, 2027), frozenset(), check=False, folder=tmp_path))
    assert path.read_text() == before
    list(vendor("ID", range(2026, 2027), frozenset({2026}), check=False, folder=tmp_path))
    assert drift(read_year(path), year_of("ID", 2026)) == []


def test_leave_that_is_decreed_later_is_drift() -> None:
    vendored = year_of("ID", 2027)
    earlier = Year(
        country="ID",
        year=2027,
        source="",
        collective_leave="undecided",
        days=[d for d in vendored.days if d.kind == "holiday"],
    )
    assert drift(earlier, vendored)[0] == "2027: collective leave is decreed, was undecided"  # fmt: skip
    assert len(drift(earlier, vendored)) == 9
