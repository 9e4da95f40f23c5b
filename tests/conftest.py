"""Fixtures for tests against the real thing. What they start is tied to the test run and gone when it ends."""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deploy.local.database import temporary_database
from deploy.local.remote import RunningSystem, running_system
from deploy.local.state import State

PERMIT_CATALOGUE = Path(__file__).parents[1] / "examples" / "permit-receipts" / "catalogue"

settings.register_profile("jejak", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("jejak")  # how fast the machine is, is no property of the code


@dataclass(frozen=True)
class Infrastructure:
    """Kafka's bootstrap servers and PostgreSQL's DSN."""

    kafka: str
    database: str


@pytest.fixture(scope="session")
def infrastructure() -> Iterator[Infrastructure]:
    """Real Kafka and PostgreSQL: those of JEJAK_KAFKA and JEJAK_DATABASE if both are set, else started for this run."""
    kafka, database = os.environ.get("JEJAK_KAFKA"), os.environ.get("JEJAK_DATABASE")
    if kafka and database:
        yield Infrastructure(kafka, database)
        return
    with running_system("--infrastructure-only") as system:
        yield Infrastructure(system.kafka, system.database)


@pytest.fixture
def fresh_database(infrastructure: Infrastructure) -> Iterator[str]:
    """The DSN of a new, empty database, dropped after the test."""
    with temporary_database(infrastructure.database) as dsn:
        yield dsn


@pytest.fixture
def fresh_topic_prefix() -> str:
    """A beginning for topic names that no other test uses, also where several runs share one Kafka."""
    return f"test-{secrets.token_hex(5)}-"


@pytest.fixture(scope="session")
def jejak() -> Iterator[RunningSystem]:
    """The whole system, running as processes on fresh state. Parts may be killed: the supervisor starts them again.

    Its catalogue also has what `examples/permit-receipts` adds, so that history can be imported. While tests are being
    written, JEJAK_TEST_STATE names the state folder of a system that runs already.
    """
    if folder := os.environ.get("JEJAK_TEST_STATE"):
        yield RunningSystem(State(Path(folder)))
        return
    environment = {"JEJAK_CATALOGUE_EXTRA": str(PERMIT_CATALOGUE)}
    if os.environ.get("JEJAK_SCREENSHOTS"):  # boards are drawn from statistics: they tell of what the tests did by then
        environment["JEJAK_STATISTICS_EVERY_S"] = "10"
    with running_system(environment=environment) as system:
        yield system
