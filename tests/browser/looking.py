"""What every page is looked at for: accessibility, width, and a picture for `make screenshots`."""

import os
import time
from pathlib import Path
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

AXE: Final = Axe()
RULES: Final = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def assert_accessible(page: Page) -> None:
    """axe-core finds nothing; the page has one h1, a title, its language, and fits its width."""
    assert page.locator("h1").count() == 1, f"{page.url}: not one h1"
    assert page.title(), f"{page.url}: no title"
    assert_fits(page)
    if not _runs_scripts(page):
        return
    found: dict[str, Any] = AXE.run(page, options=RULES).response
    wrong = [
        f"{one['id']}: {one['help']}\n    " + "\n    ".join(node["html"][:200] for node in one["nodes"][:5])
        for one in found["violations"]
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


def once_it_is(page: Page, script: str) -> Any:
    """What the asynchronous `script` gives, once that is something. (`wait_for_function` takes a promise for something.)"""
    ends = time.monotonic() + 15
    while not (found := page.evaluate(script)):
        assert time.monotonic() < ends, f"in vain: {script}"
        page.wait_for_timeout(100)
    return found


def _runs_scripts(page: Page) -> bool:
    """Whether the page may run scripts. Ours run in any case, but axe waits for timers that never come where it may not."""
    return not page.evaluate(
        "(() => { const box = document.createElement('div'); box.innerHTML = '<noscript><i></i></noscript>';"
        " return box.querySelector('i') !== null; })()"
    )
