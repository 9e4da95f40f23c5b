"""Deadlines that passed are said on the log exactly once: at a real service, on real Kafka and PostgreSQL."""

import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from contracts import catalogue
from contracts.envelope import encode_event, new_salt
from contracts.facts import Actor, Examined, Fact, Issued, Paused, Reason, Resumed, Submitted
from deploy.local.database import temporary_database
from runtime.database import open_pool
from runtime.eventstore import PostgresEventStore
from services.status.clocks.clockwork import Clockwork
from services.status.clocks.deadlines import Watch
from services.status.folding.definitions import definitions_of
from tests.system.status_process import APPLICANT, OFFICE, OFFICER, Status, status_process, wait_until

pytestmark = pytest.mark.system

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
DEADLINE = datetime(2026, 3, 6, 17, 0, tzinfo=UTC)
WATCHING = {"JEJAK_DEADLINES_EVERY_S": "0.2", "JEJAK_DEADLINE_GRACE_S": "0"}
SAID = "SELECT number, occurred, count(*) FROM timeline WHERE fact = 'deadline_passed' GROUP BY 1, 2"


@pytest.fixture
def status(infrastructure: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Status]:
    with (
        temporary_database(infrastructure.database) as database,
        status_process(
            tmp_path_factory.mktemp("status"),
            kafka=infrastructure.kafka,
            database=database,
            topic=f"test-deadlines-{secrets.token_hex(5)}",
        ) as service,
    ):
        yield service


def event(status: Status, number: str, fact: Fact, at: datetime) -> tuple[str, bytes]:
    name = secrets.token_hex(8)
    salt = new_salt(status.chance.randbytes(32))
    return number, encode_event(fact, id=name, source=f"{OFFICE}/processing", subject=number, time=at, salt=salt)


def publish_late(status: Status, count: int, *more: tuple[Fact, datetime]) -> list[str]:
    """Passports whose interview was in March, and that were not issued within four working days."""
    numbers = [status.new_number() for _ in range(count)]
    facts: list[tuple[Fact, datetime]] = [
        (Submitted(service="passport_new", office="lebong", channel="internet", by=APPLICANT), MONDAY),
        (Examined(examinations=["interview"], by=OFFICER), MONDAY + timedelta(hours=1)),
        *more,
    ]
    status.publish([event(status, number, fact, at) for number in numbers for fact, at in facts])
    return numbers


def asked(status: Status, query: str) -> list[Any]:
    """Rows; none while the service has not made its tables yet."""
    try:
        return status.fetch(query)
    except psycopg.errors.UndefinedTable:
        return []


def said(status: Status) -> dict[tuple[str, datetime], int]:
    """Application and deadline → how many events on the timeline say so."""
    return {(number, at.astimezone(UTC)): count for number, at, count in asked(status, SAID)}


def stored(status: Status) -> int:
    return len(asked(status, "SELECT 1 FROM stored_events WHERE originator_id LIKE 'deadline:%'"))


def once(numbers: list[str], deadline: datetime = DEADLINE) -> dict[tuple[str, datetime], int]:
    return {(number, deadline): 1 for number in numbers}


def test_a_passing_is_said_once_and_one_that_was_met_is_not(status: Status) -> None:
    status.start(**WATCHING)
    (late,) = publish_late(status, 1)
    publish_late(status, 1, (Issued(product="passport", by=OFFICER), MONDAY + timedelta(days=1)))
    (ended,) = publish_late(status, 1, (Issued(product="passport", by=OFFICER), MONDAY + timedelta(days=9)))
    wait_until(lambda: said(status) == once([late, ended]), "both are said")
    with status.client() as client:
        entry = client.get(f"/applications/{late}/timeline").json()["entries"][-1]
        clock = client.get(f"/applications/{late}").json()["clocks"][0]
        explained = client.get(f"/applications/{late}/deadline").json()["clocks"][0]
        unknown = client.get(f"/applications/{late}/deadline?rule_version=7")
    assert (entry["type"], entry["source"], entry["by"]["role"]) == ("deadline_passed", f"{OFFICE}/status", "system")
    assert entry["text"]["en"] == "We are late: the deadline passed on Friday, 6 March 2026."
    assert (clock["state"], clock["deadline"]) == ("missed", "2026-03-06T17:00:00Z")
    assert [day["counted"] for day in explained["days"]] == [False, True, True, True, True]
    assert (unknown.status_code, unknown.json()["type"].rpartition("/")[2]) == (404, "unknown-rule-version")
    time.sleep(3)
    assert (said(status), stored(status)) == (once([late, ended]), 2)


