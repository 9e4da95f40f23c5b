"""Lines of an export: one record a line, and nothing in CSV that a spreadsheet would compute."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.status.answering.views import Named
from services.status.answering.words import Text
from services.status.staff.exporting import ApplicationLine, body, event_line, file_name, head, safe_cell

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)


def line(**changes: Any) -> ApplicationLine:
    known = Named("passport_new", Text("Paspor, baru", "New passport"))
    given = dict(  # noqa: C408 - shorter
        number="LBG-1", service=known, office=Named("lebong", Text("Lebong", "Lebong")), stage=None, situation="fee_due",
        headline=Text('Bayar "sekarang"', "Pay"), waits_for="applicant", waiting_since=NOON, due=None, overdue=False,
        deviations=["ahead_of:payment", "late"], desk="counter", submitted_at=NOON, last_event_at=NOON,
    )  # fmt: skip
    return ApplicationLine(**given | changes)


def event(data: bytes) -> dict[str, Any]:
    return {
        "number": "LBG-1", "n": 1, "fact": "submitted", "occurred": NOON, "recorded": NOON, "source": "//x/intake",
        "event_id": "e1", "data": data, "deviations": None,
    }  # fmt: skip


@pytest.mark.parametrize("text", ["=1+1", "+62", "-3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0"])
def test_what_a_spreadsheet_would_compute_is_text(text: str) -> None:
    assert safe_cell(text) == "'" + text


@pytest.mark.parametrize("text", ["", "counter", "LBG-7F3K", "2026-03-02T05:00:00Z", "a=b", "1+1"])
def test_what_a_spreadsheet_reads_as_text_stays_as_it_is(text: str) -> None:
    assert safe_cell(text) == text


def test_a_desk_that_is_named_like_a_formula_is_text_in_csv_and_itself_in_ndjson() -> None:
    evil = line(desk='=HYPERLINK("http://evil")', situation="@x")
    (row,) = csv.DictReader(io.StringIO((head("csv", "applications") + body("csv", [evil])).decode()))
    assert row["desk"] == '\'=HYPERLINK("http://evil")'
    assert row["situation"] == "'@x"
    assert json.loads(body("ndjson", [evil]))["desk"] == '=HYPERLINK("http://evil")'


def test_csv_has_as_many_cells_as_columns_and_reads_back() -> None:
    (row,) = csv.DictReader(io.StringIO((head("csv", "applications") + body("csv", [line()])).decode()), strict=True)
    assert None not in row
    assert row["headline_id"] == 'Bayar "sekarang"'
    assert (row["due"], row["stage"], row["deviations"]) == ("", "", "ahead_of:payment late")
    assert row["waiting_since"] == "2026-03-02T05:00:00Z"


def test_a_line_is_a_line_however_the_event_was_written() -> None:
    pretty = b'{\r\n  "service": "passport_new",\n  "note": "a\\nb"\n}'
    (written,) = body("ndjson", [event_line(event(pretty))]).splitlines()
    assert json.loads(written)["data"] == {"service": "passport_new", "note": "a\nb"}
    (row,) = csv.DictReader(io.StringIO((head("csv", "events") + body("csv", [event_line(event(pretty))])).decode()))
    assert json.loads(row["data"])["note"] == "a\nb"


def test_ndjson_has_no_head_and_a_line_for_each() -> None:
    assert head("ndjson", "events") == b""
    assert body("ndjson", [line(), line(), line()]).count(b"\n") == 3


def test_the_file_is_named_after_what_it_holds_and_when() -> None:
    assert file_name("csv", "events", NOON) == "jejak-events-20260302T050000Z.csv"
