"""Dates, sums and lengths of time as people say them, in the office's time zone."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from services.portal.language import Speech, Words

ID = Speech("id", Words({}), ZoneInfo("Asia/Jakarta"))
EN = Speech("en", Words({"%(n)s permohonan": ("%(n)s application", "%(n)s applications")}), ZoneInfo("Asia/Jakarta"))
EVENING = "2026-03-05T17:30:00Z"


def test_a_day_is_that_of_the_office() -> None:
    assert ID.day(EVENING) == "Jumat, 6 Maret 2026"
    assert EN.day(EVENING) == "Friday 6 March 2026"
    assert ID.day(date(2026, 3, 6)) == ID.day("2026-03-06") == "Jumat, 6 Maret 2026"


def test_a_time_is_that_of_the_office() -> None:
    assert ID.day_time("2026-03-02T02:12:00Z") == "Sen 2 Mar 2026 09.12"
    assert EN.day_time("2026-03-02T02:12:00Z") == "Mon 2 Mar 2026 09:12"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(46 * 3600, "46 jam"), (5 * 86400, "5 hari"), (72 * 3600, "3 hari"), (90, "2 menit"), (0, "0 menit")],
)
def test_a_length_of_time_is_said_in_one_unit(seconds: int, said: str) -> None:
    assert ID.length_of(seconds) == said


def test_sums_are_written_as_people_write_them() -> None:
    assert ID.money(650000) == "Rp650.000"
    assert EN.money(650000) == "IDR\N{NO-BREAK SPACE}650,000"


def test_what_is_past_is_said_to_be_past() -> None:
    now = datetime(2026, 3, 6, tzinfo=UTC)
    assert ID.ago("2026-03-05T21:00:00Z", now) == "3 jam yang lalu"


def test_one_and_many_differ_in_english_only() -> None:
    for n, said in ((1, "%(n)s application"), (2, "%(n)s applications")):
        assert EN.words.ngettext("%(n)s permohonan", "%(n)s permohonan", n) == said
        assert ID.words.ngettext("%(n)s permohonan", "%(n)s permohonan", n) == "%(n)s permohonan"


def test_words_of_a_service_are_taken_in_the_visitors_language() -> None:
    assert ID.text({"id": "satu", "en": "one"}) == "satu"
    assert EN.text({"id": "satu", "en": "one"}) == "one"
