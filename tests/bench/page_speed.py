"""`pages`: weight and server time of each page of `tests.bench.pages`; the track page's requests/s beside the JSON API's.

One portal process, with intake, processing and the status service behind it, each a process of its own as in production, but for the
limit of look-ups. For the requests/s the same applications are asked for in the same order at the portal (packed, without
a session, by browsers that have not been there) and at the status service; they take turns, and the best round of each
counts. The track pages have been asked for once before; those that are a minute old by then are made anew behind the requests of
the round, as in production.
"""

import base64
import gzip
import http.client
import random
import re
import secrets
import shutil
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, NamedTuple
from urllib.parse import quote, urlsplit

from services.portal.session import Session, Sessions, Staff
from tests.bench.lookup import SEED, Server, projected
from tests.bench.measure import Measure, Result, Surroundings
from tests.bench.pages import PAGES, Page
from tests.system.intake_process import intake_process
from tests.system.processing_process import processing_process
from tests.system.service_process import ServiceProcess

EVENTS = 6_000
ROUNDS = 3
SECONDS = 2.0
TIMES = 15
AIM = 0.5
FIRST_VIEW_BYTES = 60_000
_LINKED = re.compile(r'(?:<link rel="(?:stylesheet|icon|manifest)" href|<script type="module" src|<img src)="([^"]+)"')
_PACKED = {"Accept-Encoding": "gzip", "Accept": "text/html"}


@dataclass
class PortalProcess(ServiceProcess):
    """A running portal."""

    name: ClassVar[str] = "portal"
    urls: dict[str, str] = field(default_factory=dict)
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    def signed_in(self, role: str) -> str:
        """The `Cookie` header of somebody with `role`; empty for an applicant who comes for the first time."""
        if not role:
            return ""
        staff = Staff(
            subject=role, name="Bench", roles=[role], office="lebong", desk="front",
            access_token=self.issuer.token(role), expires_at=int(time.time()) + 3_600,
        )  # fmt: skip
        sessions = Sessions([base64.urlsafe_b64encode(self.key)], secure=False, hours=1)
        cookies = sessions.close(Session(secret="bench", staff=staff), {})
        return "; ".join(f"{one.key}={one.value}" for one in cookies)

    def settings(self) -> dict[str, str]:
        return {
            **{f"JEJAK_{name.upper()}_URL": url for name, url in self.urls.items()},
            "JEJAK_SESSION_KEY": base64.b64encode(self.key).decode(),
            "JEJAK_SERVICE_TOKEN": self.issuer.token("system"),
        }


class Weighed(NamedTuple):
    """What a page costs somebody who comes for the first time."""

    page: Page
    status: int
    html_bytes: int
    whole_bytes: int
    """With styles, scripts and pictures that it names; all as transferred."""
    server_ms: float


def measure_pages(around: Surroundings) -> Iterator[Result]:
    """Both lines."""
    with projected(around, EVENTS) as status:
        place = {"kafka": status.kafka, "database": status.database, "topic": status.topic}
        intake_at, processing_at, portal_at = _folders(status.folder)
        with (
            intake_process(intake_at, **place) as intake,
            processing_process(processing_at, **place) as processing,
            _portal(portal_at, place, status.url, str(intake.http.base_url), str(processing.http.base_url)) as portal,
        ):
            numbers = [row[0] for row in status.fetch("SELECT number FROM application ORDER BY number")]
            random.Random(SEED).shuffle(numbers)
            waiting = status.fetch("SELECT number FROM application WHERE waits_for = 'office' ORDER BY n DESC LIMIT 1")
            names = {"number": quote(waiting[0][0], safe=""), "case": quote(processing.opened(), safe="")}
            weighed = [_weigh(portal, page, names) for page in PAGES]
            for one in weighed:
                around.say(_told(one))
            assert status.process is not None
            assert portal.process is not None
            pages = Server("track page", _url(portal), portal.process.pid, [_page_request(one) for one in numbers])
            api = Server("JSON API", status.url, status.process.pid, [_api_request(one) for one in numbers])
            began = time.perf_counter()
            _warm(portal, numbers)
            anew_ms = 1_000 * (time.perf_counter() - began) / len(numbers)
            for place in range(ROUNDS):
                for server in (api, pages):
                    server.ask(SEED + place, SECONDS)
            around.say(
                f"{len(numbers):,} applications, best of {ROUNDS} rounds of {SECONDS:g} s: {pages}, {api}; "
                f"made anew one after the other {anew_ms:.1f} ms each"
            )
    heaviest = max((one for one in weighed if one.status == 200), key=lambda one: one.whole_bytes)
    yield Result("pages_track", pages.rate / api.rate, pages.rate, AIM, "requests/s")
    yield Result(
        "pages_weight", heaviest.whole_bytes / FIRST_VIEW_BYTES, heaviest.whole_bytes / 1_000, 1.0, "kB", better="lower"
    )


