"""Kept track pages: shown only while the status service says that they are true, to those without a session."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.portal.tracking.asking import Silent, Slow, StillTrue
from services.portal.tracking.front import Front
from services.portal.tracking.keeping import Keep, Kept, Key, Shelf, keep

NUMBER = "LBG-0041-0G20-G508-M0G9-Q"
NOW = datetime(2026, 3, 2, tzinfo=UTC)


class World:
    """A framework that counts, a status service that answers as told, and a clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.rendered = 0
        self.is_true: bool | None = True
        self.may_keep = True
        self.asked: list[tuple[str, bytes, str]] = []
        self.shelf = Shelf()
        still_true: Any = self
        self.front = Front(self._app, still_true, self.shelf, session_cookie="jejak", now=lambda: self.now)

    async def unchanged(self, number: str, tag: bytes, address: str) -> bool:
        self.asked.append((number, tag, address))
        if self.is_true is None:
            raise Silent
        return self.is_true

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.rendered += 1
        if self.may_keep:
            keep(scope, Keep('"1-a"', self.now + timedelta(minutes=1), self.now + timedelta(minutes=10)))
        tag = b'"page-%d"' % self.rendered
        headers = [(b"etag", tag), (b"content-type", b"text/html")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"page %d" % self.rendered, "more_body": False})

    async def ask(self, path: str = f"/lacak/{NUMBER}", query: bytes = b"", **headers: str) -> tuple[int, bytes]:
        said: list[Any] = []

        async def send(message: Any) -> None:
            said.append(message)

        named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope: Any = {
            "type": "http", "method": "GET", "path": path, "query_string": query, "headers": named,
            "client": ("203.0.113.7", 1), "state": {},
        }  # fmt: skip
        await self.front(scope, None, send)  # type: ignore[arg-type]
        return said[0]["status"], said[1]["body"]


async def test_a_page_is_made_once_and_then_asked_about() -> None:
    world = World()
    assert [await world.ask() for _ in range(3)] == [(200, b"page 1")] * 3
    assert world.asked == [(NUMBER, b'"1-a"', "203.0.113.7")] * 2


async def test_a_page_that_is_no_longer_true_is_made_anew() -> None:
    world = World()
    await world.ask()
    world.is_true = False
    assert await world.ask() == (200, b"page 2")


async def test_while_the_status_service_is_silent_nothing_kept_is_shown_as_true() -> None:
    world = World()
    await world.ask()
    world.is_true = None
    assert await world.ask() == (200, b"page 2")


async def test_who_has_the_page_already_is_told_so() -> None:
    world = World()
    await world.ask()
    assert await world.ask(if_none_match='"page-1"') == (304, b"")
    assert await world.ask(if_none_match='"page-0"') == (200, b"page 1")


@pytest.mark.parametrize(
    "how",
    [
        {"cookie": "a=b; jejak=sealed"},
        {"query": b"pada=2026-03-02"},
        {"path": "/lacak/lbg-0041"},
        {"authorization": "Bearer x"},
    ],
)
async def test_what_is_asked_otherwise_is_never_kept_nor_from_the_shelf(how: dict[str, Any]) -> None:
    world = World()
    await world.ask()
    assert [await world.ask(**how) for _ in range(2)] == [(200, b"page 2"), (200, b"page 3")]


async def test_a_page_that_nobody_said_may_be_kept_is_not() -> None:
    world = World()
    world.may_keep = False
    assert [await world.ask() for _ in range(2)] == [(200, b"page 1"), (200, b"page 2")]


async def test_each_host_and_packing_has_its_own_page() -> None:
    world = World()
    await world.ask(host="a")
    assert await world.ask(host="b") == (200, b"page 2")
    assert await world.ask(host="a", accept_encoding="gzip") == (200, b"page 3")
    assert await world.ask(host="a") == (200, b"page 1")


async def test_a_page_that_is_a_minute_old_is_shown_once_more_and_made_anew_behind() -> None:
    world = World()
    await world.ask()
    world.now += timedelta(minutes=2)
    assert await world.ask() == (200, b"page 1")
    await asyncio.sleep(0.01)
    assert await world.ask() == (200, b"page 2")


async def test_a_page_that_is_too_old_is_made_anew_before_it_is_shown() -> None:
    world = World()
    await world.ask()
    world.now += timedelta(minutes=11)
    assert await world.ask() == (200, b"page 2")


def test_the_shelf_takes_no_more_than_it_may_and_drops_what_was_not_asked_for_the_longest() -> None:
    shelf = Shelf(size_bytes=4_500)
    for name in "abc":
        shelf.put(Key(name, "id", b"", False), Kept(b"", NOW, NOW + timedelta(1), [], bytes(1_000), b""))
        shelf.get(Key("a", "id", b"", False), NOW)
    assert [shelf.get(Key(name, "id", b"", False), NOW) is not None for name in "abc"] == [True, False, True]
    assert shelf.used_bytes <= 4_500


class StatusService:
    """Answers 304 to the entity tag that it has; `ends`: closes after each answer."""

    def __init__(self) -> None:
        self.ends = False
        self.heads: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
            except asyncio.IncompleteReadError:
                break
            self.heads.append(head)
            if 'If-None-Match: "1-a"' in head:
                writer.write(b'HTTP/1.1 304 Not Modified\r\netag: "1-a"\r\n\r\n')
            else:
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
            if self.ends:
                break
        writer.close()


async def test_the_lean_client_asks_on_kept_connections_and_survives_their_end() -> None:
    service = StatusService()
    server = await asyncio.start_server(service, "127.0.0.1", 0)
    async with server:
        client = StillTrue(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", connections=2)
        asking = [client.unchanged(NUMBER, b'"1-a"', "203.0.113.7") for _ in range(20)]
        assert await asyncio.gather(*asking) == [True] * 20
        assert await client.unchanged(NUMBER, b'"2-a"', "203.0.113.7") is False
        assert "X-Forwarded-For: 203.0.113.7" in service.heads[0]
        service.ends = True
        for _ in range(3):
            assert await client.unchanged(NUMBER, b'"1-a"', "203.0.113.7")
            await asyncio.sleep(0.01)
        client.close()


async def test_who_does_not_answer_in_time_is_given_up_and_others_are_answered() -> None:
    service = StatusService()
    late: list[asyncio.StreamWriter] = []

    async def only_the_second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if late:
            await service(reader, writer)
        late.append(writer)

    server = await asyncio.start_server(only_the_second, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        client = StillTrue(url, connections=1, patience_s=0.1)
        waits = asyncio.create_task(client.unchanged(NUMBER, b'"1-a"', ""))
        with pytest.raises(Slow):
            await waits
        assert await client.unchanged(NUMBER, b'"1-a"', "")
        client.close()
        late[0].close()


async def test_a_status_service_that_is_away_is_silent() -> None:
    client = StillTrue("http://127.0.0.1:9")
    with pytest.raises(Silent):
        await client.unchanged(NUMBER, b'"1-a"', "")
