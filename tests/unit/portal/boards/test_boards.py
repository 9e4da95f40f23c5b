"""What the boards say: findings in words, figures that lead to their cases, and honesty about what is withheld."""

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest

from services.portal.boards import now, spans
from services.portal.boards.asking import Chosen, period_ends, period_name, read
from services.portal.boards.now import Counted, Counts
from services.portal.boards.spans import Basis, Published, Seen
from services.portal.boards.views import Cases
from tests.unit.portal.boards.saying import Saying

NOON = datetime(2026, 3, 20, 5, 0, tzinfo=UTC)
TODAY = date(2026, 3, 20)
VISIT = Saying()
CASES = Cases(VISIT, "/papan/kasus", {"office": "lebong"})
AGES = (7, 14)


def counts(*parts: tuple[str, int, int]) -> Counts:
    counted = [Counted(code, {"id": code.upper(), "en": code}, many, late) for code, many, late in parts]
    return Counts(NOON, sum(one.applications for one in counted), sum(one.overdue for one in counted), counted)


def asked(href: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(href).query, keep_blank_values=True).items()}


def row(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "office": "lebong", "of": "all", "service": "", "unit": "month", "period": "2026-03", "complete": False,
        "legal": [{"rule": "issue", "met": 228, "missed": 12, "running": 3}],
        "waited": [{"party": "office", "seconds": 90_000, "share": 0.25}, {"party": "applicant", "seconds": 270_000, "share": 0.75}],
        "stages": [], "applications": 240,
    }  # fmt: skip
    return given | changes


def seen(*rows: dict[str, Any], visit: Saying = VISIT) -> Seen:
    names = {"offices": {}, "services": {"itas": {"id": "Izin tinggal", "en": "Stay permit"}}}
    published = Published(Basis(NOON, NOON, "d" * 64, "2-x", "log", 5), names, list(rows))
    return Seen(published, {"lebong": ZoneInfo("Asia/Jakarta")}, Cases(visit, "/papan/kasus", {}), visit)


def test_a_finding_says_how_many_of_how_many_and_where_most_are() -> None:
    chart = now.by_age(counts(("0", 200, 2), ("1", 30, 9), ("2", 10, 1)), AGES, CASES, VISIT)
    assert chart.finding == (
        "12 dari 240 permohonan terbuka melewati batas waktu, paling banyak di: 7–13 hari. "
        "10 yang tertua berumur 14 hari atau lebih."
    )


def test_a_finding_says_that_nothing_is_late() -> None:
    assert now.by_age(counts(("0", 5, 0), ("1", 0, 0), ("2", 0, 0)), AGES, CASES, VISIT).finding.startswith(
        "Tidak satu pun dari 5 permohonan terbuka"
    )


def test_where_nothing_is_open_there_is_a_sentence_and_no_picture() -> None:
    for chart in (
        now.by_age(counts(), AGES, CASES, VISIT),
        now.by_service(counts(), CASES, VISIT),
        now.by_party(counts(), CASES, VISIT),
    ):
        assert chart.finding == "Saat ini tidak ada permohonan yang terbuka untuk pilihan ini."
        assert (chart.svg, chart.rows) == ("", ())


def test_every_figure_leads_to_its_cases_and_keeps_what_the_board_is_narrowed_to() -> None:
    chart = now.by_service(counts(("itas", 7, 2)), CASES, VISIT)
    (cells,) = chart.rows
    assert asked(cells[1].href) == {"office": "lebong", "state": "open", "service": "itas"}
    assert asked(cells[2].href) == {"office": "lebong", "overdue": "true", "service": "itas"}


def test_a_figure_of_nothing_leads_nowhere() -> None:
    (cells,) = now.by_service(counts(("itas", 7, 0)), CASES, VISIT).rows
    assert cells[2].href == ""


def test_cases_that_nobody_has_touched_are_no_desk() -> None:
    chart = now.by_desk(counts(("", 9, 0), ("front", 4, 1)), CASES, VISIT)
    assert chart.finding == "Paling banyak pada meja front: 4 dari 13 kasus yang menunggu kantor."
    assert [cells[0].text for cells in chart.rows] == ["belum ada meja", "front"]
    assert asked(chart.rows[0][1].href)["desk"] == ""
    alone = now.by_desk(counts(("", 9, 0)), CASES, VISIT)
    assert alone.rows == ()
    assert alone.notes == ["9 kasus menunggu kantor dan belum bermeja."]


def test_deviations_are_told_of_all_applications() -> None:
    chart = now.by_deviation(counts(("late", 3, 0), ("ahead_of:payment", 8, 0)), 100, CASES, VISIT)
    assert chart.finding.startswith("11 dari 100 permohonan menyimpang")
    assert asked(chart.rows[0][2].href)["deviation"] == "ahead_of:payment"


def test_the_share_within_the_deadline_names_the_worst_period_and_leads_to_those_missed() -> None:
    better = row(period="2026-02", complete=True, legal=[{"rule": "issue", "met": 100, "missed": 1, "running": 0}])
    chart = spans.deadlines(seen(row(), better), "")
    assert chart.finding == "328 dari 341 batas waktu terpenuhi (96,2 %). Paling sering lewat: Mar 2026, 12 dari 240."
    assert asked(chart.rows[1][2].href) == {
        "counted": "missed", "office": "lebong",
        "counted_from": "2026-03-01T00:00:00+07:00", "counted_to": "2026-03-20T12:00:00+07:00",
    }  # fmt: skip
    assert chart.rows[1][0].text == "Mar 2026 (belum selesai)"


