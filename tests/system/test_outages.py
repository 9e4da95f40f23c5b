"""The database away, the broker away, a port taken, the disk full: what is answered meanwhile, and what is left afterwards."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.remote import RunningSystem
from deploy.local.wanted import SERVICES
from tests.chaos.evidence import timeline
from tests.chaos.load import PDF, Load
from tests.chaos.outage import away
from tests.chaos.patience import Acknowledged
from tests.system.intake_process import intake_process

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

UNKNOWN = "LBG-0000-0000-0000-0000-0"
QUESTIONS = [
    ("intake", "POST", "/drafts", ""),
    ("intake", "GET", "/drafts/{number}", "applicant"),
    ("intake", "POST", "/drafts/{number}/submit", "applicant"),
    ("intake", "GET", "/applications/{number}/contact", "system"),
    ("processing", "GET", "/cases", "officer"),
    ("processing", "GET", "/cases/{number}", "officer"),
    ("status", "GET", "/applications/{number}", ""),
    ("status", "GET", "/applications/{number}/timeline", ""),
    ("notify", "GET", "/deliveries", "operator"),
]
DRAFT = {"service": "passport_new", "applicant": {"name": "Pemohon Contoh", "email": "pemohon@example.org"}}


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"not so after {timeout_s:.0f} s"
        time.sleep(0.1)


def apply(jejak: RunningSystem, count: int, seed: int) -> list[Acknowledged]:
    """Applications that were acknowledged."""
    load = Load(jejak, seed=seed, rate_per_s=20, count=count)
    asyncio.run(load.run())
    assert load.ledger.complaints == []
    assert len(load.ledger.acknowledged) == count
    return load.ledger.acknowledged


def facts(jejak: RunningSystem, number: str) -> list[str]:
    """What the public timeline says, in order."""
    with httpx.Client(base_url=jejak.urls["status"], timeout=20) as http:
        return [entry["type"] for entry in timeline(http, number)]


def ask(jejak: RunningSystem, question: tuple[str, str, str, str], known: Acknowledged) -> httpx.Response:
    service, method, path, role = question
    more: dict[str, Any] = {"json": DRAFT} if path == "/drafts" else {}
    if role == "applicant":
        more["auth"] = (known.number, known.access_code)
    elif role:
        more["headers"] = {"Authorization": f"Bearer {jejak.tokens[role]}"}
    return httpx.request(method, jejak.urls[service] + path.format(number=known.number), timeout=20, **more)


def assert_unavailable(answer: httpx.Response) -> None:
    assert answer.status_code == 503, f"{answer.request.url}: {answer.status_code} {answer.text[:300]}"
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 503


@pytest.fixture(scope="module")
def known(jejak: RunningSystem) -> Acknowledged:
    """An application that everybody knows of."""
    [one] = apply(jejak, 1, seed=int(time.time()))
    wait_until(lambda: "submitted" in facts(jejak, one.number))
    wait_until(lambda: ask(jejak, ("processing", "GET", "/cases/{number}", "officer"), one).is_success)
    return one


def test_without_a_database_every_service_says_so_and_recovers_by_itself(
    jejak: RunningSystem, known: Acknowledged
) -> None:
    pids = {service: jejak.pid(service) for service in SERVICES}
    draft_key = {"Idempotency-Key": "outage-of-the-database"}
    with away(jejak, "postgres"):
        for question in QUESTIONS:
            assert_unavailable(ask(jejak, question, known))
        assert_unavailable(httpx.post(f"{jejak.urls['intake']}/drafts", json=DRAFT, headers=draft_key, timeout=20))
        for service in SERVICES:
            assert_unavailable(httpx.get(f"{jejak.urls[service]}/health/ready", timeout=20))
            assert httpx.get(f"{jejak.urls[service]}/health/live").status_code == 200
    for question in QUESTIONS:
        wait_until(lambda: ask(jejak, question, known).is_success)  # noqa: B023 - used at once
    assert httpx.post(f"{jejak.urls['intake']}/drafts", json=DRAFT, headers=draft_key, timeout=20).status_code == 201
    assert {service: jejak.pid(service) for service in SERVICES} == pids
    assert facts(jejak, known.number).count("submitted") == 1


def test_without_a_broker_applicants_and_officers_go_on_and_it_all_arrives_later(
    jejak: RunningSystem, known: Acknowledged
) -> None:
    [waiting] = apply(jejak, 1, seed=int(time.time()) + 1)
    case = f"{jejak.urls['processing']}/cases/{waiting.number}"
    officer = {"Authorization": f"Bearer {jejak.tokens['officer']}"}
    wait_until(lambda: httpx.get(case, headers=officer).is_success)
    with away(jejak, "kafka"):
        applied = apply(jejak, 5, seed=int(time.time()) + 2)
        version = {"If-Match": httpx.get(case, headers=officer, timeout=20).headers["ETag"]}
        done = httpx.post(f"{case}/verify-documents", headers=officer | version, json={}, timeout=20)
        assert done.is_success, done.text
        assert "submitted" in facts(jejak, known.number)
        assert not any(facts(jejak, one.number) for one in applied)
    for one in applied:
        wait_until(lambda: "submitted" in facts(jejak, one.number))  # noqa: B023 - used at once
        assert facts(jejak, one.number).count("submitted") == 1
    wait_until(lambda: "documents_verified" in facts(jejak, waiting.number))
    assert facts(jejak, waiting.number).count("documents_verified") == 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_port_in_use_is_said_in_one_line(service: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = {
            "JEJAK_KAFKA": "127.0.0.1:1",
            "JEJAK_DATABASE": "postgresql://nobody@127.0.0.1:1/nothing",
            "JEJAK_MASTER_KEY": "00" * 32,
            "JEJAK_DOCUMENTS": (tmp_path / "documents").as_uri(),
            "JEJAK_INTAKE_URL": "http://127.0.0.1:1",
            "JEJAK_SMTP": "127.0.0.1:1",
            "JEJAK_PORT": str(port),
        }
        ended = subprocess.run(
            [sys.executable, "-m", f"services.{service}.main"],
            env={name: value for name, value in os.environ.items() if not name.startswith("JEJAK_")} | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 2, ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert f"127.0.0.1:{port}" in ended.stderr
    assert "JEJAK_PORT" in ended.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for one mebibyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk, and not in every container")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_refuses_an_upload_and_leaves_the_draft_as_it_was(
    infrastructure: Any, fresh_database: str, fresh_topic_prefix: str, tmp_path: Path, small_disk: Path
) -> None:
    filling = small_disk / "filling"
    with intake_process(
        tmp_path,
        kafka=infrastructure.kafka,
        database=fresh_database,
        topic=f"{fresh_topic_prefix}intake",
        JEJAK_DOCUMENTS=(small_disk / "documents").as_uri(),
    ) as intake:
        draft = intake.open_draft()
        first, second, *rest = draft.show().json()["missing"]
        assert draft.attach(first, PDF, "application/pdf").status_code == 200
        before, stored = draft.show().json(), files(small_disk)
        filling.write_bytes(bytes(free_bytes(small_disk)))
        refused = draft.attach(second, PDF, "application/pdf")
        assert refused.status_code in (503, 507)
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert int(refused.headers["Retry-After"]) > 0
        assert files(small_disk) == stored | {filling}
        assert draft.show().json() == before
        filling.unlink()
        for requirement in (second, *rest):
            assert draft.attach(requirement, PDF, "application/pdf").status_code == 200
        assert draft.submit().status_code == 201


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def free_bytes(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize
