"""What services and commands are told."""

import asyncio
import json
import mailbox
import smtplib
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.part import NotStarted, Part, Wave
from deploy.local.ports import Ports
from deploy.local.state import State
from deploy.local.topology import Topology, http_ready
from deploy.local.wanted import PARTS, PORTAL, SERVICES


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
    return next(part for part in topology.parts(PARTS) if part.name == name)


def test_each_service_listens_where_the_others_are_told(topology: Topology) -> None:
    told = topology.command_environment()
    for name in PARTS:
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
        with urllib.request.urlopen(f"{issuer.address}/.well-known/openid-configuration") as answer:
            assert json.load(answer)["issuer"] == part_named(topology, PORTAL).environment["JEJAK_OIDC_ISSUER"]
        with pytest.raises(NotStarted):
            await http_ready(issuer.ports[0], "/else")()
        with pytest.raises(urllib.error.HTTPError, match="403"):  # a name that was bound to this address
            urllib.request.urlopen(urllib.request.Request(issuer.address, headers={"Host": "evil.example"}))
        process.terminate()


def test_the_portal_has_no_log_no_tables_and_no_key_of_personal_data(topology: Topology) -> None:
    environment = part_named(topology, PORTAL).environment
    assert not environment.keys() & {"JEJAK_DATABASE", "JEJAK_KAFKA", "JEJAK_MASTER_KEY", "JEJAK_NUMBER_KEY"}


def test_the_portals_sessions_outlive_a_restart(tmp_path: Path, ports: Ports, topology: Topology) -> None:
    again = Topology(State(tmp_path), ports, "b:1", "postgresql://d/x", None)
    for variable in ("JEJAK_SESSION_KEY", "JEJAK_OIDC_CLIENT_SECRET"):
        assert part_named(again, PORTAL).environment[variable] == part_named(topology, PORTAL).environment[variable]


@pytest.mark.parametrize("service", SERVICES)
def test_services_believe_the_portal_who_asks_and_send_applicants_to_it(topology: Topology, service: str) -> None:
    environment = part_named(topology, service).environment
    assert environment["JEJAK_PROXIES"] == "127.0.0.1"
    assert environment["JEJAK_TRACK_URL"] == part_named(topology, PORTAL).address + "/lacak/{number}"


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
