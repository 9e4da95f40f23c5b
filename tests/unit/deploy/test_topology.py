"""What services and commands are told."""

import asyncio
import mailbox
import smtplib
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.part import NotStarted, Part, Wave
from deploy.local.ports import Ports
from deploy.local.state import State
from deploy.local.topology import Topology, http_ready
from deploy.local.wanted import SERVICES


@pytest.fixture
def ports() -> Iterator[Ports]:
    ports = Ports()
    yield ports
    ports.release()


@pytest.fixture
def topology(tmp_path: Path, ports: Ports) -> Topology:
    state = State(tmp_path)
    state.create()
    return Topology(state, ports, "127.0.0.1:9092", "postgresql://jejak@127.0.0.1/jejak", None)


def part_named(topology: Topology, name: str) -> Part:
    return next(part for part in topology.parts(SERVICES) if part.name == name)


def test_each_service_listens_where_the_others_are_told(topology: Topology) -> None:
    told = topology.command_environment()
    for name in SERVICES:
        part = part_named(topology, name)
        assert part.address == told[f"JEJAK_{name.upper()}_URL"]
        assert part.address.endswith(f":{part.environment['JEJAK_PORT']}")
        assert part.wave is Wave.SERVICE


def test_only_the_services_asked_for_are_parts(topology: Topology) -> None:
    assert [part.name for part in topology.parts(["status"])] == ["issuer", "mail", "status"]


def test_a_command_gets_a_token_for_each_role_but_not_the_master_key(topology: Topology) -> None:
    told = topology.command_environment()
    for role in ("OFFICER", "SUPERVISOR", "AUDITOR", "OPERATOR", "SYSTEM"):
        assert told[f"JEJAK_TOKEN_{role}"].count(".") == 2
    assert "JEJAK_MASTER_KEY" not in told
    assert "JEJAK_LOG_GENERATION" not in told


def test_the_log_in_memory_gets_a_generation_of_its_own(tmp_path: Path, ports: Ports) -> None:
    topology = Topology(State(tmp_path), ports, "b:1", "postgresql://d/x", "ab12")
    assert part_named(topology, "status").environment["JEJAK_LOG_GENERATION"] == "ab12"


async def test_the_key_set_is_served_to_services(topology: Topology) -> None:
    issuer = part_named(topology, "issuer")
    with subprocess.Popen(issuer.command, stderr=subprocess.DEVNULL) as process:
        await ready(issuer)
        with urllib.request.urlopen(topology.command_environment()["JEJAK_JWKS"]) as answer:
            assert b'"kty": "OKP"' in answer.read()
        with pytest.raises(NotStarted):
            await http_ready(issuer.ports[0], "/else")()
        process.terminate()


async def test_mail_is_filed_and_not_delivered(topology: Topology) -> None:
    mail = part_named(topology, "mail")
    with subprocess.Popen([sys.executable, *mail.command[1:]]) as process:
        await ready(mail)
        with smtplib.SMTP("127.0.0.1", mail.ports[0]) as client:
            client.sendmail("jejak@example.org", ["pemohon@example.org"], "Subject: Permohonan\r\n\r\nDiterima.\r\n")
        process.terminate()
    box = mailbox.Maildir(topology.command_environment()["JEJAK_MAIL"], create=False)
    (message,) = box
    assert message["Subject"] == "Permohonan"
    assert message["X-RcptTo"] == "pemohon@example.org"


async def ready(part: Part) -> None:
    """Wait for the part."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await part.ready()
            except OSError:
                await asyncio.sleep(0.05)
