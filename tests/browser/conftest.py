"""Pages in a real browser: Debian's Chromium, driven by Playwright, on the real system."""

import base64
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from deploy.local.process import tethered
from deploy.local.remote import RunningSystem
from services.portal.session import Session, Sessions, Staff
from tests.browser.people import People

HERE: Final = Path(__file__).parents[2]
CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS: Final = 15_000
PHONE: Final = {"width": 320, "height": 640}
DESKTOP: Final = {"width": 1280, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test in this folder needs Chromium and the whole system."""
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.system)


class Portal:
    """The portal under test. `key` is what its sessions are sealed with."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self.key = key

    @property
    def sessions(self) -> Sessions:
        """Opens and seals sessions as this portal does."""
        return Sessions([base64.urlsafe_b64encode(base64.b64decode(self.key))], secure=False, hours=12)

    def session(self, session: Session) -> list[dict[str, Any]]:
        """`session` as cookies for a browser context."""
        return [{"name": one.key, "value": one.value, "url": self.url} for one in self.sessions.close(session, {})]


@pytest.fixture(scope="session")
def portal(jejak: RunningSystem) -> Iterator[Portal]:
    """The portal of the running system; while tests are being written (JEJAK_TEST_STATE), one of this checkout."""
    if "portal" in jejak.urls and not os.environ.get("JEJAK_TEST_STATE"):
        yield Portal(jejak.urls["portal"], jejak.state.path("keys").joinpath("session.key").read_text().strip())
        return
    with _own_portal(jejak) as own:
        yield own


@pytest.fixture(scope="session")
def lonely_portal(jejak: RunningSystem) -> Iterator[Portal]:
    """A portal that does not reach the status service."""
    with _own_portal(jejak, JEJAK_STATUS_URL="http://127.0.0.1:9") as own:
        yield own


@contextmanager
def _own_portal(jejak: RunningSystem, **more: str) -> Iterator[Portal]:
    """A portal of this checkout, beside the one that runs."""
    with tempfile.TemporaryDirectory() as folder:
        key, place = base64.b64encode(secrets.token_bytes(32)).decode(), Path(folder) / "address"
        environment = os.environ | jejak.environment
        environment |= {
            "JEJAK_PORT": "0",
            "JEJAK_ADDRESS_FILE": str(place),
            "JEJAK_SESSION_KEY": key,
            "JEJAK_SERVICE_TOKEN": jejak.tokens["system"],
            **more,
        }
        command = tethered([sys.executable, "-m", "services.portal.main"])
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, cwd=HERE, stdout=log, stderr=log)
        try:
            yield Portal(_wait_for(place, process, Path(folder) / "log"), key)
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(place: Path, process: "subprocess.Popen[bytes]", log: Path) -> str:
    ends = time.monotonic() + 30
    while True:
        if place.exists():
            url = place.read_text().strip()
            try:
                if httpx.get(f"{url}/health/ready").is_success:
                    return url
            except httpx.HTTPError:
                pass
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < ends, log.read_text()
        time.sleep(0.05)


@pytest.fixture(scope="session")
def people(jejak: RunningSystem) -> Iterator[People]:
    """Applicants, officers and the treasury, over HTTP: to bring an application into a state quickly."""
    with People(jejak) as people:
        yield people


def installed_chromium() -> str | None:
    """Where it is."""
    return next((path for name in CHROMIUM if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser, started once for a file. Not optional where JEJAK_REQUIRE names it.

    Gone before the next file's tests: Playwright keeps an event loop running in this thread, in which theirs could not run.
    """
    found = installed_chromium()
    if found is None:
        if "browser" in os.environ.get("JEJAK_REQUIRE", ""):
            pytest.fail("there is no Chromium: install the package chromium")
        pytest.skip("there is no Chromium: install the package chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


Opening = Callable[..., Page]


@pytest.fixture
def open_page(chromium: Browser, portal: Portal) -> Iterator[Opening]:
    """Opens pages, each in a fresh profile: `open_page(javascript=True, size=DESKTOP, language="id", session=…, dark=False)`.

    What goes wrong in a page's script, or is forbidden by its policy, fails the test.
    """
    contexts: list[BrowserContext] = []
    wrong: list[str] = []

    def open_one(
        *,
        javascript: bool = True,
        size: dict[str, int] | None = None,
        session: Session | None = None,
        staff: Staff | None = None,
        dark: bool = False,
        **more: Any,
    ) -> Page:
        more = {"base_url": portal.url} | more
        context = chromium.new_context(
            java_script_enabled=javascript,
            viewport=size or DESKTOP,
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale="id-ID",
            **more,
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        if session or staff:
            kept = session or Session()
            kept.staff = staff or kept.staff
            context.add_cookies(portal.session(kept))
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        page.on("console", lambda said: _listen(said, wrong))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not wrong, "\n".join(wrong)


def _listen(said: Any, wrong: list[str]) -> None:
    if "Content Security Policy" in said.text or "Content-Security-Policy" in said.text:
        wrong.append(said.text)


@pytest.fixture
def page(open_page: Opening) -> Page:
    """A desktop with JavaScript."""
    return open_page()


@pytest.fixture
def phone(open_page: Opening) -> Page:
    """320 pixels wide, with JavaScript."""
    return open_page(size=PHONE)


@pytest.fixture
def plain_page(open_page: Opening) -> Page:
    """320 pixels wide, without JavaScript."""
    return open_page(javascript=False, size=PHONE)


@pytest.fixture(scope="session")
def staff(jejak: RunningSystem) -> Callable[..., Staff]:
    """`staff("officer", name="…")`: somebody who signed in with that role, with a real token."""

    def signed_in(role: str, *, name: str = "Petugas Percobaan", token: str | None = None) -> Staff:
        return Staff(
            subject=role,
            name=name,
            roles=[role],
            office="lebong",
            desk="front" if role == "officer" else None,
            access_token=token or jejak.tokens[role],
            expires_at=int(time.time()) + 3600,
        )

    return signed_in
