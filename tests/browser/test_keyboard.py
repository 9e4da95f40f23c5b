"""From the start page to a handed-in application and its tracking page, with a keyboard and nothing else."""

from typing import Final
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Page, expect

from deploy.demo.people import document
from tests.browser.conftest import Opening

pytestmark = pytest.mark.timeout(180)
MOST_STOPS: Final = 90
"""No page has so many things that take the focus."""
PERSON: Final = {
    "name": "Papan Ketik",
    "email": "papan.ketik@example.org",
    "phone": "0812 3456 7890",
    "date_of_birth": "03031985",
    "place_of_birth": "Utrecht",
    "nationality": "Belanda",
    "passport_number": "XN0000001",
    "address": "Jalan Percobaan 1, Muara Aman",
}
SEEN: Final = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return { body: true };
  const style = getComputedStyle(one), box = one.getBoundingClientRect();
  return {
    what: `${one.tagName} ${one.name || one.textContent.trim().slice(0, 40)}`,
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && style.outlineColor !== "transparent",
    inside: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
  };
}"""


class Keys:
    """Hands on a keyboard. Where the focus goes, it is seen: an outline, inside the window."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.stops = 0

    def press(self, key: str) -> None:
        """Press a key, and look where the focus is."""
        self.page.keyboard.press(key)
        seen = self.page.evaluate(SEEN)
        if not seen.get("body"):
            self.stops += 1
            assert seen["outlined"], f"{self.page.url}: the focus on {seen['what']} is not seen"
            assert seen["inside"], f"{self.page.url}: the focus on {seen['what']} is outside the window"

    def to(self, selector: str, *, back: bool = False) -> None:
        """Tab on, or back, until the focus is on what `selector` matches."""
        for _ in range(MOST_STOPS):
            if self.page.evaluate("one => !!document.activeElement?.matches(one)", selector):
                return
            self.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"{self.page.url}: the keyboard never comes to {selector}")

    def enter(self) -> None:
        """Press Enter on a link, a button, or in a field, and wait for the page that follows."""
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def open(self, path: str) -> None:
        """Come to the link to `path` in the page's main part and follow it."""
        self.to(f'main a[href="{path}"]')
        self.enter()

    def write(self, name: str, text: str) -> None:
        """Come to a field and type; a choice is found by its first letters."""
        self.to(f"main [name={name}]")
        self.page.keyboard.type(text)

    def choose(self, name: str, value: str) -> None:
        """Come to a group of radio buttons and go to one of them by arrows; the group is one stop."""
        self.to(f"main input[name={name}]")
        self.press("Space")
        for _ in range(10):
            if self.page.evaluate("document.activeElement.value") == value:
                break
            self.press("ArrowDown")
        expect(self.page.locator(f'main input[name={name}][value="{value}"]')).to_be_checked()

    def send(self) -> None:
        """Come to the button of the page's form and press it."""
        self.to("main form[method=post] button[type=submit]")
        self.enter()


def test_the_first_stop_of_a_page_leads_past_its_navigation(page: Page) -> None:
    keys = Keys(page)
    for path in ("/", "/en/layanan", "/ajukan/imk/pemohon"):
        page.goto(path)
        keys.press("Tab")
        skip = page.locator("a.skip")
        expect(skip).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        keys.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null"), path
        keys.press("Shift+Tab")
        assert page.evaluate("document.activeElement.closest('header') !== null"), f"{path}: no way back"


def test_a_permit_is_applied_for_and_tracked_with_a_keyboard_alone(open_page: Opening) -> None:
    page = open_page()
    keys = Keys(page)
    page.goto("/")
    keys.write("cari", "re-entry permit")
    keys.enter()
    keys.open("/layanan/imk")
    keys.open("/ajukan/imk")
    keys.open("/ajukan/imk/pemohon")
    _say_who(keys)
    number = unquote(urlsplit(page.url).path.rpartition("/")[2])
    _fill(keys, number)
    keys.to("main form[action$='/periksa'] button")
    keys.enter()
    assert unquote(urlsplit(page.url).path) == f"/permohonan/{number}/tanda-terima"
    keys.to("[data-copy]")  # what is copied by mouse is reached by keys as well
    keys.to(f'main a.button[href="/lacak/{number}"]')
    _until_tracked(keys, number)
    expect(page.locator("#status")).to_be_visible()
    assert page.evaluate("document.querySelectorAll('main ol.timeline li').length") > 1
    keys.to("footer a")
    keys.to("main a, main button, main summary", back=True)
    assert keys.stops > 60, "a journey that saw hardly any focus proves nothing"


def _say_who(keys: Keys) -> None:
    """An empty form first: the focus goes to what is wrong, whose links lead to the fields."""
    page = keys.page
    keys.send()
    expect(page.locator("#errors")).to_be_focused()
    keys.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main [name=name]")).to_be_focused()
    for name, text in PERSON.items():
        keys.write(name, text)
    expect(page.locator("[name=date_of_birth]")).to_have_value("1985-03-03")
    expect(page.locator("[name=nationality]")).to_have_value("NL")
    keys.send()


def _fill(keys: Keys, number: str) -> None:
    """Each page of the draft, to the review."""
    page = keys.page
    keys.to(f'main a.button[href^="/draf/{number}/"]')
    keys.enter()
    while not (path := urlsplit(page.url).path).endswith("/periksa"):
        if path.endswith("/wakil"):
            keys.choose("for", "self")
            keys.send()
        elif path.endswith("/bantuan"):
            keys.to("main input[name=needs]")
            keys.press("Space")
            keys.send()
        elif path.endswith("/dokumen"):
            todo = page.locator("main ol.steps li.current a").count()
            keys.to("main ol.steps li.current a" if todo else "main a.button")
            keys.enter()
        elif "/dokumen/" in path:
            _upload(keys, path.rpartition("/")[2])
        else:
            keys.choose("answer", {"length": "for_1y", "handled_by_other": "self"}[path.rpartition("/")[2]])
            keys.send()
        assert urlsplit(page.url).path != path, f"stays at {path}: {page.locator('main').inner_text()}"


def _upload(keys: Keys, requirement: str) -> None:
    """The browser's own window for choosing a file is not a page: the file is put there; all else is by keys."""
    keys.to("main input[type=file]")
    file = {"name": f"{requirement}.pdf", "mimeType": "application/pdf", "buffer": document(requirement)}
    keys.page.locator("main input[type=file]").first.set_input_files(file)  # type: ignore[arg-type]
    keys.send()


def _until_tracked(keys: Keys, number: str) -> None:
    """To the tracking page; again where the status did not know the number yet."""
    keys.enter()
    for _ in range(40):
        if keys.page.locator("#status").count():
            return
        keys.page.wait_for_timeout(500)
        keys.page.reload()
    raise AssertionError(f"{number} is never tracked: {keys.page.locator('main').inner_text()}")
