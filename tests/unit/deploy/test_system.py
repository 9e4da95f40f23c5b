"""Starting a system: ports that others took, infrastructure that does not answer."""

import asyncio
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import infrastructure, system
from deploy.local.infrastructure import Found, Ground, Infrastructure, Way
from deploy.local.part import NotStarted, Part, Wave
from deploy.local.ports import LOOPBACK
from deploy.local.site import Site
from deploy.local.state import State
from deploy.local.system import System
from deploy.local.wanted import Wanted

LISTENS = """
import socket, sys, time
server = socket.socket(); server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", int(sys.argv[1]))); server.listen()
time.sleep(600)
"""


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def listener(port: int, somebody_elses: int) -> Part:
    async def ready() -> None:
        _, writer = await asyncio.open_connection(LOOPBACK, port)
        writer.close()
        if port == somebody_elses:
            raise ConnectionError("that is another server")

    return Part("kafka", [sys.executable, "-c", LISTENS, str(port)], ready, Wave.INFRASTRUCTURE, f"b:{port}", (port,))


async def test_a_port_that_was_taken_in_between_is_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken_port: int
) -> None:
    first = iter([taken_port])

    async def find(site: Site, ground: Ground) -> Infrastructure:
        part = listener(next(first, 0) or ground.ports.take(), taken_port)
        return Infrastructure(Found(Way.NATIVE, part.address, part), Found(Way.NATIVE, "postgresql://d/x"))

    async def look_around() -> Site:
        return Site()

    monkeypatch.setattr(system, "find", find)
    monkeypatch.setattr(system, "look_around", look_around)
    said: list[str] = []
    running = System(State(tmp_path / "state"), Wanted(services=(), support=False), said.append)
    try:
        await running.start()
        assert running.run.ready
        assert running.run.environment["JEJAK_KAFKA"] != f"b:{taken_port}"
        assert any(f"port {taken_port} is taken" in line for line in said)
    finally:
        await running.stop()


async def test_a_named_broker_that_does_not_answer_is_said(tmp_path: Path) -> None:
    ground = Ground(tmp_path, system.Ports(), print)
    with pytest.raises(NotStarted, match=r"no Kafka answers at 127\.0\.0\.1:1 \(JEJAK_KAFKA\)"):
        await asyncio.to_thread(infrastructure.find_kafka, Site(kafka="127.0.0.1:1"), ground)


async def test_a_named_database_that_does_not_answer_is_said_without_its_password(tmp_path: Path) -> None:
    site = Site(database="postgresql://jejak:hidden@127.0.0.1:1/jejak")
    with pytest.raises(NotStarted, match="JEJAK_DATABASE") as failure:
        await asyncio.to_thread(infrastructure.find_database, site, Ground(tmp_path, system.Ports(), print))
    assert "hidden" not in str(failure.value)


async def test_when_one_search_fails_what_the_other_found_is_given_up(tmp_path: Path) -> None:
    closed: list[str] = []

    async def found() -> Found:
        return Found(Way.DOCKER, "b:1", close=lambda: closed.append("kafka"))

    async def fails() -> Found:
        raise NotStarted("no database")

    with pytest.raises(NotStarted, match="no database"):
        await infrastructure._both(found(), fails())
    assert closed == ["kafka"]
