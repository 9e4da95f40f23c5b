"""What the pages say while intake cannot be reached: what still works is offered, and nothing is lost."""

from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from services.portal.main import build
from services.portal.settings import PortalSettings


@pytest.fixture(scope="module")
def client(settings: PortalSettings) -> Iterator[TestClient[Litestar]]:
    with TestClient(build(settings)) as client:
        yield client


def test_the_start_page_still_offers_to_track(client: TestClient[Litestar]) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert 'name="nomor"' in answer.text
    assert "Daftar layanan sedang tidak dapat kami tunjukkan" in answer.text
    assert answer.headers["Cache-Control"] == "no-store", "a page that lacks something is not kept"


@pytest.mark.parametrize("path", ["/layanan", "/layanan/imk", "/bandingkan", "/bantu-pilih", "/kantor", "/bantuan"])
def test_other_pages_say_that_nothing_is_lost_and_to_try_again(client: TestClient[Litestar], path: str) -> None:
    answer = client.get(f"/en{path}")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "<h1>" in answer.text
    assert 'lang="en"' in answer.text
