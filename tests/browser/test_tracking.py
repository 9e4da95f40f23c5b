"""Tracking in a real browser: every state, live news, paying, supplying, withdrawing; with and without scripts."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from services.portal.session import Session
from tests.browser.looking import assert_accessible, shot
from tests.browser.people import Application, People, document

FEES = {"fees": ["book_non_electronic_5y"]}


def path_of(one: Application, more: str = "") -> str:
    return f"/lacak/{quote(one.number, safe='')}{more}"


def ask_for_document(people: People, one: Application) -> str:
    """The officer asks for a document again; its requirement."""
    requirement = "birth_record"
    wanted = {"documents": [{"requirement": requirement, "reason": {"code": "unreadable"}}]}
    people.command(one.number, "request-documents", wanted)
    people.wait(one.number, lambda now: now["situation"] == "documents_requested")
    return requirement


@pytest.fixture(scope="module")
def in_state(people: People) -> dict[str, Application]:
    """An application in each state that a page shows otherwise."""
    found = {name: people.submit() for name in ("submitted", "documents", "fee", "paid", "refused")}
    ask_for_document(people, found["documents"])
    people.command(found["fee"].number, "assess-fee", FEES)
    people.wait(found["fee"].number, lambda now: now["situation"] == "fee_due")
    people.pay(people.command(found["paid"].number, "assess-fee", FEES))
    people.wait(found["paid"].number, lambda now: now["situation"] == "paid")
    body = {"outcome": "refused", "reasons": [{"code": "requirements_not_met"}]}
    people.command(found["refused"].number, "decide", body, role="supervisor")
    people.wait(found["refused"].number, lambda now: now["situation"] == "refused")
    return found


SAYS = {
    "submitted": "We have received your application",
    "documents": "We are waiting for you",
    "fee": "We are waiting for your payment",
    "paid": "We have received your payment",
    "refused": "Your application was refused",
}


def test_every_state_is_told_in_a_sentence_and_what_to_do_on_a_phone(
    open_page: Callable[..., Page], in_state: dict[str, Application]
) -> None:
    page = open_page(size={"width": 320, "height": 640})
    for name, one in in_state.items():
        page.goto(path_of(one))
        expect(page.locator("#todo")).to_be_visible()
        assert_accessible(page)
        shot(page, f"track-{name}-phone")
        page.goto(f"/en{path_of(one)}")
        expect(page.locator("h1")).to_contain_text(SAYS[name])
        page.goto(path_of(one, "/bayar"))
        assert_accessible(page)
        shot(page, f"pay-{name}-phone")


def test_a_refusal_says_what_can_be_done_against_it(page: Page, in_state: dict[str, Application]) -> None:
    page.goto(f"/en{path_of(in_state['refused'])}")
    expect(page.locator("section", has=page.locator("#todo"))).to_contain_text("You may file")


def test_an_unknown_number_and_a_mistyped_one_look_the_same_and_say_what_to_do(plain_page: Page) -> None:
    said = set()
    for number in ("LBG-0000-0000-0000-0000-0", "LBG-0000-0000-0000-0000-1", "abc"):
        plain_page.goto("/lacak")
        plain_page.get_by_label("Nomor permohonan").fill(number)
        plain_page.get_by_role("button", name="Lihat").click()
        said.add(plain_page.locator("main").inner_text().replace(number, ""))
    assert len(said) == 1
    assert "tanda terima" in said.pop()


def test_a_number_is_found_however_it_is_typed_without_scripts(
    plain_page: Page, in_state: dict[str, Application]
) -> None:
    one = in_state["submitted"]
    plain_page.goto("/lacak")
    plain_page.get_by_label("Nomor permohonan").fill(one.number.lower().replace("-", " "))
    plain_page.get_by_role("button", name="Lihat").click()
    expect(plain_page.locator("code").first).to_have_text(one.number)
    expect(plain_page.get_by_role("link", name="Perbarui")).to_be_visible()


def test_news_comes_by_itself_and_is_said_aloud(page: Page, people: People) -> None:
    one = people.submit()
    with page.expect_response(lambda answer: answer.url.split("?")[0].endswith("/langsung")):
        page.goto(path_of(one))
    page.evaluate("window.stays = true")
    ask_for_document(people, one)
    expect(page.locator("h1")).to_contain_text("Kami menunggu Anda")
    expect(page.locator("#said")).to_contain_text("Kami menunggu Anda")
    assert page.evaluate("window.stays")
    assert_accessible(page)


def test_the_billing_code_is_copied_and_its_time_runs(
    open_page: Callable[..., Page], in_state: dict[str, Application]
) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.goto(path_of(in_state["fee"], "/bayar"))
    code = page.locator(".code-to-pay code").inner_text()
    page.get_by_role("button", name="Salin").click()
    expect(page.get_by_role("button", name="Disalin")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == code
    expect(page.locator(".countdown")).to_contain_text("jam")
    shot(page, "pay-due")


def test_what_was_asked_for_is_sent_without_scripts(
    plain_page: Page, people: People, in_state: dict[str, Application]
) -> None:
    one = people.submit()
    requirement = ask_for_document(people, one)
    plain_page.goto(path_of(one))
    plain_page.get_by_role("link", name="Kirim dokumen").click()
    plain_page.get_by_label("Kode akses").fill("AAAA-AAAA-AAAA")
    plain_page.get_by_role("button", name="Lanjutkan").click()
    expect(plain_page.locator("#errors")).to_be_visible()
    plain_page.get_by_label("Kode akses").fill(one.code.lower())
    plain_page.get_by_role("button", name="Lanjutkan").click()
    field = plain_page.locator("input[type=file]")
    field.set_input_files({"name": "x.svg", "mimeType": "image/svg+xml", "buffer": b"<svg onload='alert(1)'/>"})
    plain_page.get_by_role("button", name="Kirim").click()
    expect(plain_page.locator("#errors")).to_be_visible()
    shot(plain_page, "supply-wrong-phone")
    buffer = document(requirement)
    field.set_input_files({"name": "../../akta.pdf", "mimeType": "application/pdf", "buffer": buffer})
    plain_page.get_by_role("button", name="Kirim").click()
    expect(plain_page.locator("[role=status]").first).to_contain_text("semua dokumen sudah kami terima")
    people.wait(one.number, lambda now: now["situation"] != "documents_requested")


def test_withdrawing_is_asked_twice_and_done_once(open_page: Callable[..., Page], people: People) -> None:
    one = people.submit()
    page = open_page(session=Session(secret="a", applications={one.number: one.code}))
    page.goto(path_of(one))
    page.get_by_role("link", name="Menarik kembali permohonan ini").click()
    assert_accessible(page)
    shot(page, "withdraw")
    page.get_by_role("button", name="Tarik kembali permohonan").click()
    expect(page.locator("#errors")).to_be_visible()
    assert_accessible(page)
    page.get_by_label("Ya, saya ingin menarik kembali").check()
    page.get_by_role("button", name="Tarik kembali permohonan").click()
    expect(page.locator("[role=status]").first).to_contain_text("sudah ditarik kembali")
    people.wait(one.number, lambda now: now["situation"] == "withdrawn")
    page.goto(path_of(one))
    expect(page.locator("h1")).to_contain_text("ditarik kembali")
    expect(page.get_by_role("link", name="Menarik kembali permohonan ini")).to_have_count(0)


def test_another_persons_application_is_not_withdrawn_with_ones_own_code(
    open_page: Callable[..., Page], people: People, in_state: dict[str, Application]
) -> None:
    own, other = in_state["submitted"], in_state["paid"]
    page = open_page(session=Session(secret="a", applications={other.number: own.code}))
    page.goto(path_of(other, "/dokumen"))
    expect(page.get_by_label("Kode akses")).to_be_visible()
    assert people.status(other.number)["situation"] == "paid"


def test_how_it_stood_before_is_told_as_the_past(page: Page, in_state: dict[str, Application]) -> None:
    page.goto(path_of(in_state["fee"], "?pada=2026-01-01"))
    expect(page.locator("h1")).to_contain_text("belum ada yang tercatat")
    assert_accessible(page)
    page.goto(path_of(in_state["fee"], "?pada=kemarin"))
    expect(page.locator("#errors")).to_be_visible()
    assert_accessible(page)