async def test_what_was_said_before_a_crash_is_published_after_it_and_not_said_again(status: Status) -> None:
    status.start()
    numbers = publish_late(status, 30)
    status.wait_for_all()
    status.kill()  # before anything was said: the watch of this process looks once every hour
    known = catalogue.load()
    definitions = definitions_of(known)
    store = PostgresEventStore.open(status.database, "status")
    async with await open_pool(status.database, schema="status") as pool:
        watch = Watch(
            pool=pool, store=store, clockwork=Clockwork(definitions.rules), version=definitions.version,
            consumer=status.environment["JEJAK_CONSUMER"], source=f"{OFFICE}/status", by=Actor(role="system"),
            known_until=lambda: None, every_s=1, grace=timedelta(0),
        )  # fmt: skip
        now = datetime.now(UTC)
        assert (await watch.look(DEADLINE - timedelta(seconds=1))) == (0, False, DEADLINE)
        assert (await watch.look(now)).said == 30
        assert (await watch.look(now)).said == 0
    await store.close()
    assert (said(status), stored(status)) == ({}, 30)
    status.start(**WATCHING)
    wait_until(lambda: said(status) == once(numbers), "all are published")
    time.sleep(3)
    assert (said(status), stored(status)) == (once(numbers), 30)


def test_a_kill_in_the_middle_of_saying_loses_and_doubles_nothing_and_a_rebuild_says_nothing_new(
    status: Status,
) -> None:
    status.start(**WATCHING)
    numbers = publish_late(status, 1_500)
    wait_until(lambda: stored(status) > 0, "something is said")
    status.kill()
    status.start(**WATCHING)
    wait_until(lambda: said(status) == once(numbers), "all are said")
    assert stored(status) == 1_500
    rebuilt = status.rebuild("--from", "kafka")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert "identical" in rebuilt.stdout
    time.sleep(3)
    assert (said(status), stored(status)) == (once(numbers), 1_500)


def test_two_replicas_say_it_once(status: Status, tmp_path: Any) -> None:
    second = Status(tmp_path, status.kafka, status.database, status.topic)
    try:
        status.start(**WATCHING)
        second.start(**WATCHING)
        numbers = publish_late(status, 200)
        wait_until(lambda: said(status) == once(numbers), "all are said")
        time.sleep(3)
        assert (said(status), stored(status)) == (once(numbers), 200)
    finally:
        second.kill()


def test_a_pause_that_becomes_known_late_moves_the_deadline_and_the_new_one_is_said_too(status: Status) -> None:
    status.start(**WATCHING)
    (number,) = publish_late(status, 1)
    wait_until(lambda: said(status) == once([number]), "the first deadline is said")
    pause = Paused(reason=Reason(code="system_outage"), by=OFFICER)
    status.publish(
        [
            event(status, number, pause, MONDAY + timedelta(days=1)),
            event(status, number, Resumed(by=OFFICER), MONDAY + timedelta(days=3)),
        ]
    )
    moved = DEADLINE + timedelta(days=4)  # two working days and a weekend
    wait_until(lambda: said(status) == once([number]) | once([number], moved), "the moved deadline is said")


def test_nothing_is_said_of_an_application_of_which_a_record_waits_in_quarantine(status: Status) -> None:
    status.start(**WATCHING)
    held = status.new_number()
    submitted = Submitted(service="passport_new", office="lebong", channel="internet", by=APPLICANT)
    status.publish(
        [
            event(status, held, submitted, MONDAY),
            event(status, held, Examined(examinations=["interview"], by=OFFICER), MONDAY),
            (held, b"{corrupt"),
            event(status, held, Issued(product="passport", by=OFFICER), MONDAY + timedelta(days=1)),
        ]
    )
    in_quarantine = "SELECT 1 FROM quarantine WHERE state IN ('failed', 'behind')"
    wait_until(lambda: len(asked(status, in_quarantine)) == 2, "the issue waits behind what cannot be read")
    (other,) = publish_late(status, 1)
    wait_until(lambda: said(status) == once([other]), "what is known of is said")
    with status.client() as client:
        listed = client.get("/quarantine/", headers=status.token("operator")).json()["records"]
        failed = next(record for record in listed if record["state"] == "failed")
        answer = client.post(
            f"/quarantine/{failed['id']}/discard", json={"reason": "corrupt"}, headers=status.token("operator")
        )
        assert answer.status_code == 204
        wait_until(lambda: client.get(f"/applications/{held}").json()["events"] == 3, "the issue is known")
        assert client.get(f"/applications/{held}").json()["clocks"][0]["state"] == "met"
    assert said(status) == once([other])
