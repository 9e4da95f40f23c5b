"""Walks an application through the pages of applicant and officer, by what is on them, with and without scripts."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote, urlsplit

from playwright.sync_api import Locator, Page, expect

from tests.browser.looking import at
from tests.browser.people import document

Look = Callable[[Page, str], None]
PATIENCE_MS: Final = 20_000


def no_look(page: Page, name: str) -> None:
    """Walk on without a look."""


class Applicant:
    """Somebody with a browser. `look` is called with every new page and a name for it."""

    def __init__(self, page: Page, *, english: bool = False, look: Look = no_look) -> None:
        self.page = page
        self.prefix = "/en" if english else ""
        self._look = look
        self.number = ""

    def goto(self, path: str) -> None:
        """Open a page of ours in the language of this walk."""
        self.page.goto(self.prefix + path)

    def look(self, name: str) -> None:
        """Look at the page that is open."""
        expect(self.page.locator("h1")).to_have_count(1)
        self._look(self.page, name)

    def at(self, ending: str) -> bool:
        """Whether the address ends so."""
        return unquote(urlsplit(self.page.url).path).endswith(ending)

    def send(self) -> None:
        """Send the form of the page, the one in its main part, and wait for the page that follows."""
        with self.page.expect_navigation():
            self.page.locator("main form[method=post] button[type=submit]").first.click()

    def open_draft(self, service: str, person: dict[str, str]) -> str:
        """From the start page to a draft's overview; its number."""
        page = self.page
        self.goto("/")
        self.look("start")
        page.locator("#cari").fill(service_words(service))
        page.locator("form.searching button").click()
        self.look("search")
        page.locator(f'main a[href="{self.prefix}/layanan/{service}"]').first.click()
        self.look("service")
        page.locator(f'main a[href="{self.prefix}/ajukan/{service}"]').first.click()
        self.look("apply-start")
        page.locator(f'main a[href="{self.prefix}/ajukan/{service}/pemohon"]').click()
        self.look("apply-person-empty")
        self.send()
        expect(page.locator("#errors")).to_be_visible()
        self.look("apply-person-wrong")
        self.fill(person)
        self.send()
        self.number = unquote(urlsplit(page.url).path.rpartition("/")[2])
        self.look("apply-overview")
        return self.number

    def fill(self, values: dict[str, str]) -> None:
        """Fill fields by their names, whatever they are."""
        for name, value in values.items():
            field = self.page.locator(f"main [name={name}]").first
            if field.evaluate("one => one.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)

    def fill_draft(self, answers: dict[str, str]) -> None:
        """All pages after the first, to the review: as the form leads, one after the other."""
        page = self.page
        page.locator(f'main a.button[href^="{self.prefix}/draf/"]').first.click()
        while not self.at("/periksa"):
            before = page.url
            name = before.rpartition("/")[2]
            if self.at("/wakil"):
                page.locator("input[name=for][value=self]").check()
                self.look("apply-behalf")
                self.send()
            elif self.at("/bantuan"):
                page.locator("input[name=needs]").first.check()
                self.look("apply-needs")
                self.send()
            elif self.at("/dokumen"):
                self.look("apply-documents")
                todo = page.locator("main ol.steps li.current a")
                self.follow(todo.first if todo.count() else page.locator("main a.button").first)
            elif "/dokumen/" in before:
                self.upload(name, name + ".pdf")
            else:
                page.locator(f'input[name=answer][value="{answers[name]}"]').check()
                self.look(f"apply-{name}")
                self.send()
            assert page.url != before, f"stays at {before}"
        self.look("apply-review")

    def follow(self, link: Locator) -> None:
        """Click a link and wait for its page."""
        with self.page.expect_navigation():
            link.click()

    def upload(
        self, requirement: str, file_name: str, content: bytes = b"", media_type: str = "application/pdf"
    ) -> None:
        """Choose a file on the page of a document and send it."""
        file = {"name": file_name, "mimeType": media_type, "buffer": content or document(requirement)}
        self.page.locator("main input[type=file]").first.set_input_files(file)  # type: ignore[arg-type]
        self.look(f"apply-document-{requirement}")
        self.send()

    def hand_in(self) -> str:
        """From the review to the receipt; the access code on it."""
        with self.page.expect_navigation():
            self.page.locator("main form[action$='/periksa'] button").click()
        assert self.at("/tanda-terima"), self.page.url
        self.look("receipt")
        return self.page.locator(".receipt dd.big code").nth(1).inner_text()

    def track(self) -> None:
        """The tracking page by the link on the receipt, or by its address."""
        self.goto(f"/lacak/{self.number}")

    def wait_headline(self, situation: str) -> None:
        """Look again until the tracking page tells of `situation`; with scripts it does so by itself."""
        self.track()
        for _ in range(80):
            if self.page.locator(f'#status[data-tag="{situation}"]').count():
                return
            self.page.wait_for_timeout(250)
            self.track()
        raise AssertionError(f"{self.page.url} never tells of {situation}: {self.page.locator('h1').inner_text()}")


class Officer:
    """Somebody at the office's pages, working on one case."""

    def __init__(self, page: Page, number: str, *, english: bool = False, look: Look = no_look) -> None:
        self.page = page
        self.path = ("/en" if english else "") + f"/petugas/kasus/{number}"
        self._look = look

    def look(self, name: str) -> None:
        """Look at the page that is open."""
        expect(self.page.locator("h1")).to_have_count(1)
        self._look(self.page, name)

    def sign_in(self, person: str) -> None:
        """From the case, which is not shown yet, through the provider of identities, and back to it."""
        page = self.page
        page.goto(self.path)
        self.look("officer-sign-in")
        page.locator("main a.button").click()
        with page.expect_navigation(url=at(self.path)):
            page.get_by_role("button", name=re.compile(person)).click()

    def open_case(self) -> None:
        """The case, once processing has it."""
        for _ in range(80):
            answer = self.page.goto(self.path)
            if answer is not None and answer.ok:
                return
            self.page.wait_for_timeout(250)
        raise AssertionError(f"{self.path}: {answer.status if answer else 'nothing'}")

    def take(self, slug: str, fill: Callable[[Page], None] | None = None) -> None:
        """A step: from the case by its button, its form filled by `fill`, read in the applicant's words, then sent."""
        page = self.page
        button = page.locator(f'main a.button[href$="/langkah/{slug}"]')
        for _ in range(80):
            self.open_case()
            if button.count():
                break
            page.wait_for_timeout(250)
        with page.expect_navigation():
            button.click()
        if page.locator("main button[value=preview]").count():
            self.look(f"officer-{slug}")
            if fill:
                fill(page)
            with page.expect_navigation():
                page.locator("main button[value=preview]").click()
        self.look(f"officer-{slug}-preview")
        with page.expect_navigation():
            page.locator("main button[value=send]").click()
        assert unquote(urlsplit(page.url).path) == self.path, f"{page.url}: {page.locator('main').inner_text()}"
        expect(page.locator("main .notice.success").first).to_be_visible()
        self.look(f"officer-after-{slug}")


def service_words(service: str) -> str:
    """What people would type to find it."""
    return {"passport_new": "paspor baru", "imk": "re-entry permit", "voa_extension": "visa on arrival"}[service]
