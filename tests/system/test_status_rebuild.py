"""Rebuilding the projection from Kafka and from the archive, beside the live one, through crashes and under load."""

import secrets
import signal
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest

from contracts.envelope import encode_event
from contracts.facts import Collected, Decided, EventRef, Issued, Submitted
from deploy.local.database import temporary_database
from services.status.folding.fold import decode_progress
from tests.system.status_process import (
    APPLICANT,
    BEGAN,
    CODECS,
    OFFICE,
    OFFICER,
    Status,
    events_of,
    status_process,
    wait_until,
)

pytestmark = pytest.mark.system

DONE = "SELECT count(*) FROM generation_parts JOIN generations USING (generation) WHERE state = 'building' AND done"


@pytest.fixture
def status(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Status]:
    with (
        temporary_database(infrastructure.database) as database,
        status_process(
            tmp_path_factory.mktemp("status"),
            kafka=infrastructure.kafka,
            database=database,
            topic=f"test-status-{secrets.token_hex(5)}",
        ) as service,
    ):
        yield service


def _digest(status: Status) -> str:
    with status.client() as client:
        return str(client.get("/digest/", headers=status.token("auditor"), timeout=30).json()["digest"])


def _a_log_with_everything(status: Status) -> None:
    """Every codec, repeated events, corrupt records with and without a key, a key that waits behind one, corrections."""
    for codec in CODECS:
        status.publish_lives(40, codec=codec, repeats=True)
    number = status.new_number()
    first, *later = events_of(number, status.chance)
    status.publish([(number, first), (number, b"{corrupt"), *((number, event) for event in later), (None, b"\xff")])
    corrected = status.new_number()
    status.publish([(corrected, event) for event in corrections(corrected)[:3]])
    status.publish_lives(40, repeats=True)
    status.wait_for_all()
    status.publish([(corrected, event) for event in corrections(corrected)[3:]])


def corrections(number: str) -> list[bytes]:
    """An application that was refused by mistake; the correction comes after it was issued, and then it goes on."""
    wrong = EventRef(source=f"{OFFICE}/processing", id=f"{number}/1")
    facts = [
        Submitted(service="passport_new", office="lebong", channel="internet", by=APPLICANT),
        Decided(outcome="refused", by=OFFICER),
        Issued(product="passport", by=OFFICER),
        Decided(outcome="approved", by=OFFICER, corrects=wrong),
        Collected(by=OFFICER),
    ]
    return [
        encode_event(
            fact, id=f"{number}/{place}", source=f"{OFFICE}/processing", subject=number, salt="A" * 43,
            time=BEGAN + timedelta(hours=place),
        )
        for place, fact in enumerate(facts)
    ]  # fmt: skip


def test_live_from_kafka_and_from_the_archive_are_the_same(status: Status) -> None:
    status.start()
    _a_log_with_everything(status)
    status.wait_for_all()
    live = _digest(status)
    for options in (
        ["--from", "kafka", "--workers", "2"],
        ["--from", "archive", "--workers", "1"],
        ["--from", "kafka", "--drop"],
    ):
        done = status.rebuild(*options)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("rebuild: identical ")
        assert f"digest={live}" in done.stdout
        assert _digest(status) == live
    states = status.fetch("SELECT state FROM generations ORDER BY generation")
    assert states == [("retired",), ("retired",), ("live",)]
    ((effective,),) = status.fetch("SELECT effective FROM application WHERE effective IS NOT NULL")
    assert decode_progress(effective).outcome == "approved"


def test_what_was_in_quarantine_during_a_rebuild_is_taken_in_when_it_is_released(status: Status) -> None:
    status.start()
    number = status.new_number()
    events = events_of(number, status.chance)
    status.publish([(number, b"{corrupt"), *((number, event) for event in events)])
    status.wait_for_all()
    assert status.rebuild("--from", "kafka").returncode == 0
    with status.client() as client:
        assert client.get(f"/applications/{number}").status_code == 404
        (failed,) = [
            record for record in client.get("/quarantine/", headers=status.token("operator")).json()["records"]
            if record["state"] == "failed"
        ]  # fmt: skip
        client.post(f"/quarantine/{failed['id']}/discard", json={"reason": "corrupt"}, headers=status.token("operator"))
        wait_until(lambda: client.get(f"/applications/{number}").status_code == 200, "the rest is taken in")
        wait_until(
            lambda: client.get(f"/applications/{number}").json()["events"] == len(events), "all of it is taken in"
        )
    assert status.rebuild("--from", "archive").stdout.startswith("rebuild: identical ")


