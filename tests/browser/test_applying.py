"""Applying from the first page to the receipt: without scripts on a phone, and with scripts on a line that breaks."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from playwright.sync_api import Page, Route, expect

from services.portal.session import Staff
from tests.browser.looking import assert_accessible, shot

PNG = b"\x89PNG\r\n\x1a\n" + bytes(700_000) + b"\x00\x00\x00\x00IEND\xaeB`\x82"
FILE: Any = {"name": "../../<script>.png", "mimeType": "image/png", "buffer": PNG}
SCRIPT = "<script>alert(1)</script>"


def fill_in_person(page: Page, path: str = "/ajukan/passport_replacement") -> None:
    page.goto(path)
    page.locator("main a.button").first.click()
    page.locator("#name").fill(f"Pemohon Percobaan {SCRIPT}")
    page.locator("#email").fill("pemohon@example.org")
    page.locator("#date_of_birth").fill("1990-08-17")
    page.locator("main form button[type=submit]").click()
    page.wait_for_url(re.compile("/draf/LBG-[^/]+$"))


def number_of(page: Page) -> str:
    return unquote(page.url.rpartition("/")[2])


def answer_questions(page: Page) -> None:
    """From the page that asks who applies to the documents."""
    page.locator("input[name=for][value=self]").check()
    send(page)
    while "/pertanyaan/" in page.url or "/biaya/" in page.url:
        page.locator("input[name=answer]").last.check()
        send(page)


def send(page: Page) -> None:
    page.locator("main form button[type=submit]").click()


def test_a_whole_application_without_scripts_on_a_phone(plain_page: Page) -> None:
    page = plain_page
    fill_in_person(page)
    number = number_of(page)
    expect(page.get_by_text(number, exact=True)).to_be_visible()
    expect(page.get_by_text("Kode akses", exact=True)).to_be_visible()
    page.goto(f"/draf/{number}/wakil")
    answer_questions(page)
    while page.locator("li.current .what a").count():
        page.locator("li.current .what a").first.click()
        while re.search("/dokumen/", page.url):
            page.set_input_files("#file", FILE)
            send(page)
    page.get_by_role("link", name="Lanjutkan", exact=True).click()
    page.get_by_label("Kursi roda dan bantuan dari pintu masuk").check()
    send(page)
    expect(page.get_by_role("heading", name="Periksa jawaban Anda")).to_be_visible()
    expect(page.get_by_text(SCRIPT)).to_be_visible()
    page.get_by_role("link", name="Ubah Alamat surel").click()
    page.locator("#email").fill("lain@example.org")
    send(page)
    expect(page.get_by_text("lain@example.org")).to_be_visible()
    page.get_by_role("button", name="Kirim permohonan").click()
    expect(page.get_by_role("heading", name="Permohonan Anda sudah kami terima")).to_be_visible()
    expect(page.get_by_role("img", name="Kode QR menuju halaman lacak")).to_be_visible()
    page.go_back()
    page.goto(f"/draf/{number}/periksa")
    assert unquote(page.url).endswith(f"/permohonan/{number}/tanda-terima")
    shot(page, "receipt-phone")


def test_an_upload_that_breaks_off_goes_on_where_it_stood(page: Page) -> None:
    fill_in_person(page, "/en/ajukan/passport_replacement")
    number = number_of(page)
    page.goto(f"/en/draf/{number}/dokumen/identity_card")
    offsets: list[str] = []

    def break_one(route: Route) -> None:
        if route.request.method == "PATCH":
            offsets.append(route.request.headers["upload-offset"])
            if len(offsets) in (2, 3):
                route.abort("connectionreset")
                return
        route.continue_()

    page.route("**/unggah/**", break_one)
    page.set_input_files("#file", FILE)
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_text("Document received: Electronic identity card (e-KTP).")).to_be_visible()
    assert offsets == ["0", "262144", "262144", "262144", "524288"]


def test_a_file_that_cannot_be_taken_is_said_at_its_field_with_and_without_scripts(
    page: Page, plain_page: Page
) -> None:
    wrong: Any = {"name": "a.png", "mimeType": "image/png", "buffer": b"<svg onload=alert(1)>" * 50}
    for one in (page, plain_page):
        fill_in_person(one)
        one.goto(f"{one.url}/dokumen/identity_card")
        one.set_input_files("#file", wrong)
        send(one)
        expect(one.locator("#file-error")).to_contain_text("foto dokumennya")
    assert_accessible(page)
    shot(page, "document-error")


def test_every_page_of_a_form_is_accessible_on_a_phone(phone: Page) -> None:
    page = phone
    page.goto("/ajukan/itas_extension")
    assert_accessible(page)
    shot(page, "apply-start-phone")
    page.goto("/ajukan/itas_extension/pemohon")
    assert_accessible(page)
    page.locator("#email").fill("no address")
    send(page)
    expect(page.locator("#errors")).to_be_focused()
    assert_accessible(page)
    shot(page, "apply-person-errors-phone")
    fill_in_person(page)
    number = number_of(page)
    for name in ("", "/pemohon", "/wakil", "/pertanyaan/old_passport_issued", "/dokumen", "/dokumen/birth_record",
                 "/dokumen/identity_card", "/bantuan", "/periksa", "/masuk"):  # fmt: skip
        page.goto(f"/draf/{number}{name}")
        assert_accessible(page)
        shot(page, f"draft{name.replace('/', '-')}-phone")


def test_a_draft_of_another_session_asks_for_number_and_code(page: Page, open_page: Callable[..., Page]) -> None:
    fill_in_person(page)
    number = number_of(page)
    code = page.locator("dd .copy code").nth(1).inner_text()
    other = open_page()
    other.goto(f"/draf/{number}/periksa")
    expect(other.get_by_role("heading", name="Buka konsep Anda")).to_be_visible()
    assert_accessible(other)
    other.locator("#code").fill("0000-0000-0000-0000-0000")
    send(other)
    expect(other.locator("#code-error")).to_be_visible()
    other.locator("#code").fill(code.lower().replace("-", " "))
    send(other)
    expect(other.get_by_text(number, exact=True)).to_be_visible()


def test_the_form_is_filled_in_by_keyboard_alone(page: Page) -> None:
    page.goto("/ajukan/passport_replacement/pemohon")
    page.locator("#name").focus()
    # the eleventh of November: whichever the browser asks for first, day or month
    for text in ("Pemohon Percobaan", "pemohon@example.org", "", "11111990"):
        page.keyboard.type(text)
        if text != "11111990":
            page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/draf/LBG-"))
    page.goto(f"{page.url}/wakil")
    page.locator("input[name=for]").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/pertanyaan/"))


def test_an_officer_files_for_a_person_at_the_desk_and_the_computer_forgets_the_code(
    open_page: Callable[..., Page], staff: Callable[..., Staff]
) -> None:
    page = open_page(staff=staff("officer"))
    fill_in_person(page, "/ajukan/passport_replacement?di=loket")
    number = number_of(page)
    page.goto(f"/draf/{number}/wakil")
    answer_questions(page)
    while page.locator("li.current .what a").count():
        page.locator("li.current .what a").first.click()
        page.wait_for_url(re.compile("/dokumen/"))
        requirement = page.url
        page.set_input_files("#file", FILE)
        send(page)
        page.wait_for_url(lambda url, was=requirement: url != was)
        page.goto(f"/draf/{number}/dokumen")
    page.goto(f"/draf/{number}/periksa")
    page.get_by_role("button", name="Kirim permohonan").click()
    expect(page.get_by_role("heading", name="Di loket")).to_be_visible()
    assert_accessible(page)
    with page.expect_navigation():
        page.get_by_role("button", name="Selesai, lupakan kode ini").click()
    page.goto(f"/permohonan/{number}/tanda-terima")
    expect(page.get_by_role("heading", name="Buka konsep Anda")).to_be_visible()
    assert Path(page.url).name == "tanda-terima"