def _folders(status: Path) -> list[Path]:
    """Of intake, processing and the portal: whose tokens the status service takes, they take too."""
    folders = [status / name for name in ("intake", "processing", "portal")]
    for folder in folders:
        folder.mkdir()
        shutil.copy(status / "issuer.pem", folder)
    return folders


@contextmanager
def _portal(
    folder: Path, place: dict[str, str], status_url: str, intake_url: str, processing_url: str
) -> Iterator[PortalProcess]:
    urls = {"status": status_url, "intake": intake_url, "processing": processing_url, "notify": "http://127.0.0.1:9"}
    portal = PortalProcess(folder, **place, urls=urls)
    try:
        portal.start()
        yield portal
    finally:
        portal.stop()


def _weigh(portal: PortalProcess, page: Page, names: dict[str, str]) -> Weighed:
    connection = http.client.HTTPConnection(urlsplit(_url(portal)).netloc)
    path, cookie = page.path.format(**names), portal.signed_in(page.role)
    status, body = _get(connection, path, cookie)
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        _get(connection, path, cookie)
        times.append(1_000 * (time.perf_counter() - began))
    html = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    linked = {one for one in _LINKED.findall(html.decode()) if one.startswith("/")}
    more = sum(len(_get(connection, one)[1]) for one in linked)
    connection.close()
    return Weighed(page, status, len(body), len(body) + more, statistics.median(times))


def _told(one: Weighed) -> str:
    if one.status != 200:
        return f"{one.page.name}: answered {one.status}, not weighed"
    whole = one.whole_bytes / 1_000
    return f"{one.page.name}: {one.html_bytes / 1_000:.1f} kB, {whole:.1f} kB with all it names, {one.server_ms:.1f} ms"


def _get(connection: http.client.HTTPConnection, path: str, cookie: str = "") -> tuple[int, bytes]:
    connection.request("GET", path, headers=_PACKED | ({"Cookie": cookie} if cookie else {}))
    answer = connection.getresponse()
    return answer.status, answer.read()


def _warm(portal: PortalProcess, numbers: list[str]) -> None:
    connection = http.client.HTTPConnection(urlsplit(_url(portal)).netloc)
    for number in numbers:
        connection.request("GET", f"/lacak/{quote(number, safe='')}", headers=_PACKED | {"Host": "portal"})
        connection.getresponse().read()
    connection.close()


def _url(portal: PortalProcess) -> str:
    return str(portal.http.base_url)


def _page_request(number: str) -> str:
    return f"GET /lacak/{quote(number, safe='')} HTTP/1.1\r\nHost: portal\r\nAccept-Encoding: gzip\r\n\r\n"


def _api_request(number: str) -> str:
    return f"GET /applications/{quote(number, safe='')} HTTP/1.1\r\nHost: status\r\nAccept: application/json\r\n\r\n"


MEASURES: dict[tuple[str, ...], Measure] = {("pages", "pages_track", "pages_weight"): measure_pages}
