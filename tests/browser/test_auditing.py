"""The auditor: a case at any instant with the slider and without, what changed, exports that are counted."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from services.portal.session import Staff
from tests.browser.conftest import PHONE
from tests.browser.looking import assert_accessible, shot
from tests.browser.people import People

Opening = Callable[..., Page]
Signing = Callable[..., Staff]
SERVICE = "voa_extension"


@pytest.fixture(scope="module")
def number(people: People) -> str:
    """A case with a history."""
    one = people.submit(SERVICE).number
    people.command(
        one, "request-documents", {"documents": [{"requirement": "passport", "reason": {"code": "unreadable"}}]}
    )
    people.wait(one, lambda status: status["situation"] == "documents_requested")
    return one


@pytest.fixture
def auditor(staff: Signing) -> Staff:
    return staff("auditor")


def test_the_slider_goes_back_and_marks_what_changed(open_page: Opening, auditor: Staff, number: str) -> None:
    page = open_page(staff=auditor)
    page.goto("/audit")
    page.get_by_label("Nomor permohonan").fill(number)
    page.get_by_role("button", name="Buka kasus").click()
    slider = page.get_by_role("slider", name="Geser melalui riwayat")
    slider.focus()
    slider.press("Home")
    expect(page.locator(".timeline > li")).to_have_count(1)
    expect(slider).to_be_focused()
    assert "pada=" in page.url
    moments = page.get_by_label("Saat dalam riwayat").locator("option").all_inner_texts()
    steps = next(place for place, words in enumerate(moments) if "Dokumen diminta" in words)  # messages come in between
    for step in range(steps):
        slider.press("ArrowRight")
        expect(slider).to_have_attribute("aria-valuetext", moments[step + 1])
    expect(page.locator(".timeline > li.new").last).to_contain_text("Dokumen diminta")
    expect(page.locator(".timeline > li:not(.new)").first).to_contain_text("Diajukan")
    shown = page.locator(".timeline > li").count()
    expect(page.locator(".changes ins").first).to_be_visible()
    expect(page.locator(".changes del").first).to_be_visible()
    assert_accessible(page)
    shot(page, "audit-case-slider")
    page.reload()  # the address is of what is shown
    expect(page.locator(".timeline > li")).to_have_count(shown)


def test_a_case_at_an_instant_is_reached_without_scripts(open_page: Opening, auditor: Staff, number: str) -> None:
    page = open_page(javascript=False, size=PHONE, staff=auditor)
    page.goto(f"/audit/{number}")
    expect(page.get_by_role("slider")).to_have_count(0)
    page.get_by_label("Saat dalam riwayat").select_option(index=0)
    page.get_by_role("button", name="Tampilkan").click()
    expect(page.locator(".timeline > li")).to_have_count(1)
    page.get_by_role("link", name="Langkah berikutnya").click()
    expect(page.locator(".timeline > li.new")).to_contain_text("baru pada langkah ini")
    page.get_by_label("yang terjadi").check()
    page.get_by_role("button", name="Tampilkan").click()
    assert "nilai=valid" in page.url
    shot(page, "audit-case-phone")


def test_before_the_first_event_nothing_was_known(open_page: Opening, auditor: Staff, number: str) -> None:
    page = open_page(staff=auditor)
    page.goto(f"/audit/{number}?pada=2020-01-01T00:00:00Z")
    expect(page.get_by_text("Pada saat itu belum ada kejadian.")).to_be_visible()
    assert_accessible(page)
    answer = page.goto(f"/en/audit/{number}?pada=2999-01-01T00:00:00Z")
    assert answer is not None
    assert answer.status == 422
    expect(page.get_by_role("alert")).to_contain_text("still to come")


def test_a_search_with_conditions_leads_to_its_export(open_page: Opening, auditor: Staff, number: str) -> None:
    page = open_page(staff=auditor)
    page.goto("/audit")
    page.get_by_label("Nama layanan").select_option(SERVICE)
    page.get_by_label("Terbuka atau selesai").select_option("open")
    page.get_by_role("button", name="Cari").click()
    expect(page.locator(".cases")).to_contain_text(number)
    assert_accessible(page)
    shot(page, "audit-search")
    page.get_by_role("link", name="Ekspor semua kasus ini").click()
    assert_accessible(page)
    shot(page, "audit-export")
    total = int(page.locator("[data-export]").get_attribute("data-total") or 0)
    assert total >= 1
    with page.expect_download() as loading:
        page.get_by_role("button", name="Unduh").click()
    lines = Path(loading.value.path()).read_text().splitlines()
    assert len(lines) == total
    assert number in {json.loads(line)["number"] for line in lines}
    expect(page.get_by_role("status").filter(has_text="Selesai")).to_contain_text(f"{total} kasus, {total} baris")


def test_events_are_exported_as_csv_without_scripts(open_page: Opening, auditor: Staff, number: str) -> None:
    page = open_page(javascript=False, size=PHONE, staff=auditor)
    page.goto(f"/audit/ekspor?service={SERVICE}")
    page.get_by_label("kejadian", exact=True).check()
    page.get_by_label("CSV").check()
    with page.expect_download() as loading:
        page.get_by_role("button", name="Unduh").click()
    assert loading.value.suggested_filename.endswith(".csv")
    rows = list(csv.DictReader(Path(loading.value.path()).read_text().splitlines()))
    assert {row["type"] for row in rows if row["number"] == number} >= {"submitted", "documents_requested"}
    assert [row["n"] for row in rows if row["number"] == number][:2] == ["1", "2"]


def test_an_export_can_be_stopped_and_what_broke_off_is_not_kept(open_page: Opening, auditor: Staff) -> None:
    page = open_page(staff=auditor)
    page.goto(f"/en/audit/ekspor?service={SERVICE}")
    page.route("**/ekspor/berkas?*", lambda _: None)  # nothing comes
    page.get_by_role("button", name="Download").click()
    expect(page.get_by_role("status").filter(has_text="Counting")).to_be_visible()
    page.get_by_role("button", name="Cancel the download").click()
    expect(page.get_by_role("status").filter(has_text="Cancelled. Nothing was saved.")).to_be_visible()
    page.unroute("**/ekspor/berkas?*")
    page.route("**/ekspor/berkas?*", lambda route: route.abort("connectionreset"))
    page.get_by_role("button", name="Download").click()
    expect(page.get_by_role("status").filter(has_text="The download broke off")).to_be_visible()
    assert_accessible(page)


def test_a_number_is_found_however_it_is_typed(open_page: Opening, auditor: Staff, number: str) -> None:
    page = open_page(staff=auditor)
    for typed in (number.lower(), number.replace("-", " "), number.replace("-", "")):
        page.goto("/audit")
        page.get_by_label("Nomor permohonan").fill(typed)
        page.get_by_role("button", name="Buka kasus").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text(number)
    page.goto("/audit?nomor=LBG-0000")
    expect(page.get_by_role("alert")).to_contain_text("tidak lengkap atau salah ketik")
    assert_accessible(page)


@pytest.mark.parametrize(("size", "dark"), [(None, True), (PHONE, False)])
def test_every_page_is_accessible(
    open_page: Opening, auditor: Staff, number: str, *, size: dict[str, int] | None, dark: bool
) -> None:
    page = open_page(staff=auditor, size=size, dark=dark)
    for path, name in (
        ("/audit", "search"), (f"/audit/{number}", "case"), ("/audit/statistik", "statistics"), ("/audit/ekspor", "export"),
        ("/audit?due_from=besok", "search-wrong"), (f"/audit?service={SERVICE}&state=closed&due_to=2001-01-01", "search-empty"),
    ):  # fmt: skip
        page.goto(path)
        assert_accessible(page)
        shot(page, f"audit-{name}-{'phone' if size else 'desktop'}{'-dark' if dark else ''}")


def test_the_audit_is_for_auditors(open_page: Opening, staff: Signing, number: str) -> None:
    for role in ("officer", "supervisor"):
        page = open_page(staff=staff(role))
        for path in ("/audit", f"/audit/{number}", "/audit/ekspor", "/audit/ekspor/berkas", "/audit/statistik"):
            answer = page.request.get(path)
            assert answer.status == 403, (role, path)
            assert "Dokumen diminta" not in answer.text()
