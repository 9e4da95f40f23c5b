"""Processing while the database or the broker is away."""

import secrets
import signal
import socket
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from contracts.facts import EventRef
from runtime.eventstore import Append, PostgresEventStore
from services.processing.events import CaseOpened
from services.processing.stamping import Stamp
from tests.system.processing_process import BOOK, Processing, document, processing_process
from tests.system.service_process import new_number

pytestmark = pytest.mark.system

END_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def is_prepared(service: Processing) -> bool:
    """Whether its tables are there, those of the event store too, whatever else is away."""
    checks = service.http.get("/health/ready").json().get("checks", {})
    return bool(checks.get("database") == "ok")


def test_without_a_database_it_lives_and_says_try_later(infrastructure: Any, tmp_path: Path) -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"
    topic = f"test-{secrets.token_hex(5)}-applications.v1"
    with processing_process(
        tmp_path, kafka=infrastructure.kafka, database=nowhere, topic=topic, ready=False
    ) as service:
        assert service.http.get("/health/live").status_code == 200
        assert service.http.get("/health/ready").status_code == 503
        for path in ("/cases", f"/cases/{new_number()}", "/payments/problems"):
            answer = service.get(path)
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) > 0
        answer = service.command(new_number(), "verify-documents", version=1)
        assert answer.status_code == 503


async def test_without_a_broker_officers_go_on_and_the_inbox_follows(fresh_database: str, tmp_path: Path) -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    with processing_process(
        tmp_path, kafka=nowhere, database=fresh_database, topic="applications.v1", ready=False
    ) as service:
        service.wait_until(lambda: is_prepared(service))
        number = new_number()
        store = PostgresEventStore.open(fresh_database, "processing")
        try:
            documents = [document(code) for code in ("identity_card", "family_card", "birth_record")]
            opened = CaseOpened(
                about=EventRef(source="//x", id="1"), service="passport_new", office="lebong", documents=documents
            )
            await store.append(Append(number, 0, [Stamp("//x").event(opened, number, service.now())]))
        finally:
            await store.close()
        service.do(number, "assess-fee", {"fees": [BOOK]})
        assert service.listed(number)["waits_for"] == "applicant"


@pytest.mark.parametrize("pause_s", [0.0, 0.5])
def test_a_stop_right_after_the_database_ended_every_connection_is_a_clean_one(
    fresh_database: str, tmp_path: Path, pause_s: float
) -> None:
    service = Processing(tmp_path, f"127.0.0.1:{free_port()}", fresh_database, "applications.v1")
    service.start(ready=False)
    try:
        service.wait_until(lambda: service.get("/cases").status_code == 200)
        time.sleep(0.5)  # the inbox now waits for what the event store will notify
        with psycopg.connect(fresh_database) as admin:
            admin.execute(END_ALL)
        time.sleep(pause_s)
        assert service.process is not None
        service.process.terminate()
        assert service.process.wait(20) == 0, service.log()
    finally:
        service.stop(signal.SIGKILL)
    assert "has been released back to the pool" not in service.log()
