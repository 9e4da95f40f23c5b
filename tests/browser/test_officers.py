"""Officers in Chromium: from the inbox to the decision by keyboard, two on one case, documents, help desk, opinions."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from deploy.local.remote import RunningSystem
from services.portal.session import Session, Staff
from tests.browser.conftest import PHONE, Portal
from tests.browser.looking import assert_accessible, at, shot
from tests.browser.people import Application, People

Opening = Callable[..., Page]
Signed = Callable[..., Staff]
BOOK = {"fees": ["book_non_electronic_5y"]}
BOTH = {"examinations": ["interview", "biometrics"]}


@pytest.fixture
def officer(open_page: Opening, staff: Signed) -> Page:
    """An officer at a desktop."""
    return open_page(staff=staff("officer"))


@pytest.fixture
def claimed(people: People, jejak: RunningSystem) -> Iterator[Callable[[str], None]]:
    """`claimed(number)`: the officer holds this case and no other; given back afterwards."""
    base, token = jejak.urls["processing"], {"Authorization": f"Bearer {jejak.tokens['officer']}"}
    held: list[str] = []

    def release_all() -> None:
        mine = httpx.get(f"{base}/cases", params={"claimed": "me"}, headers=token).json()["cases"]
        for number in [*held, *(one["number"] for one in mine)]:
            httpx.post(f"{base}/cases/{number}/release", headers=token)

    def claim(number: str) -> None:
        release_all()
        assert httpx.post(f"{base}/cases/{number}/claim", headers=token).is_success
        held.append(number)

    yield claim
    release_all()


def ready_to_decide(people: People) -> Application:
    one = people.submit()
    case = people.command(one.number, "assess-fee", BOOK)
    people.pay(case)
    people.command(one.number, "verify-documents")
    people.wait(one.number, lambda status: status.get("situation") != "fee_due")
    people.command(one.number, "examine", BOTH)
    return one


def case_of(jejak: RunningSystem, number: str) -> dict[str, Any]:
    token = {"Authorization": f"Bearer {jejak.tokens['officer']}"}
    return dict(httpx.get(f"{jejak.urls['processing']}/cases/{number}", headers=token).json())


def looked_at(page: Page, javascript: bool) -> None:
    """axe is a script: where scripts are off there is nothing to run it with."""
    if javascript:
        assert_accessible(page)


# The keyboard.


def test_a_case_goes_from_the_inbox_to_its_decision_by_keyboard_alone(
    officer: Page, people: People, claimed: Callable[[str], None], jejak: RunningSystem
) -> None:
    one = ready_to_decide(people)
    claimed(one.number)
    officer.goto("/petugas?claimed=me")
    assert_accessible(officer)
    shot(officer, "officer-inbox")
    officer.keyboard.press("?")
    expect(officer.get_by_role("dialog")).to_be_visible()
    assert_accessible(officer)
    shot(officer, "officer-keys")
    officer.keyboard.press("Escape")
    officer.keyboard.press("j")
    officer.keyboard.press("Enter")
    expect(officer.get_by_text(one.number).first).to_be_visible()
    assert_accessible(officer)
    shot(officer, "officer-case")
    officer.keyboard.press("s")
    expect(officer.get_by_role("heading", level=1)).to_have_text("Setujui")
    officer.get_by_role("checkbox", name="Semua persyaratan terpenuhi.").focus()
    officer.keyboard.press("Space")
    assert_accessible(officer)
    officer.keyboard.press("Enter")
    expect(officer.get_by_role("heading", name="Ini yang akan dibaca pemohon")).to_be_visible()
    expect(officer.get_by_text("Permohonan Anda disetujui.")).to_be_visible()
    assert_accessible(officer)
    shot(officer, "officer-preview-approve")
    officer.get_by_role("button", name="Setujui permohonan").focus()
    officer.keyboard.press("Enter")
    expect(officer.get_by_text("Sudah dikirim: Setujui.")).to_be_visible()
    assert case_of(jejak, one.number)["decision"]["outcome"] == "approved"


def test_single_letters_can_be_switched_off_and_typing_is_never_a_shortcut(officer: Page) -> None:
    officer.goto("/petugas/bantuan?number=")
    field = officer.get_by_label("Nomor permohonan")
    field.fill("")
    field.press_sequentially("jkn?")
    expect(field).to_have_value("jkn?")
    officer.goto("/petugas")
    officer.keyboard.press("?")
    officer.get_by_label("Pakai pintasan satu huruf").uncheck()
    officer.keyboard.press("Escape")
    officer.reload()
    officer.keyboard.press("j")
    assert officer.evaluate("document.activeElement.className") != "row"


# What the applicant will read.


@pytest.mark.parametrize("javascript", [True, False])
def test_a_refusal_shows_the_applicants_words_in_both_languages_before_it_is_sent(
    open_page: Opening, staff: Signed, people: People, jejak: RunningSystem, javascript: bool
) -> None:
    one = people.submit()
    page = open_page(staff=staff("officer"), size=PHONE, javascript=javascript)
    page.goto(f"/petugas/kasus/{one.number}")
    looked_at(page, javascript)
    shot(page, "officer-case-phone")
    page.get_by_role("link", name="Tolak", exact=True).click()
    page.get_by_role("button", name="Lanjut: lihat sebelum dikirim").click()
    expect(page.get_by_text("Penolakan memerlukan alasan.").first).to_be_visible()
    looked_at(page, javascript)
    page.get_by_role("checkbox", name=re.compile("Layanan ini tidak berlaku")).check()
    page.get_by_role("button", name="Lanjut: lihat sebelum dikirim").click()
    expect(page.get_by_text("Permohonan Anda ditolak.")).to_be_visible()
    expect(page.get_by_text("Your application was refused.")).to_be_visible()
    expect(page.get_by_text("This service does not apply to your situation.")).to_be_visible()
    assert case_of(jejak, one.number)["decision"] is None
    looked_at(page, javascript)
    shot(page, "officer-preview-refuse-phone")
    page.get_by_role("button", name="Ubah").click()
    expect(page.get_by_role("checkbox", name=re.compile("Layanan ini tidak berlaku"))).to_be_checked()
    page.get_by_role("button", name="Lanjut: lihat sebelum dikirim").click()
    page.get_by_role("button", name="Tolak permohonan").click()
    expect(page.get_by_text("Sudah dikirim: Tolak.")).to_be_visible()
    assert case_of(jejak, one.number)["decision"]["reasons"][0]["code"] == "not_eligible"
    assert people.wait(one.number, lambda status: status["situation"] == "refused")


def test_documents_are_asked_for_with_a_reason_each(officer: Page, people: People, jejak: RunningSystem) -> None:
    one = people.submit()
    officer.goto(f"/en/petugas/kasus/{one.number}/langkah/minta-dokumen")
    officer.get_by_role("checkbox", name="Family card (KK)").check()
    officer.get_by_role("button", name="Next: look at it before it is sent").click()
    expect(officer.get_by_text("Choose the reason.").first).to_be_visible()
    assert_accessible(officer)
    officer.get_by_label("Reason: Family card (KK)").select_option("unreadable")
    officer.get_by_role("button", name="Next: look at it before it is sent").click()
    expect(officer.get_by_text("Family card (KK): This document cannot be read.")).to_be_visible()
    officer.get_by_role("button", name="Send the request").click()
    expect(officer.get_by_text("Sent: Request documents.")).to_be_visible()
    asked = case_of(jejak, one.number)["requested"]
    assert [(item["requirement"], item["reason"]["code"]) for item in asked] == [("family_card", "unreadable")]


def test_the_fee_that_the_applicant_chose_is_marked_when_it_is_set(
    plain_page: Page, portal: Portal, staff: Signed, people: People
) -> None:
    one = people.submit(fees=["book_electronic_5y"])
    plain_page.context.add_cookies(portal.session(Session(staff=staff("officer"))))
    plain_page.goto(f"/petugas/kasus/{one.number}/langkah/biaya")
    expect(plain_page.get_by_text("Yang dipilih pemohon di formulirnya sudah ditandai.")).to_be_visible()
    expect(plain_page.locator('input[value="book_electronic_5y"]')).to_be_checked()
    other = people.submit()
    plain_page.goto(f"/petugas/kasus/{other.number}/langkah/biaya")
    assert plain_page.locator("input[type=radio]:checked").count() == 0


# Two officers.


def test_of_two_officers_the_second_sees_what_changed_and_keeps_what_was_filled_in(
    officer: Page, people: People, jejak: RunningSystem
) -> None:
    one = people.submit()
    officer.goto(f"/petugas/kasus/{one.number}/langkah/tolak")
    officer.get_by_role("checkbox", name=re.compile("Persyaratan belum terpenuhi")).check()
    officer.get_by_role("button", name="Lanjut: lihat sebelum dikirim").click()
    people.command(one.number, "verify-documents")
    officer.get_by_role("button", name="Tolak permohonan").click()
    expect(officer.get_by_role("heading", name="Orang lain mengubah kasus ini")).to_be_visible()
    expect(officer.get_by_text("Dokumen dinyatakan lengkap")).to_be_visible()
    expect(officer.get_by_role("checkbox", name=re.compile("Persyaratan belum terpenuhi"))).to_be_checked()
    assert case_of(jejak, one.number)["decision"] is None
    assert_accessible(officer)
    shot(officer, "officer-conflict")
    officer.get_by_role("button", name="Lanjut: lihat sebelum dikirim").click()
    officer.get_by_role("button", name="Tolak permohonan").click()
    expect(officer.get_by_text("Sudah dikirim: Tolak.")).to_be_visible()


def test_two_who_have_a_case_open_see_each_other(
    open_page: Opening, staff: Signed, people: People, jejak: RunningSystem
) -> None:
    one = people.submit()
    supervisor = open_page(staff=staff("supervisor"))
    supervisor.goto(f"/petugas/kasus/{one.number}")
    officer = open_page(staff=staff("officer"))
    officer.goto(f"/petugas/kasus/{one.number}")
    expect(officer.get_by_text(re.compile("Penyelia.* membuka kasus ini"))).to_be_visible()
    supervisor.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(supervisor.get_by_text(re.compile("Petugas lain.* membuka kasus ini"))).to_be_visible()
    assert_accessible(officer)


# Documents.


def test_an_applicants_document_is_shown_with_nothing_allowed(portal: Portal, people: People, staff: Signed) -> None:
    one = people.submit()
    kept = {cookie["name"]: cookie["value"] for cookie in portal.session(Session(staff=staff("officer")))}
    with httpx.Client(base_url=portal.url, cookies=kept) as client:
        page = client.get(f"/petugas/kasus/{one.number}").text
        chosen = re.search(r"\?dokumen=([0-9a-f]+)", page)
        assert chosen
        page = client.get(f"/petugas/kasus/{one.number}?dokumen={chosen[1]}").text
        place = re.search(r'<iframe class="paper" src="(/petugas/kasus/LBG-[^/"]+/dokumen/[0-9a-f]+)"', page)
        assert place
        shown = client.get(place[1])
        assert shown.headers["Content-Type"] == "application/pdf"
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        assert shown.headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
        assert "frame-ancestors 'self'" in shown.headers["Content-Security-Policy"]
        assert client.get(f"/petugas/kasus/{one.number}/dokumen/..%2f..%2fcontact").status_code == 404
        assert client.get(f"/petugas/kasus/{one.number}/dokumen/none").status_code == 404
    assert httpx.get(portal.url + place[1]).status_code in (302, 303)
    readers = {cookie["name"]: cookie["value"] for cookie in portal.session(Session(staff=staff("auditor")))}
    assert httpx.get(portal.url + place[1], cookies=readers).status_code == 403


# Who may.


@pytest.mark.parametrize("path", ["/petugas/bantuan", "/petugas/loket", "/petugas/kasus/{number}/langkah/tolak"])
def test_an_auditor_reads_cases_and_does_nothing_to_them(
    open_page: Opening, staff: Signed, people: People, path: str
) -> None:
    one = people.submit()
    page = open_page(staff=staff("auditor"))
    page.goto(f"/petugas/kasus/{one.number}")
    expect(page.get_by_role("link", name="Tolak", exact=True)).to_have_count(0)
    page.goto(path.format(number=one.number))
    expect(page.get_by_role("heading", level=1)).to_have_text("Halaman ini bukan untuk peran Anda")
    assert_accessible(page)


def test_who_has_not_signed_in_signs_in_first_and_a_forged_session_is_none(page: Page, portal: Portal) -> None:
    page.context.add_cookies([{"name": "jejak", "value": "forged", "url": portal.url}])
    page.goto("/petugas")
    expect(page).to_have_url(re.compile(r"/masuk\?kembali=%2Fpetugas"))


# Empty, and the help desk.


def test_an_inbox_without_a_case_says_so_and_leads_on(officer: Page) -> None:
    officer.goto("/petugas?queue=no_such_desk")
    expect(officer.get_by_role("heading", name="Tidak ada kasus di sini")).to_be_visible()
    assert_accessible(officer)
    shot(officer, "officer-inbox-empty")
    officer.get_by_role("link", name="Lihat semua kasus").click()
    expect(officer.locator("table.inbox")).to_be_visible()


def test_the_inbox_fits_a_phone_and_english(open_page: Opening, staff: Signed) -> None:
    page = open_page(staff=staff("officer"), size=PHONE)
    page.goto("/en/petugas")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cases")
    assert_accessible(page)
    shot(page, "officer-inbox-phone-en")


def test_the_help_desk_opens_a_case_and_the_case_says_why(
    plain_page: Page, portal: Portal, staff: Signed, people: People
) -> None:
    one = people.submit()
    plain_page.context.add_cookies(portal.session(Session(staff=staff("officer"))))
    plain_page.goto("/petugas/bantuan")
    shot(plain_page, "officer-help-desk")
    plain_page.get_by_label("Nomor permohonan").fill("LBG-0000-0000-0000-0000-0")
    plain_page.get_by_label("Pemohon menelepon.").check()
    plain_page.get_by_role("button", name="Buka kasus").click()
    expect(plain_page.get_by_text(re.compile("Kantor ini tidak punya permohonan")).first).to_be_visible()
    plain_page.get_by_label("Nomor permohonan").fill(one.number.lower())
    plain_page.get_by_role("button", name="Buka kasus").click()
    plain_page.wait_for_url(at(f"/petugas/kasus/{one.number}"))
    plain_page.get_by_text("Di dalam kantor: siapa memegang dan membuka kasus ini").click()
    expect(plain_page.get_by_text(re.compile("Dibuka di meja bantuan – Pemohon menelepon."))).to_be_visible()


def test_applicants_see_when_and_why_the_help_desk_opened_their_application(
    open_page: Opening, portal: Portal, staff: Signed, people: People
) -> None:
    one = people.submit()
    page = open_page(size=PHONE)
    page.goto(f"/lacak/{one.number}")
    page.get_by_role("link", name="Melihat kapan dan mengapa meja bantuan membukanya").click()
    page.get_by_label("Kode akses").fill(one.code)
    page.locator("main button[type=submit]").click()
    expect(page.get_by_text("Meja bantuan belum pernah membukanya.")).to_be_visible()
    assert_accessible(page)
    shot(page, "openings-none")
    desk = open_page(staff=staff("officer"))
    desk.goto("/petugas/bantuan")
    desk.get_by_label("Nomor permohonan").fill(one.number)
    desk.get_by_label("Pemohon menelepon.").check()
    desk.get_by_role("button", name="Buka kasus").click()
    desk.wait_for_url(at(f"/petugas/kasus/{one.number}"))
    page.goto(f"/en/lacak/{one.number}/dibuka")
    expect(page.locator("main ul.plain li")).to_have_count(1)
    assert_accessible(page)
    shot(page, "openings-one")
    stranger = open_page(size=PHONE)
    stranger.goto(f"/lacak/{one.number}/dibuka")
    expect(stranger.get_by_label("Kode akses")).to_be_visible()


def test_the_counter_leads_to_the_form_of_a_service(officer: Page) -> None:
    officer.goto("/petugas/bantuan")
    assert_accessible(officer)
    officer.goto("/petugas/loket")
    assert_accessible(officer)
    shot(officer, "officer-counter")
    link = officer.get_by_role("link", name="Paspor baru, dewasa")
    expect(link).to_have_attribute("href", "/ajukan/passport_new?di=loket")


# Another body.


def test_another_body_answers_by_its_link_without_signing_in_and_the_applicant_sees_that_it_was_asked(
    officer: Page, open_page: Opening, people: People, jejak: RunningSystem
) -> None:
    one = people.submit()
    officer.goto(f"/petugas/kasus/{one.number}/langkah/pendapat")
    officer.get_by_label("Instansi", exact=True).select_option("civil_registry")
    officer.get_by_role("radio", name=re.compile("Apakah data pemohon sesuai")).check()
    officer.get_by_role("checkbox", name="Kartu keluarga (KK)").check()
    assert_accessible(officer)
    officer.get_by_role("button", name="Lanjut: lihat sebelum dikirim").click()
    expect(officer.get_by_text("Pendapat diminta dari Dinas Kependudukan dan Pencatatan Sipil")).to_be_visible()
    officer.get_by_role("button", name="Minta pendapat").click()
    link = officer.locator("main code").inner_text()
    assert_accessible(officer)
    body = open_page(size=PHONE)
    body.goto(link)
    expect(body.get_by_text("Kartu keluarga (KK)")).to_be_visible()
    assert_accessible(body)
    shot(body, "opinion-phone")
    body.get_by_role("radio", name="Mendukung", exact=True).check()
    body.get_by_role("button", name="Kirim jawaban").click()
    expect(body.get_by_text("Pilih sedikitnya satu alasan.").first).to_be_visible()
    body.get_by_role("checkbox", name="Sesuai dengan data kami.").check()
    body.get_by_role("button", name="Kirim jawaban").click()
    expect(body.get_by_role("heading", name="Terima kasih. Jawaban Anda sudah kami terima.")).to_be_visible()
    expect(body.get_by_role("button", name="Kirim jawaban")).to_have_count(0)
    shot(body, "opinion-given-phone")
    officer.goto(f"/petugas/kasus/{one.number}")
    expect(officer.get_by_text("Sesuai dengan data kami.")).to_be_visible()
    assert_accessible(officer)
    people.wait(one.number, lambda status: "Pendapat" in str(status["headline"]["id"]))
    assert "confirmed_by_register" not in httpx.get(f"{jejak.urls['status']}/applications/{one.number}/timeline").text


def test_a_link_that_nobody_made_says_what_to_do(page: Page) -> None:
    page.goto("/pendapat/" + "a" * 43)
    expect(page.get_by_role("heading", level=1)).to_have_text("Tautan ini tidak berlaku")
    expect(page.get_by_text(re.compile("minta tautan baru dari kantor"))).to_be_visible()
    assert_accessible(page)
    shot(page, "opinion-unknown")
