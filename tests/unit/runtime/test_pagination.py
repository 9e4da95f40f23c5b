import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from litestar import Request, Response, get
from litestar.params import FromQuery
from litestar.testing import TestClient

from runtime.pagination import decode_cursor, encode_cursor, next_link
from runtime.problems import Problem
from runtime.settings import Settings
from runtime.web import create_app


@get("/numbers")
async def numbers(request: Request[Any, Any, Any], cursor: FromQuery[str | None] = None) -> Response[list[int]]:
    after = decode_cursor(cursor, int) or 0
    page = list(range(after + 1, min(after + 4, 11)))
    return Response(page, headers=dict(next_link(request, page[-1] if page[-1] < 10 else None)))


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient[Any]]:
    with TestClient(create_app(settings=settings, title="t", version="1", routes=[numbers])) as client:
        yield client


def test_following_the_links_reads_everything_once(client: Any) -> None:
    read, url = [], "/numbers?sort=a%26b&state=x"
    while url:
        answer = client.get(url)
        read += answer.json()
        match = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("link", ""))
        url = match[1] if match else ""
        if url:
            query = parse_qs(urlsplit(url).query)
            assert (query["sort"], query["state"], len(query["cursor"])) == (["a&b"], ["x"], 1)
    assert read == list(range(1, 11))


def test_a_place_of_several_parts_survives() -> None:
    place = (12, "LBG-1", None)
    assert decode_cursor(encode_cursor(place), tuple[int, str, None]) == place
    assert re.fullmatch(r"[\w-]+", encode_cursor(place))


@pytest.mark.parametrize("cursor", ["", "!", "é", "x" * 2000, encode_cursor("text"), encode_cursor([1])])
def test_a_wrong_cursor_is_refused(client: Any, cursor: str) -> None:
    with pytest.raises(Problem) as refusal:
        decode_cursor(cursor, int)
    assert (refusal.value.status, refusal.value.slug) == (400, "cursor")
    assert client.get("/numbers", params={"cursor": cursor}).status_code == 400
