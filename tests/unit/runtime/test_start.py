"""What a service does not carry: it is told by a process of its own, since this one has imported everything."""

import subprocess
import sys

import pytest

LOADED = """
import runpy, sys
from runtime import start
runpy.run_module = lambda module, **_: __import__(module)
start.main(sys.argv[1])
print(*sorted(name for name, module in sys.modules.items() if module is not None and "." not in name))
"""


def loaded(service: str) -> set[str]:
    command = [sys.executable, "-c", LOADED, f"services.{service}.main"]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize("service", ["processing", "notify", "portal"])
def test_a_service_carries_nothing_that_only_a_terminal_needs(service: str) -> None:
    assert not loaded(service) & {"rich", "pygments"}


def test_the_portal_carries_no_drivers_since_it_has_neither_database_nor_broker() -> None:
    assert not loaded("portal") & {"asyncpg", "psycopg", "psycopg_pool", "eventsourcing", "aiokafka", "confluent_kafka"}


def test_notify_carries_what_messages_and_pushes_need_only_once_there_is_one() -> None:
    assert not loaded("notify") & {"jinja2", "pywebpush", "requests", "aiohttp"}
