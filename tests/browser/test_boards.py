"""Boards of a supervisor: figures that lead to their cases, in every width and colour, with and without scripts."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from services.portal.session import Staff
from tests.browser.conftest import PHONE
from tests.browser.looking import assert_accessible, shot
from tests.browser.people import People

Opening = Callable[..., Page]
Signing = Callable[..., Staff]
BOARDS = ("", "/antrean", "/batas-waktu", "/menunggu", "/tahap?layanan=travel_document", "/meja", "/penyimpangan")


@pytest.fixture(scope="module")
def open_ones(people: People) -> list[str]:
    """Something to count."""
    return [people.submit("travel_document").number for _ in range(2)]


def the_figure(page: Page) -> int:
    """The first figure of the board that leads somewhere, followed; what it says."""
    link = page.locator(".question td a").first
    figure = int(re.sub(r"\D", "", link.inner_text()))
    link.click()
    return figure


def cases(page: Page) -> int:
    """How many cases the page and those after it list."""
    found = page.locator(".cases tbody tr").count()
    while (following := page.get_by_role("link", name="Berikutnya")).count():
        following.click()
        found += page.locator(".cases tbody tr").count()
    return found


def test_a_figure_leads_to_as_many_cases_as_it_says(open_page: Opening, staff: Signing, open_ones: list[str]) -> None:
    page = open_page(staff=staff("supervisor"))
    page.goto("/papan/antrean?layanan=travel_document")
    figure = the_figure(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Kasus di balik angka")
    assert figure >= len(open_ones)
    assert cases(page) == figure
    assert_accessible(page)
    shot(page, "boards-cases")


def test_a_bar_leads_where_its_figure_leads(open_page: Opening, staff: Signing, open_ones: list[str]) -> None:
    page = open_page(staff=staff("supervisor"))
    page.goto("/papan/menunggu?layanan=travel_document")
    cases_of_office = page.get_by_role("row", name="Petugas kantor").get_by_role("link").first.get_attribute("href")
    page.locator(f'.chart a[href="{cases_of_office}"]').click()
    expect(page.locator(".cases")).to_contain_text(open_ones[-1])


def test_boards_serve_without_scripts_on_a_narrow_phone(
    open_page: Opening, staff: Signing, open_ones: list[str]
) -> None:
    page = open_page(javascript=False, size=PHONE, staff=staff("supervisor"))
    page.goto("/papan")
    page.get_by_role("link", name="Antrean dan umurnya").click()
    page.get_by_label("Nama layanan").select_option("travel_document")
    page.get_by_role("button", name="Tampilkan").click()
    expect(page.locator(".finding").first).to_contain_text("permohonan terbuka")
    assert the_figure(page) == cases(page)
    shot(page, "boards-cases-phone")


@pytest.mark.parametrize(("size", "dark"), [(None, False), (PHONE, True)])
def test_every_board_is_accessible(
    open_page: Opening, staff: Signing, open_ones: list[str], *, size: dict[str, int] | None, dark: bool
) -> None:
    page = open_page(staff=staff("supervisor"), size=size, dark=dark)
    for board in BOARDS:
        page.goto(f"/papan{board}")
        assert_accessible(page)
        name = re.sub(r"\W+", "-", board.partition("?")[0]).strip("-") or "overview"
        shot(page, f"boards-{name}-{'phone' if size else 'desktop'}{'-dark' if dark else ''}")


def test_what_makes_no_sense_is_named_in_english_too(open_page: Opening, staff: Signing) -> None:
    page = open_page(staff=staff("supervisor"))
    answer = page.goto("/en/papan/batas-waktu?dari=march")
    assert answer is not None
    assert answer.status == 422
    expect(page.get_by_role("alert")).to_contain_text("Write a month as year and month")
    assert_accessible(page)


def test_boards_are_for_supervisors_and_auditors(open_page: Opening, staff: Signing) -> None:
    for role, expected in (("auditor", 200), ("officer", 403)):
        answer = open_page(staff=staff(role)).goto("/papan/antrean")
        assert answer is not None
        assert answer.status == expected
    page = open_page()
    page.goto("/papan/antrean")
    assert "/papan/antrean" not in page.url.partition("?")[0]  # led to the sign-in
