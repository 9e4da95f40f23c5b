"""What every page is looked at for: accessibility, width, and a picture for `make screenshots`."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page, Route

RULES: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],  # of what is right axe would describe every element
}
_TWINS: Final[WeakKeyDictionary[Page, Page]] = WeakKeyDictionary()
_NOSCRIPT: Final = re.compile(r"</?noscript>")


def at(path: str) -> Callable[[str], bool]:
    """Whether an address is that of `path`, however it writes the sign that a number may end in."""
    return lambda url: unquote(url).endswith(path)


def assert_accessible(page: Page) -> None:
    """axe-core finds nothing; the page has one h1, a title, its language, and fits its width."""
    page.wait_for_load_state("domcontentloaded")  # a click returns when the next page has begun
    assert page.locator("h1").count() == 1, f"{page.url}: not one h1"
    assert page.title(), f"{page.url}: no title"
    assert_fits(page)
    same = _where_axe_runs(page)
    same.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = same.evaluate("rules => axe.run(rules).then(all => all.violations)", RULES)
    wrong = [
        f"{one['id']}: {one['help']}\n    " + "\n    ".join(node["html"][:200] for node in one["nodes"][:5])
        for one in found
    ]
    assert not wrong, f"{page.url}:\n" + "\n".join(wrong)


def assert_fits(page: Page) -> None:
    """Nothing is wider than the window: no scrolling in two directions (WCAG 1.4.10)."""
    if size := page.viewport_size:
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= size["width"], f"{page.url}: {width} px wide in a window of {size['width']}"


def shot(page: Page, name: str) -> None:
    """A picture of the whole page, where JEJAK_SCREENSHOTS names a folder (`make screenshots`)."""
    if folder := os.environ.get("JEJAK_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True, animations="disabled")


def once_it_is(page: Page, script: str, *, again: Callable[[], Any] = lambda: None) -> Any:
    """What the asynchronous `script` gives, once that is something. (`wait_for_function` takes a promise for something.)
    `again` is done now and then meanwhile: what the browser may lose."""
    ends, asked = time.monotonic() + 15, 0
    while not (found := page.evaluate(script)):
        assert time.monotonic() < ends, f"in vain: {script}"
        page.wait_for_timeout(100)
        asked += 1
        if asked % 40 == 0:
            again()
    return found


def _where_axe_runs(page: Page) -> Page:
    """The page itself; where it may not run scripts, its content in one that may, but gets none of ours."""
    if _runs_scripts(page):
        return page
    twin = _TWINS.get(page)
    if twin is None:
        assert page.context.browser is not None
        context = page.context.browser.new_context(viewport=page.viewport_size, service_workers="block")
        twin = _TWINS[page] = context.new_page()
    content = _NOSCRIPT.sub("", page.content())  # what stands there is seen

    def answer(route: Route) -> None:
        match route.request.resource_type:
            case "document" if route.request.frame == twin.main_frame:
                route.fulfill(body=content, content_type="text/html; charset=utf-8")
            case "stylesheet" | "image":
                route.continue_()
            case _:
                route.abort()

    twin.unroute_all()
    twin.route("**/*", answer)
    twin.goto(page.url)
    return twin


def _runs_scripts(page: Page) -> bool:
    """Whether the page may run scripts. Ours run in any case, but axe waits for timers that never come where it may not."""
    return not page.evaluate(
        "(() => { const box = document.createElement('div'); box.innerHTML = '<noscript><i></i></noscript>';"
        " return box.querySelector('i') !== null; })()"
    )
