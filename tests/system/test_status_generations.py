"""Generations of the projection: kept until confirmed, gone back to, and of two releases side by side."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contracts.envelope import encode_event, new_salt
from contracts.facts import DocumentsVerified
from deploy.local.database import temporary_database
from tests.conftest import PERMIT_CATALOGUE
from tests.system.status_process import BEGAN, OFFICE, OFFICER, Status, events_of, status_process, wait_until

pytestmark = pytest.mark.system

ANOTHER = {"JEJAK_CATALOGUE_EXTRA": str(PERMIT_CATALOGUE)}
"""The settings of a release with another catalogue, so of another version of the projection."""


@pytest.fixture
def status(infrastructure: Any, tmp_path: Path) -> Iterator[Status]:
    (tmp_path / "old").mkdir()
    with (
        temporary_database(infrastructure.database) as database,
        status_process(
            tmp_path / "old",
            kafka=infrastructure.kafka,
            database=database,
            topic=f"test-generations-{secrets.token_hex(5)}",
        ) as service,
    ):
        yield service


@pytest.fixture
def newer(status: Status, tmp_path: Path) -> Iterator[Status]:
    """Another release on the same database, topic and group; not started."""
    (tmp_path / "new").mkdir()
    service = Status(tmp_path / "new", status.kafka, status.database, status.topic)
    try:
        yield service
    finally:
        service.kill()


def _generations(status: Status, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "deploy.local.cli", "generations", *arguments],
        env=status.environment | settings, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def _states(status: Status) -> list[tuple[int, str]]:
    return [(one["generation"], one["state"]) for one in json.loads(_generations(status, "list", "--json").stdout)]


def _digest(status: Status) -> str:
    with status.client() as client:
        return str(client.get("/digest/", headers=status.token("auditor"), timeout=30).json()["digest"])


def _one_more(number: str, name: str) -> tuple[str, bytes]:
    return number, encode_event(
        DocumentsVerified(by=OFFICER), id=name, source=f"{OFFICE}/processing", subject=number, time=BEGAN,
        salt=new_salt(bytes(32)),
    )  # fmt: skip


def _has(status: Status, number: str, events: int) -> None:
    with status.client() as client:
        wait_until(
            lambda: client.get(f"/applications/{number}").json().get("events") == events, f"{events} events are shown"
        )
        entries = client.get(f"/applications/{number}/timeline?limit=200").json()["entries"]
        assert [entry["n"] for entry in entries] == list(range(1, events + 1))


def test_the_old_generation_is_kept_until_the_new_one_is_confirmed(status: Status) -> None:
    status.start()
    status.publish_lives(40)
    status.wait_for_all()
    rebuilt = status.rebuild("--from", "kafka")
    assert "generation 1 is kept" in rebuilt.stderr
    assert _states(status) == [(1, "retired"), (2, "live")]
    shown = _generations(status).stdout
    assert "retired" in shown
    assert " MB" in shown
    confirmed = _generations(status, "confirm")
    assert confirmed.stdout == "generations: confirmed, dropped=1\n"
    assert _states(status) == [(2, "live")]
    assert status.fetch("SELECT to_regclass('g1_timeline')") == [(None,)]
    nothing = _generations(status, "revert")
    assert nothing.returncode == 1
    assert nothing.stderr.startswith("jejak: no retired generation")


def test_going_back_brings_the_old_generation_up_to_date_and_readers_see_no_step_back(status: Status) -> None:
    status.start()
    (number,) = status.publish_lives(1)
    waiting = status.new_number()
    first, *later = events_of(waiting, status.chance)
    status.publish([(waiting, b"{corrupt"), (waiting, first), *((waiting, event) for event in later)])
    status.wait_for_all()
    with status.client() as client:
        events = client.get(f"/applications/{number}").json()["events"]
    assert status.rebuild("--from", "archive").returncode == 0
    status.publish([_one_more(number, f"later-{place}") for place in range(3)])
    status.publish_lives(20, repeats=True)
    status.wait_for_all()
    with status.client() as client:
        listed = client.get("/quarantine/", headers=status.token("operator")).json()["records"]
        (failed,) = [record for record in listed if record["state"] == "failed"]
        client.post(f"/quarantine/{failed['id']}/discard", json={"reason": "corrupt"}, headers=status.token("operator"))
    _has(status, waiting, 1 + len(later))
    live = _digest(status)
    reverted = _generations(status, "revert")
    assert reverted.stdout == "generations: reverted from=2 to=1\n", reverted.stderr
    assert _states(status) == [(1, "live"), (2, "retired")]
    _has(status, number, events + 3)
    assert _digest(status) == live
    status.publish([_one_more(number, "after")])
    _has(status, number, events + 4)
    assert status.rebuild("--from", "kafka", "--confirm").stdout.startswith("rebuild: identical ")
    assert _states(status) == [(2, "retired"), (3, "live")]


def test_a_live_generation_cannot_be_dropped_and_a_retired_one_can(status: Status) -> None:
    status.start()
    status.publish_lives(3)
    status.wait_for_all()
    assert status.rebuild("--from", "kafka").returncode == 0
    refused = _generations(status, "drop", "2")
    assert refused.returncode == 1
    assert "is live" in refused.stderr
    assert _generations(status, "drop", "7").returncode == 1
    assert _generations(status, "drop").returncode == 2
    assert _generations(status, "drop", "1").stdout == "generations: dropped=1\n"
    assert _states(status) == [(2, "live")]


def test_two_releases_run_side_by_side_and_each_reader_sees_its_own_whole_version(
    status: Status, newer: Status
) -> None:
    status.start()
    numbers = status.publish_lives(60)
    status.wait_for_all()
    newer.start(**ANOTHER)
    wait_until(lambda: status.fetch("SELECT count(*) FROM generations WHERE state = 'live'") == [(2,)], "both are live")
    versions = dict(status.fetch("SELECT version, generation FROM generations"))
    watched = numbers[:12]
    for turn in range(5):
        status.publish([_one_more(number, f"side-{turn}") for number in watched])
        status.publish_lives(10, repeats=True)
    status.wait_for_all()
    shown: dict[str, int] = {}
    with status.client() as client:
        for number in watched:
            n = status.fetch(f"SELECT count(*) FROM archive WHERE key = '{number}'")[0][0]
            wait_until(
                lambda number=number, n=n: client.get(f"/applications/{number}").json()["events"] == n,
                "the old one has all",
            )
            shown[number] = n
    for number, n in shown.items():
        _has(status, number, n)
        _has(newer, number, n)
    assert len(versions) == 2
    assert status.rebuild("--from", "kafka").stdout.startswith("rebuild: identical ")
    assert status.rebuild("--from", "kafka", **ANOTHER).stdout.startswith("rebuild: identical ")
    held = [{int(line) for line in _partitions_of(one)} for one in (status, newer)]
    assert all(held), "both releases took part in the consuming"


def _partitions_of(status: Status) -> list[int]:
    found: list[int] = []
    for line in (status.folder / "log").read_text().splitlines():
        if '"partitions_assigned"' in line:
            found = json.loads(line)["partitions"]
    return found


def test_a_release_that_is_gone_is_retired_and_brought_up_to_date_when_it_comes_back(
    status: Status, newer: Status
) -> None:
    status.start()
    (number,) = status.publish_lives(1)
    status.wait_for_all()
    with status.client() as client:
        events = client.get(f"/applications/{number}").json()["events"]
    newer.start(**ANOTHER)
    wait_until(lambda: status.fetch("SELECT count(*) FROM generations WHERE state = 'live'") == [(2,)], "both are live")
    status.stop()
    wait_until(
        lambda: status.fetch("SELECT state FROM generations WHERE generation = 1") == [("retired",)], "it is retired"
    )
    status.publish([_one_more(number, "while it was gone")])
    _has(newer, number, events + 1)
    status.start()
    _has(status, number, events + 1)
    with psycopg.connect(status.database, options="-c search_path=status") as connection:
        assert connection.execute("SELECT count(*) FROM generations").fetchone() == (2,)
