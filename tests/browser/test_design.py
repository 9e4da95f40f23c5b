"""The components, and the pages that every room shares."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE
from tests.browser.looking import assert_accessible, shot


def test_every_component_is_accessible_in_light_and_dark_wide_and_narrow(open_page: Callable[..., Page]) -> None:
    for dark in (False, True):
        for size in (None, PHONE):
            page = open_page(dark=dark, size=size)
            page.goto("/rancangan")
            assert_accessible(page)
            shot(page, f"components-{'dark' if dark else 'light'}-{'phone' if size else 'desktop'}")


def test_a_page_that_does_not_exist_says_what_to_do_in_both_languages(page: Page) -> None:
    answer = page.goto("/tidak-ada")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("Halaman ini tidak ada")
    assert_accessible(page)
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This page does not exist")
    assert_accessible(page)
    shot(page, "not-found")


def test_the_keyboard_reaches_the_content_first(page: Page) -> None:
    page.goto("/tidak-ada")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Langsung ke isi")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
