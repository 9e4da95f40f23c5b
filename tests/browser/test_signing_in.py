"""Staff sign in at the provider for trying out, by button and by keyboard, and leave nothing behind."""

import re
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from services.portal.session import Session, Staff
from tests.browser.conftest import PHONE, Portal
from tests.browser.looking import assert_accessible, shot

Opening = Callable[..., Page]
MASUK = "Masuk dengan akun kantor"
CHOICE = re.compile("Masuk untuk mencoba")


def sign_in(page: Page, person: str, button: str = MASUK) -> None:
    """From `/masuk` through the provider and back."""
    page.get_by_role("link", name=button).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(CHOICE)
    page.get_by_role("button", name=re.compile(person)).click()


def look_at(page: Page, name: str, javascript: bool) -> None:
    """With and without scripts; the pictures are the same."""
    assert_accessible(page)
    if javascript:
        shot(page, name)


def cookies_of(page: Page) -> list[str]:
    return [str(cookie["name"]) for cookie in page.context.cookies() if str(cookie["name"]).startswith("jejak")]


@pytest.mark.parametrize("javascript", [True, False])
def test_an_officer_signs_in_returns_to_the_page_that_was_asked_for_and_signs_out(
    open_page: Opening, portal: Portal, javascript: bool
) -> None:
    page = open_page(javascript=javascript, size=PHONE)
    page.goto("/masuk?kembali=%2Francangan%3Fa%3D1")
    look_at(page, "sign-in-phone", javascript)
    sign_in(page, "Ratna")
    expect(page).to_have_url(f"{portal.url}/rancangan?a=1")
    page.goto("/masuk")
    expect(page.get_by_text("Anda masuk sebagai Ratna.")).to_be_visible()
    look_at(page, "signed-in-already", javascript)
    page.goto("/keluar")
    look_at(page, "sign-out", javascript)
    page.locator("main").get_by_role("button", name="Keluar").click()
    if not javascript:
        page.get_by_role("button", name="Keluar dari penyedia identitas").click()
    expect(page).to_have_url(f"{portal.url}/keluar")
    expect(page.get_by_role("heading", level=1)).to_have_text("Anda sudah keluar")
    expect(page.get_by_role("link", name="Masuk lagi")).to_be_visible()
    look_at(page, "signed-out", javascript)
    assert cookies_of(page) == []


def test_signing_in_in_english_returns_in_english(open_page: Opening, portal: Portal) -> None:
    page = open_page()
    page.goto("/en/masuk?kembali=%2Francangan")
    assert_accessible(page)
    shot(page, "sign-in-english")
    sign_in(page, "Dewi", "Sign in with your office account")
    expect(page).to_have_url(f"{portal.url}/en/rancangan")


def test_the_keyboard_alone_signs_in(open_page: Opening, portal: Portal) -> None:
    page = open_page()
    page.goto("/masuk?kembali=%2Francangan")
    page.get_by_role("link", name=MASUK).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(CHOICE)
    assert_accessible(page)
    shot(page, "provider-for-trying-out")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{portal.url}/rancangan")


def test_somebody_without_a_role_is_told_whom_to_ask_and_is_not_signed_in(open_page: Opening) -> None:
    page = open_page()
    page.goto("/masuk")
    sign_in(page, "Wati")
    expect(page.get_by_role("heading", level=1)).to_have_text("Akun Anda belum punya peran di Jejak")
    expect(page.get_by_role("link", name="Coba masuk lagi")).to_be_visible()
    assert_accessible(page)
    shot(page, "sign-in-no-role")
    page.goto("/masuk")
    expect(page.get_by_role("link", name=MASUK)).to_be_visible()


@pytest.mark.parametrize(
    "address", ["/masuk/kembali", "/masuk/kembali?code=x&state=y", "/en/masuk/kembali?error=server_error"]
)
def test_an_answer_that_nobody_asked_for_signs_nobody_in_and_says_what_to_do(open_page: Opening, address: str) -> None:
    page = open_page()
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 400
    assert_accessible(page)
    shot(page, "sign-in-stale")


def test_a_token_that_ended_is_refreshed_without_the_person_noticing(open_page: Opening, portal: Portal) -> None:
    page = open_page()
    page.goto("/masuk?kembali=%2Francangan")
    sign_in(page, "Ratna")
    before = session_of(page, portal)
    put(page, portal, lambda staff: msgspec.structs.replace(staff, expires_at=int(time.time()) - 5))
    page.goto("/keluar")
    expect(page.get_by_text("Anda masuk sebagai Ratna.")).to_be_visible()
    after = session_of(page, portal)
    assert after.staff is not None
    assert before.staff is not None
    assert after.staff.expires_at > time.time() + 60
    assert after.secret == before.secret


def test_a_form_that_came_too_late_is_kept_until_its_sender_has_signed_in_again(
    open_page: Opening, portal: Portal
) -> None:
    page = open_page()
    page.goto("/masuk?kembali=%2Francangan")
    sign_in(page, "Ratna")
    ended: dict[str, Any] = {"expires_at": int(time.time()) - 5, "refresh_token": None}
    page.goto("/keluar")  # a form of ours; where it leads is not what counts here
    page.evaluate(
        """() => { const form = document.querySelector("main form"); form.action = "/petugas/bantuan";
        const field = document.createElement("input"); field.name = "note"; field.value = 'Sudah "diperiksa" <b>';
        form.append(field); }"""
    )
    put(page, portal, lambda staff: msgspec.structs.replace(staff, **ended))
    page.locator("main").get_by_role("button", name="Keluar").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Anda perlu masuk lagi")
    assert_accessible(page)
    shot(page, "sign-in-again-with-what-was-sent")
    assert page.locator("input[name=note]").input_value() == 'Sudah "diperiksa" <b>'
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Masuk lagi di tab baru").click()
    other = opened.value
    expect(other.get_by_text("Waktu masuk Anda sudah berakhir")).to_be_visible()
    assert_accessible(other)
    sign_in(other, "Ratna")
    other.wait_for_url(f"{portal.url}/**")
    with page.expect_request("**/petugas/bantuan") as sent:
        page.get_by_role("button", name="Kirim isian saya").click()
    assert sent.value.post_data is not None
    assert "note=Sudah+%22diperiksa%22+%3Cb%3E" in sent.value.post_data
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Anda perlu masuk lagi")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Formulir ini tidak dapat kami terima")


def test_forms_of_one_person_are_not_good_for_the_next_at_the_same_browser(open_page: Opening, portal: Portal) -> None:
    page = open_page()
    page.goto("/masuk?kembali=%2Francangan")
    sign_in(page, "Ratna")
    first = session_of(page, portal)
    page.goto("/masuk/mulai?kembali=%2Francangan")
    page.get_by_role("button", name=re.compile("Bagus")).click()
    second = session_of(page, portal)
    assert second.staff is not None
    assert second.staff.name == "Bagus"
    assert second.secret != first.secret


def session_of(page: Page, portal: Portal) -> Session:
    """What the browser's cookies hold."""
    page.wait_for_url(f"{portal.url}/**")
    cookies = {str(one["name"]): str(one["value"]) for one in page.context.cookies(portal.url)}
    return portal.sessions.open(cookies)


def put(page: Page, portal: Portal, change: Callable[[Staff], Staff]) -> None:
    """Change who is signed in, as time would."""
    session = session_of(page, portal)
    assert session.staff is not None
    session.staff = change(session.staff)
    page.context.add_cookies(portal.session(session))
