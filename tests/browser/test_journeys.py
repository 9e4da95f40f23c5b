"""The whole way of an application, from the start page to the handed-over document, only through pages."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.looking import assert_accessible, shot
from tests.browser.people import People
from tests.browser.walking import Applicant, Officer

pytestmark = pytest.mark.timeout(240)  # two whole journeys: a busy machine needs its time
Opening = Callable[..., Page]
CITIZEN = {
    "name": "Siti Percobaan",
    "email": "siti.percobaan@example.org",
    "phone": "0812 3456 7890",
    "date_of_birth": "1990-08-17",
    "place_of_birth": "Muara Aman",
    "nik": "1707 0157 0890 0001",
}
FOREIGNER = {
    "name": "Alex Trial",
    "email": "alex.trial@example.org",
    "date_of_birth": "1985-02-03",
    "nationality": "NL",
    "passport_number": "XN0000001",
    "address": "Jalan Percobaan 1, Muara Aman",
}
ANSWERS = {
    "book": "electronic_10y",
    "birth_record_incomplete": "no",
    "naturalised": "no",
    "name_changed": "no",
}


def looking(run: str) -> Callable[[Page, str], None]:
    """A picture of each page, and a look at its accessibility."""

    def look(page: Page, name: str) -> None:
        assert_accessible(page)
        assert_words(page)
        shot(page, f"journey-{run}-{name}")

    return look


def assert_words(page: Page) -> None:
    """Nothing that only programs say."""
    text = page.locator("body").inner_text()
    for wrong in ("None", "undefined", "{{", "}}", "Undefined", "NaN"):
        assert not re.search(rf"(?<![\w-]){re.escape(wrong)}(?![\w-])", text), f"{page.url}: {wrong!r} in {text}"


def ask_for(requirement: str) -> Callable[[Page], None]:
    """The officer asks for one document, because it cannot be read."""

    def fill(page: Page) -> None:
        page.locator(f"input[name=documents][value={requirement}]").check()
        choice = page.locator(f"select[name=reason-{requirement}]")
        choice.select_option(index=1)

    return fill


def a_day_in(days: int) -> str:
    """So many days from now, as a date field takes it."""
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def set_fee(page: Page) -> None:
    """The fee that there is, or the dearest of its group."""
    radios = page.locator("main input[type=radio]")
    if radios.count():
        radios.last.check()


def invite(page: Page) -> None:
    """In a week, at half past nine."""
    page.locator("input[name=examination]").first.check()
    page.locator("input[name=day]").fill(a_day_in(7))
    page.locator("input[name=time]").fill("09:30")


def examine(page: Page) -> None:
    """All that was done."""
    for box in page.locator("input[name=examinations]").all():
        box.check()


def approve(page: Page) -> None:
    """With the first reason, where there is one."""
    reasons = page.locator("input[name=reasons]")
    if reasons.count():
        reasons.first.check()


def issue(page: Page) -> None:
    """For five years."""
    page.locator("input[name=valid_until]").fill(a_day_in(1826))


FILLING: dict[str, Callable[[Page], None] | None] = {
    "biaya": set_fee,
    "undang": invite,
    "wawancara": examine,
    "setujui": approve,
    "terbitkan": issue,
}


@pytest.fixture
def walk(open_page: Opening, people: People) -> Callable[..., None]:
    """The walk itself; how it looks to whom is told by its arguments."""

    def go(
        *, service: str, person: dict[str, str], asks: str, english: bool, javascript: bool, size: dict[str, int],
        before: tuple[str, ...], after: tuple[str, ...],
    ) -> None:  # fmt: skip
        run = f"{'en' if english else 'id'}-{'js' if javascript else 'plain'}"
        look = looking(run)
        applicant = Applicant(open_page(javascript=javascript, size=size), english=english, look=look)
        applicant.open_draft(service, person)
        applicant.fill_draft(ANSWERS)
        code = applicant.hand_in()
        assert re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){4}", code), code
        people.wait_fact(applicant.number, 1)
        at_desk = open_page(javascript=javascript, size=size)
        officer = Officer(at_desk, applicant.number, english=english, look=look)
        officer.sign_in("Ratna")
        officer.open_case()
        officer.look("officer-case")

        officer.take("minta-dokumen", ask_for(asks))
        _supply(applicant, asks, people, live=javascript)
        for slug in before:
            officer.take(slug, FILLING.get(slug))
        _pay(applicant, people)
        for slug in after:
            officer.take(slug, FILLING.get(slug))
        applicant.wait_headline("collected")
        applicant.look("tracked-collected")
        expect(applicant.page.locator("main .notice.success")).to_be_visible()
        expect(applicant.page.locator("main ol.timeline li.ahead")).to_have_count(0)
        expect(applicant.page.locator("main ol.timeline li.current")).to_have_count(0)

    return go


def _supply(applicant: Applicant, asks: str, people: People, *, live: bool) -> None:
    """The applicant sees that something is asked for, and sends it."""
    applicant.wait_headline("documents_requested")
    applicant.look("tracked-documents-requested")
    applicant.follow(
        applicant.page.locator(f'main a[href="{applicant.prefix}/lacak/{applicant.number}/dokumen"]').first
    )
    for _ in range(80):  # intake learns of the request a moment after the tracking page does
        if applicant.page.locator("input[type=file]").count():
            break
        applicant.page.wait_for_timeout(250)
        applicant.page.reload()
    applicant.look("supply")
    applicant.upload(asks, f"{asks}.pdf")
    assert applicant.at(f"/lacak/{applicant.number}"), applicant.page.url
    if live:  # the page tells of it by itself
        expect(applicant.page.locator('#status:not([data-tag="documents_requested"])')).to_be_visible(timeout=20_000)
    people.wait(applicant.number, lambda status: status.get("situation") != "documents_requested")
    applicant.track()
    applicant.look("tracked-documents-supplied")


def _pay(applicant: Applicant, people: People) -> None:
    """The applicant reads how, and the treasury reports that it was done."""
    applicant.wait_headline("fee_due")
    applicant.look("tracked-fee-due")
    applicant.follow(applicant.page.locator(f'main a[href="{applicant.prefix}/lacak/{applicant.number}/bayar"]').first)
    applicant.look("pay")
    code = applicant.page.locator(".code-to-pay code").inner_text()
    case = people.case(applicant.number)
    assert code == case["assessments"][-1]["billing_code"]
    people.pay(case)
    people.wait(applicant.number, lambda status: status.get("situation") != "fee_due")
    applicant.page.reload()
    applicant.look("paid")
    applicant.track()
    applicant.look("tracked-paid")


def test_a_passport_from_start_to_collection_in_indonesian_without_scripts_on_a_small_phone(
    walk: Callable[..., Any],
) -> None:
    walk(
        service="passport_new", person=CITIZEN, asks="birth_record", english=False, javascript=False, size=PHONE,
        before=("biaya",), after=("undang", "periksa", "wawancara", "setujui", "terbitkan", "serahkan"),
    )  # fmt: skip


def test_a_stay_permit_from_start_to_collection_in_english_with_scripts_at_a_desk(walk: Callable[..., Any]) -> None:
    walk(
        service="voa_extension", person=FOREIGNER, asks="return_ticket", english=True, javascript=True, size=DESKTOP,
        before=("periksa", "biaya"), after=("setujui", "undang", "wawancara", "terbitkan", "serahkan"),
    )  # fmt: skip