def test_the_whole_is_said_in_english_too() -> None:
    chart = spans.deadlines(seen(row(), visit=Saying("en")), "")
    assert chart.question == "What share was finished within the deadline?"
    assert chart.finding == "228 of 240 deadlines were met (95 %). Most often missed: Mar 2026, 12 of 240."
    assert chart.rows[0][2].href.startswith("/en/papan/kasus?")


def test_a_service_that_is_too_small_for_a_row_is_said_to_be_so() -> None:
    chart = spans.deadlines(seen(row(), row(of="others")), "itas")
    assert chart.rows == ()
    assert chart.finding.startswith(
        "Izin tinggal tidak punya baris sendiri dalam masa ini: permohonannya kurang dari 5"
    )
    assert "kurang dari 5 permohonan digabung" in chart.notes[0]
    assert chart.way is not None
    assert asked(chart.way.href) == {"service": "itas"}


def test_a_period_without_anything_is_said_to_be_empty() -> None:
    assert spans.deadlines(seen(), "").finding == "Untuk masa dan kantor ini belum ada statistik. Pilih masa lain."
    assert spans.deadlines(seen(row(legal=[])), "").finding.startswith("Dalam masa ini tidak terjadi apa pun")


def test_whose_time_it_was_is_told_by_share_and_leads_to_who_waited() -> None:
    chart = spans.waiting(seen(row()), "")
    assert chart.finding == "Paling lama menunggu pemohon: 75 % dari seluruh waktu."
    assert asked(chart.rows[0][2].href)["counted_party"] == "applicant"


def stage(code: str, **changes: Any) -> dict[str, Any]:
    lasted = {"count": 9, "p50": 7_200, "p90": 36_000}
    return {"of": "one", "code": code, "left": 9, "lasted": lasted, "backlog": {"open": 4}} | changes


def test_stages_stand_in_their_order_and_too_few_cases_have_no_length() -> None:
    stages = [stage("billing"), stage("application", lasted=None, left=3), stage("", of="others")]
    chart = spans.stages(
        seen(row(of="one", service="itas", stages=stages)), "itas", {"application": "Diajukan", "billing": "Kode"}
    )
    assert [cells[0].text for cells in chart.rows] == ["Diajukan", "Kode", "Tahap lain, digabung"]
    assert chart.rows[0][2].text == "terlalu sedikit kasus"
    assert asked(chart.rows[1][1].href)["counted_stage"] == "billing"
    assert chart.rows[2][1].href == ""
    assert "separuhnya lebih dari 2 jam" in chart.finding


def test_stages_need_a_service() -> None:
    assert spans.stages(seen(row()), "", {}).finding == "Pilih satu layanan: tahapnya berbeda-beda."


def test_desks_that_were_put_together_lead_nowhere() -> None:
    desk = {"office": "lebong", "service": "itas", "period": "2026-03", "of": "one", "desk": "front", "applications": 9,
            "seconds": 300_000, "acts": 12}  # fmt: skip
    chart = spans.desks(seen(desk, desk | {"of": "others", "desk": "", "applications": None, "seconds": 60}), "")
    assert asked(chart.rows[0][2].href)["counted_desk"] == "front"
    assert chart.rows[1][2].href == ""
    assert chart.rows[1][1].text == "–"


def test_a_board_shows_the_last_twelve_months_of_the_own_office() -> None:
    chosen, errors = read({}, TODAY, VISIT, "lebong")
    assert chosen == Chosen(office="lebong", begin=date(2025, 4, 1), end=date(2026, 3, 1))
    assert chosen.statistics == {"period": "month", "from": "2025-04-01", "to": "2026-04-01", "office": "lebong"}
    assert errors == {}


def test_all_offices_are_shown_where_that_is_chosen() -> None:
    assert read({"kantor": ""}, TODAY, VISIT, "lebong")[0].office == ""


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"dari": "march"}, "dari"),
        ({"sampai": "2026-13"}, "sampai"),
        ({"satuan": "minggu"}, "satuan"),
        ({"dari": "0001-01"}, "dari"),
        ({"sampai": "9999-12"}, "sampai"),
        ({"dari": "2026-03", "sampai": "2026-01"}, "sampai"),
    ],
)
def test_what_makes_no_sense_is_named_and_left_out(query: dict[str, str], field: str) -> None:
    chosen, errors = read(query, TODAY, VISIT)
    assert list(errors) == [field]
    assert chosen.begin <= chosen.end


@pytest.mark.parametrize(
    ("period", "begin", "end", "name"),
    [
        ("2026-01", "2026-01-01", "2026-02-01", "Jan 2026"),
        ("2025-Q4", "2025-10-01", "2026-01-01", "triwulan 4 2025"),
        ("2025", "2025-01-01", "2026-01-01", "2025"),
        ("2025-12", "2025-12-01", "2026-01-01", "Des 2025"),
    ],
)
def test_periods_are_of_the_offices_own_calendar(period: str, begin: str, end: str, name: str) -> None:
    ends = period_ends(period, ZoneInfo("Asia/Jakarta"), NOON)
    assert [one.isoformat() for one in ends] == [f"{begin}T00:00:00+07:00", f"{end}T00:00:00+07:00"]
    assert period_name(period, VISIT) == name
