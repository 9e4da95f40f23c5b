"""Boards and the auditor's pages while the other services cannot be reached: each says so, and what to do."""

import base64
import time
from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from pydantic import SecretStr

from services.portal.main import build
from services.portal.session import Session, Sessions, Staff
from services.portal.settings import PortalSettings

NOWHERE = "http://127.0.0.1:9"
KEY = bytes(32)


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    settings = PortalSettings(
        office="lebong",
        intake_url=NOWHERE,
        processing_url=NOWHERE,
        status_url=NOWHERE,
        notify_url=NOWHERE,
        session_key=SecretStr(base64.b64encode(KEY).decode()),
        upstream_timeout_s=1,
    )
    staff = Staff(
        subject="a", name="A", roles=["auditor"], access_token="t", office="lebong", expires_at=int(time.time()) + 3600
    )
    with TestClient(build(settings)) as client:
        for cookie in Sessions([base64.urlsafe_b64encode(KEY)], secure=False, hours=1).close(Session(staff=staff), {}):
            client.cookies.set(cookie.key, cookie.value or "")
        yield client


@pytest.mark.parametrize("board", ["antrean", "batas-waktu", "menunggu", "tahap", "meja", "penyimpangan"])
def test_a_board_whose_figures_cannot_be_had_says_when_to_try_again(client: TestClient[Litestar], board: str) -> None:
    answer = client.get(f"/papan/{board}?layanan=itas")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) == 20
    assert "Angka ini belum dapat diambil" in answer.text
    assert f'href="/papan/{board}?layanan=itas"' in answer.text, "the way to try again keeps what was chosen"


def test_the_overview_still_leads_to_the_boards(client: TestClient[Litestar]) -> None:
    answer = client.get("/papan")
    assert answer.status_code == 200
    assert "Layanan status sedang tidak dapat dihubungi" in answer.text
    assert 'href="/papan/penyimpangan"' in answer.text


@pytest.mark.parametrize(
    "path", ["/audit", "/audit/LBG-1", "/audit/statistik", "/audit/ekspor", "/audit/ekspor/berkas", "/papan/kasus"]
)
def test_an_auditors_page_says_that_nothing_is_lost(client: TestClient[Litestar], path: str) -> None:
    answer = client.get(f"/en{path}")
    assert answer.status_code == 503
    assert "<h1>" in answer.text
    assert 'lang="en"' in answer.text
    assert "text/html" in answer.headers["content-type"], "a refusal is a page, not an empty file"


def test_a_board_that_does_not_exist_is_not_found(client: TestClient[Litestar]) -> None:
    assert client.get("/papan/laba").status_code == 404
