from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Request, Response, get, post
from litestar.testing import TestClient

from runtime.conditional import etag, is_unchanged, matched_version, not_modified, require_match
from runtime.settings import Settings
from runtime.web import create_app

VERSION = 7


@get("/case")
async def case(request: Request[Any, Any, Any]) -> Response[Any]:
    if is_unchanged(request, etag(VERSION)):
        return not_modified(etag(VERSION), Vary="Accept")
    return Response({"version": VERSION}, headers={"ETag": etag(VERSION)})


@post("/case", status_code=200)
async def decide(request: Request[Any, Any, Any]) -> None:
    require_match(request, etag(VERSION))


@post("/command", status_code=200)
async def command(request: Request[Any, Any, Any]) -> int | None:
    return matched_version(request)


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient[Any]]:
    with TestClient(create_app(settings=settings, title="t", version="1", routes=[case, decide, command])) as client:
        yield client


@pytest.mark.parametrize("sent", ['"7"', 'W/"7"', '"6", "7"', '"6",W/"7"', "*"])
def test_what_the_caller_has_already_is_not_sent_again(client: Any, sent: str) -> None:
    answer = client.get("/case", headers={"If-None-Match": sent})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == '"7"'
    assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("sent", [None, '"6"', "7", '"77"', ""])
def test_another_version_is_sent(client: Any, sent: str | None) -> None:
    answer = client.get("/case", headers={} if sent is None else {"If-None-Match": sent})
    assert answer.json() == {"version": 7}


@pytest.mark.parametrize("sent", ['"7"', '"6", "7"', "*"])
def test_the_present_version_may_be_changed(client: Any, sent: str) -> None:
    assert client.post("/case", headers={"If-Match": sent}).status_code == 200


@pytest.mark.parametrize("sent", ['"6"', 'W/"7"', "7", '"'])
def test_another_version_may_not(client: Any, sent: str) -> None:
    answer = client.post("/case", headers={"If-Match": sent})
    assert answer.status_code == 412
    assert answer.headers["etag"] == '"7"'


@pytest.mark.parametrize("path", ["/case", "/command"])
def test_without_a_condition_nothing_is_changed(client: Any, path: str) -> None:
    answer = client.post(path)
    assert answer.status_code == 428
    assert answer.json()["type"].endswith("/if-match-missing")


def test_a_command_gets_the_version_that_was_named(client: Any) -> None:
    assert client.post("/command", headers={"If-Match": '"12"'}).json() == 12
    assert client.post("/command", headers={"If-Match": "*"}).json() is None


@pytest.mark.parametrize("sent", ['"x"', 'W/"3"', '"1","2"', "12", '"-1"', '"²"'.encode("latin-1")])
def test_a_tag_that_is_no_version_of_ours_matches_nothing(client: Any, sent: str | bytes) -> None:
    assert client.post("/command", headers={"If-Match": sent}).status_code == 412


def test_a_version_with_a_quote_makes_no_tag() -> None:
    with pytest.raises(ValueError, match="no entity tag"):
        etag('a"b')
