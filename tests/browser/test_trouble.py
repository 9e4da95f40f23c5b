"""What goes wrong, as its pages tell it: payments that do not fit, too many wrong codes, a status service that is away."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Page, expect

from contracts.number import RANDOM_BYTES, format_number
from deploy.local.remote import RunningSystem
from tests.browser.conftest import PHONE, Opening, Portal
from tests.browser.looking import assert_accessible, shot
from tests.browser.people import People

AMOUNT = 350_000
OFFICE, TREASURY = {"role": "officer", "office": "lebong"}, {"role": "treasury"}
Fact = tuple[str, datetime, dict[str, Any]]


def ago(**length: float) -> datetime:
    return datetime.now(UTC) - timedelta(**length)


def handed_in(at: datetime) -> Fact:
    by = {"role": "applicant"}
    return "submitted", at, {"service": "passport_new", "office": "lebong", "channel": "internet", "by": by}


def assessed(at: datetime, code: str) -> Fact:
    """A fee that can be paid for seven days."""
    line = {"fee": "book_non_electronic_5y", "amount": AMOUNT, "legal_basis": "PP 45/2024"}
    until = (at + timedelta(days=7)).isoformat()
    return "fee_assessed", at, {
        "billing_code": code, "amount": AMOUNT, "expires_at": until, "lines": [line], "by": OFFICE,
    }  # fmt: skip


def paid(at: datetime, code: str, amount: int = AMOUNT) -> Fact:
    return "fee_paid", at, {"billing_code": code, "amount": amount, "by": TREASURY}


Payments = Callable[[str], list[Fact]]
TOLD: dict[str, tuple[Payments | None, str, str]] = {
    "expired": (
        lambda code: [handed_in(ago(days=20)), assessed(ago(days=19), code)],
        "The billing code has expired",
        "Kode billing sudah tidak berlaku",
    ),
    "after-expiry": (
        lambda code: [handed_in(ago(days=20)), assessed(ago(days=19), code), paid(ago(days=2), code)],
        "Your payment does not match yet",
        "Pembayaran Anda belum cocok",
    ),
    "wrong-amount": (
        lambda code: [handed_in(ago(days=3)), assessed(ago(days=2), code), paid(ago(hours=3), code, AMOUNT - 50_000)],
        "Your payment does not match yet",
        "Pembayaran Anda belum cocok",
    ),
    "twice": (
        lambda code: [
            handed_in(ago(days=3)), assessed(ago(days=2), code), paid(ago(hours=5), code), paid(ago(hours=3), code),
        ],
        "Paid",
        "Sudah dibayar",
    ),
    "late": (None, "Paid", "Sudah dibayar"),
}  # fmt: skip


def paid_late(people: People) -> str:
    """An application whose payment the bank reports 18 hours after it was made."""
    number = people.submit().number
    fee = people.command(number, "assess-fee", {"fees": ["book_non_electronic_5y"]})
    people.pay(fee, paid_at=ago(hours=18))
    people.wait(number, lambda now: now["situation"] == "paid")
    return number


@pytest.mark.parametrize("state", TOLD)
def test_a_payment_that_does_not_fit_is_told_with_and_without_scripts(
    open_page: Opening, people: People, state: str
) -> None:
    payments, english, indonesian = TOLD[state]
    number = people.history(*payments(f"8{secrets.randbelow(10**14):014d}")) if payments else paid_late(people)
    path = f"/lacak/{quote(number, safe='')}"
    page, plain = open_page(size=PHONE), open_page(size=PHONE, javascript=False)
    for one, prefix, heading in ((page, "", indonesian), (plain, "/en", english)):
        one.goto(f"{prefix}{path}/bayar")
        expect(one.locator("h1")).to_have_text(heading)
        assert_accessible(one)
        shot(one, f"pay-{state}-{'en' if prefix else 'id'}-phone")
    _told_in_detail(plain, state)
    page.goto(path)
    expect(page.locator("#todo")).to_be_visible()
    if state == "expired":  # nobody is told to pay with it
        expect(page.locator("section", has=page.locator("#todo"))).to_contain_text("Jangan membayar dengannya")
    expect(page.get_by_role("link", name="Lihat cara membayar")).to_have_count(0)
    on_record = page.get_by_role("link", name="Lihat pembayaran yang tercatat")
    expect(on_record).to_have_count(1 if state in {"after-expiry", "wrong-amount"} else 0)
    if state == "late":  # both times are told
        expect(page.locator("ol.timeline li", has_text="Pembayaran").locator(".when").first).to_contain_text("tercatat")
    assert_accessible(page)
    shot(page, f"track-{state}-phone")


def _told_in_detail(page: Page, state: str) -> None:
    """What the payment page says in English: what became of the money, and who does what now."""
    said = page.locator("main").inner_text()
    match state:
        case "expired" | "after-expiry" | "wrong-amount":
            expect(page.get_by_role("link", name="Contact the office")).to_be_visible()
            assert (state == "expired") == ("Payments on record" not in said)
        case "twice":
            assert said.count("350,000,") == 2, said
        case "late":
            assert "Accepted." in said, said


def test_too_many_wrong_codes_are_answered_by_when_to_try_again(
    open_page: Opening, people: People, jejak: RunningSystem
) -> None:
    one = people.submit()
    path = f"/lacak/{quote(one.number, safe='')}/masuk"
    for _ in range(10):
        wrong = httpx.get(f"{jejak.urls['intake']}/drafts/{quote(one.number)}", auth=(one.number, "AAAA-AAAA-AAAA"))
        if wrong.status_code == 429:
            break
    for javascript, prefix, words in ((True, "", "Terlalu banyak percobaan"), (False, "/en", "Too many attempts")):
        page = open_page(size=PHONE, javascript=javascript)
        page.goto(f"{prefix}{path}?lalu=tarik")
        page.locator("#kode").fill(one.code)
        with page.expect_response(lambda answer: answer.request.method == "POST") as answered:
            page.locator("main form button").click()
        assert answered.value.status == 429
        assert 0 < int(answered.value.headers["retry-after"]) <= 60
        expect(page.locator("#errors")).to_contain_text(words)
        assert_accessible(page)
        shot(page, f"too-many-codes-{'id' if javascript else 'en'}-phone")


def test_while_the_status_service_is_away_pages_say_so_and_what_still_works(
    open_page: Opening, lonely_portal: Portal
) -> None:
    path = f"/lacak/{format_number('LBG', bytes(RANDOM_BYTES))}"
    for javascript, prefix, words in (
        (True, "", "Bagian ini sedang tidak dapat dihubungi"),
        (False, "/en", "This part cannot be reached"),
    ):
        page = open_page(size=PHONE, javascript=javascript, base_url=lonely_portal.url)
        for more in ("", "/bayar", "/kabar"):
            answer = page.goto(f"{prefix}{path}{more}")
            assert answer is not None
            assert (answer.status, int(answer.headers["retry-after"])) == (503, 5)
            assert answer.headers["cache-control"] == "no-store"
            expect(page.locator("h1")).to_contain_text(words)
        assert_accessible(page)
        shot(page, f"status-away-{'id' if javascript else 'en'}-phone")
        page.goto(f"{prefix}/lacak")
        expect(page.locator("#nomor")).to_be_visible()