def test_a_difference_leaves_the_live_projection_and_names_the_first_application(status: Status) -> None:
    status.start()
    numbers = sorted(status.publish_lives(30))
    status.wait_for_all()
    with psycopg.connect(status.database, options="-c search_path=status", autocommit=True) as connection:
        for number in (numbers[7], numbers[20]):
            connection.execute("UPDATE g1_timeline SET fact = 'collected' WHERE number = %s AND n = 1", (number,))
    done = status.rebuild("--from", "kafka")
    assert done.returncode == 1
    assert f"first={numbers[7]}" in done.stdout
    assert "stays" in done.stderr
    assert status.fetch("SELECT generation, state FROM generations") == [(1, "live")]


def test_a_killed_rebuild_goes_on_where_it_was(status: Status) -> None:
    status.start()
    for _ in range(10):
        status.publish_lives(400)
    status.wait_for_all()
    live = _digest(status)
    rebuilding = status.start_rebuild("--from", "kafka", "--workers", "2")
    wait_until(
        lambda: status.fetch(DONE)[0][0] in range(1, 12) or rebuilding.poll() is not None,
        "some partitions are done",
    )
    assert rebuilding.poll() is None, "the rebuild was over before it could be killed"
    rebuilding.send_signal(signal.SIGKILL)
    rebuilding.wait()
    assert _digest(status) == live
    done = status.rebuild("--from", "kafka")
    assert done.returncode == 0, done.stderr
    assert "taken up again" in done.stderr
    assert f"digest={live}" in done.stdout


def test_readers_see_no_gap_while_a_rebuild_is_switched_in_under_load(status: Status) -> None:
    status.start()
    known = status.publish_lives(300)
    status.wait_for_all()
    ended = threading.Event()
    faults: list[str] = []

    def read() -> None:
        most: dict[str, int] = {}
        with httpx.Client(base_url=status.url, timeout=30) as client:
            while not ended.is_set():
                for number in known[:50]:
                    answer = client.get(f"/applications/{number}")
                    events = answer.json().get("events", -1)
                    if answer.status_code != 200 or events < most.get(number, 0):
                        faults.append(f"{number}: {answer.status_code}, {events} events after {most.get(number)}")
                    most[number] = events

    def write() -> None:
        while not ended.is_set():
            status.publish_lives(20, repeats=True)
            time.sleep(0.05)

    threads = [threading.Thread(target=work) for work in (read, read, write)]
    for thread in threads:
        thread.start()
    try:
        for source in ("kafka", "archive", "kafka"):
            done = status.rebuild("--from", source)
            assert done.returncode == 0, done.stdout + done.stderr
            assert done.stdout.startswith("rebuild: identical ")
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert faults == []
    status.wait_for_all()
    assert status.rebuild("--from", "kafka").stdout.startswith("rebuild: identical ")


def test_a_killed_service_takes_every_record_in_exactly_once(status: Status) -> None:
    status.start()
    for _ in range(3):
        status.publish_lives(200, repeats=True)
        status.kill()
        status.publish_lives(100)
        status.start()
    status.wait_for_all()
    assert status.fetch("SELECT count(*) FROM archive") == [(status.sent,)]
    assert status.fetch("SELECT count(*) FROM timeline GROUP BY number, source, event_id HAVING count(*) > 1") == []
    assert status.rebuild("--from", "kafka").stdout.startswith("rebuild: identical ")


def test_an_earlier_version_of_the_projection_is_replaced_at_the_start(status: Status) -> None:
    status.start()
    status.publish_lives(50)
    status.wait_for_all()
    live = _digest(status)
    status.stop()
    with psycopg.connect(status.database, options="-c search_path=status", autocommit=True) as connection:
        connection.execute("UPDATE generations SET version = '0-earlier'")
    status.publish_lives(10)
    status.start()
    status.wait_for_all()
    wait_until(
        lambda: status.fetch("SELECT state FROM generations WHERE version LIKE '0-%'") == [("retired",)],
        "it is retired",
    )
    assert _digest(status) != live
    assert status.rebuild("--from", "kafka").stdout.startswith("rebuild: identical ")
