"""The catalogue is asked for once a minute, renewed by its tag, and serves for a while when intake is away."""

from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest
from pydantic import SecretStr

from contracts.catalogue import load
from services.portal.catalogue import FRESH_S, MOST_KEPT, STALE_S, CatalogueReader
from services.portal.offering.expecting import ExpectationReader
from services.portal.upstream import Away, Refused, Upstream


class Visitor:
    address, language, staff = "192.0.2.1", "id", None


VISITOR: Any = Visitor()
SERVICE = load().services["imk"]


class Server:
    """Intake as far as the reader sees it. `answer` may be changed; `asked` has the tags that came."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.now = 1000.0
        self.answer: Callable[[httpx.Request], httpx.Response] = self.good
        upstream = Upstream(
            "intake", "http://intake", SecretStr(""), timeout_s=1, transport=httpx.MockTransport(self._handle)
        )
        self.reader = CatalogueReader(upstream, clock=lambda: self.now)
        self.expectations = ExpectationReader(upstream, clock=lambda: self.now)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.url.path, request.headers.get("If-None-Match")))
        return self.answer(request)

    @staticmethod
    def good(request: httpx.Request) -> httpx.Response:
        if request.headers.get("If-None-Match") == '"one"':
            return httpx.Response(304)
        return httpx.Response(200, content=msgspec.json.encode(SERVICE), headers={"ETag": '"one"'})

    @staticmethod
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)


@pytest.fixture
def server() -> Server:
    return Server()


async def test_within_a_minute_nothing_is_asked_twice_and_then_only_with_the_tag(server: Server) -> None:
    assert await server.reader.service("imk", VISITOR) == SERVICE
    server.now += FRESH_S - 1
    await server.reader.service("imk", VISITOR)
    assert server.asked == [("/services/imk", None)]
    server.now += 2
    assert await server.reader.service("imk", VISITOR) == SERVICE
    assert server.asked[1:] == [("/services/imk", '"one"')]


async def test_while_intake_is_away_what_is_kept_serves_for_an_hour_and_is_tried_once_a_minute(server: Server) -> None:
    await server.reader.service("imk", VISITOR)
    server.answer = server.away
    server.now += FRESH_S
    for _ in range(3):
        assert await server.reader.service("imk", VISITOR) == SERVICE
    tries = len([path for path, tag in server.asked if tag])
    assert tries < 3 * 2  # the client may repeat a refused connection, but a minute is waited after that
    server.now += STALE_S
    with pytest.raises(Away):
        await server.reader.service("imk", VISITOR)


async def test_what_was_never_read_is_away_and_what_is_not_there_is_refused_and_not_kept(server: Server) -> None:
    server.answer = server.away
    with pytest.raises(Away):
        await server.reader.offices(VISITOR)
    server.answer = lambda _: httpx.Response(404, json={"type": "x/service-not-found"})
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await server.reader.service("nothing", VISITOR)
        assert refused.value.status == 404
    server.answer = server.good
    assert await server.reader.service("nothing", VISITOR) == SERVICE


async def test_an_answer_of_another_release_is_as_if_intake_were_away(server: Server) -> None:
    server.answer = lambda _: httpx.Response(200, json={"code": "imk", "prize": 1})
    with pytest.raises(Away):
        await server.reader.service("imk", VISITOR)


async def test_a_code_cannot_climb_out_of_its_path(server: Server) -> None:
    await server.reader.service("../staff?x=1", VISITOR)
    assert server.asked[0][0] in ("/services/..%2Fstaff%3Fx%3D1", "/services/../staff?x=1")
    assert "/staff" not in [path for path, _ in server.asked]


async def test_memory_is_bounded(server: Server) -> None:
    for number in range(MOST_KEPT + 1):
        await server.reader.service(f"s{number}", VISITOR)
    asked = len(server.asked)
    await server.reader.service(f"s{MOST_KEPT}", VISITOR)
    assert len(server.asked) == asked
    await server.reader.service("s0", VISITOR)
    assert len(server.asked) == asked + 1


async def test_what_is_to_be_expected_is_left_out_while_the_status_service_is_away(server: Server) -> None:
    server.answer = server.away
    assert await server.expectations.table(VISITOR) is None
    server.answer = lambda _: httpx.Response(200, json={"fewest": 30, "services": []})
    assert await server.expectations.table(VISITOR) is None, "asked again only after a minute"
    server.now += FRESH_S
    table = await server.expectations.table(VISITOR)
    assert table is not None
    assert table.fewest == 30
