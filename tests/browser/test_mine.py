"""Back to one's applications by a link that came by e-mail; and a device that forgets them."""

import email
import re
import secrets
import time
from email import policy
from pathlib import Path

import httpx
from playwright.sync_api import Page

from deploy.local.remote import RunningSystem
from services.portal.session import Session
from tests.browser.conftest import Opening, Portal
from tests.browser.looking import assert_accessible, at, shot
from tests.browser.people import People

LINK = re.compile(r"https?://\S+(/saya/tautan/\S+)")


def mailed(jejak: RunningSystem, address: str, count: int = 1) -> list[str]:
    """The paths of the links that came to `address`, once there are `count`."""
    ends, folder = time.monotonic() + 30, Path(jejak.environment["JEJAK_MAIL"])
    while True:
        links = []
        for file in sorted(folder.glob("new/*"), key=lambda one: one.stat().st_mtime):
            mail = email.message_from_bytes(file.read_bytes(), policy=policy.default)
            body = mail.get_body()
            if mail["To"] == address and body and (found := LINK.search(body.get_content())):
                links.append(("/en" if mail["Content-Language"] == "en" else "") + found[1].replace("/en/", "/"))
        if len(links) >= count:
            return links
        assert time.monotonic() < ends, f"{len(links)} of {count} links came"
        time.sleep(0.2)


def ask(page: Page, address: str, language: str = "") -> None:
    page.goto(f"{language}/saya")
    page.get_by_role("textbox").first.fill(address)
    page.locator("main form button[type=submit]").click()
    page.wait_for_url("**/saya/terkirim")


def test_who_lost_number_and_code_finds_the_applications_by_e_mail_once(
    jejak: RunningSystem, people: People, open_page: Opening
) -> None:
    address = f"{secrets.token_hex(6)}@example.org"
    first, second = (people.draft(email=address) for _ in range(2))
    page = open_page(size={"width": 320, "height": 640})
    page.goto("/saya")
    assert_accessible(page)
    ask(page, address)
    assert_accessible(page)
    (path,) = mailed(jejak, address)
    for _ in range(2):
        page.goto(path)  # as a program that looks into mails does: nothing is used up
    assert_accessible(page)
    page.get_by_role("button", name="Buka", exact=True).click()
    page.wait_for_url("**/saya")
    shown = page.locator("main").inner_text()
    assert_accessible(page)
    for one in (first, second):
        assert one.number[-4:] in shown
    thief = open_page(javascript=False)
    thief.goto(path)
    thief.get_by_role("button", name="Buka", exact=True).click()
    assert "sudah dipakai" in thief.locator("main").inner_text()
    assert not thief.request.get("/saya").text().count(first.number)


def test_an_address_that_nobody_has_gets_the_same_page_and_no_mail(
    jejak: RunningSystem, people: People, page: Page
) -> None:
    known, unknown = (f"{secrets.token_hex(6)}@example.org" for _ in range(2))
    people.draft(email=known)
    pages = []
    for address in (unknown, known):
        ask(page, address, "/en")
        pages.append(page.locator("main").inner_text())
    assert pages[0] == pages[1]
    assert mailed(jejak, known)[0].startswith("/en/saya/tautan/")
    assert mailed(jejak, unknown, 0) == []


def test_a_draft_is_gone_on_with_on_another_device_by_its_link(
    jejak: RunningSystem, people: People, open_page: Opening
) -> None:
    address = f"{secrets.token_hex(6)}@example.org"
    draft = people.draft(email=address)
    session = Session()
    session.remember(draft.number, draft.code)
    page = open_page(javascript=False, size={"width": 320, "height": 640}, session=session)
    page.goto(f"/draf/{draft.number}/simpan")
    assert_accessible(page)
    shot(page, "mine-save")
    page.get_by_role("button", name="Kirim tautan").click()
    page.wait_for_url(at(f"/draf/{draft.number}/simpan/terkirim"))
    page.reload()  # asks for no second mail
    assert_accessible(page)
    shot(page, "mine-save-sent")
    (path,) = mailed(jejak, address)
    elsewhere = open_page()
    elsewhere.goto(f"/draf/{draft.number}/simpan")
    elsewhere.wait_for_url("**/saya")  # a number alone opens no draft, and sends no mail
    elsewhere.goto(path)
    assert elsewhere.locator("h1").inner_text() == "Lanjutkan permohonan Anda"
    assert_accessible(elsewhere)
    elsewhere.get_by_role("button", name="Buka", exact=True).click()
    elsewhere.wait_for_url(at(f"/draf/{draft.number}"))
    assert_accessible(elsewhere)
    assert len(mailed(jejak, address)) == 1


def test_a_link_that_is_cut_off_and_an_address_that_is_none_say_what_to_do(page: Page) -> None:
    answer = page.goto("/saya/tautan/sAAAA")
    assert answer
    assert answer.status == 404
    assert page.get_by_role("link", name="Minta tautan baru").get_attribute("href") == "/saya/tautan"
    assert_accessible(page)
    page.goto("/saya")
    page.get_by_role("textbox").first.fill("bukan-alamat")
    page.locator("main form button[type=submit]").click()
    page.get_by_role("alert").wait_for()
    assert_accessible(page)


def test_a_link_is_opened_only_by_a_form_of_ours(portal: Portal) -> None:
    answer = httpx.post(
        f"{portal.url}/saya/tautan/s{'A' * 43}", data={"csrf": "x"}, headers={"Origin": "https://evil.example"}
    )
    assert answer.status_code == 403
