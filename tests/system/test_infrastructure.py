"""Kafka, PostgreSQL and the `jejak` command, for real: they come back after a kill, and nothing is left behind."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.local.remote import RunningSystem, running_system
from deploy.local.state import State
from deploy.local.wanted import PARTS, SERVICES

pytestmark = pytest.mark.system

JEJAK = [sys.executable, "-m", "deploy.local.cli"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("JEJAK_")}
INFRASTRUCTURE = ("--infrastructure-only",)


@pytest.fixture(scope="module")
def system() -> Iterator[RunningSystem]:
    """Infrastructure of our own, to be killed at will."""
    with running_system(*INFRASTRUCTURE) as system:
        yield system


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """A folder whose parents are open to all, unlike pytest's."""
    with tempfile.TemporaryDirectory(prefix="jejak-test-") as folder:
        yield Path(folder)


def make_topic(kafka: str, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka})  # must outlive its futures
    admin.create_topics([NewTopic(name, 3, 1)])[name].result(30)


def publish(kafka: str, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": kafka, "acks": "all"})
    producer.produce(topic, value)
    assert producer.flush(30) == 0


def read_one(kafka: str, topic: str) -> bytes:
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": f"{topic}-test", "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    try:
        for _ in range(60):
            if (message := consumer.poll(1)) and message.error() is None:
                return message.value()
        raise AssertionError(f"nothing came from {topic}")
    finally:
        consumer.close()


def processes_naming(text: str) -> list[str]:
    """Command lines of running processes that mention `text`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if text in command:
            found.append(command)
    return found


def gone(pid: int) -> bool:
    """Wait for the process to end; one that only its parent has still to ask for its exit code has ended."""
    stat = Path(f"/proc/{pid}/stat")
    for _ in range(200):
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


async def test_a_fresh_database_is_empty_and_writable(fresh_database: str) -> None:
    connection = await asyncpg.connect(fresh_database)
    await connection.execute("CREATE TABLE fresh (n integer)")
    assert await connection.fetchval("SELECT count(*) FROM fresh") == 0
    await connection.close()


def test_a_topic_can_be_made(infrastructure, fresh_topic_prefix: str) -> None:
    name = f"{fresh_topic_prefix}events"
    make_topic(infrastructure.kafka, name)
    topics = AdminClient({"bootstrap.servers": infrastructure.kafka}).list_topics(timeout=10).topics
    assert len(topics[name].partitions) == 3


def test_kafka_comes_back_on_its_port_with_its_log_after_a_kill(system: RunningSystem, fresh_topic_prefix: str) -> None:
    topic = f"{fresh_topic_prefix}kill"
    kafka = system.kafka
    make_topic(kafka, topic)
    publish(kafka, topic, b"acknowledged")
    system.wait_ready("kafka", not_pid=system.kill("kafka"))
    assert system.kafka == kafka
    assert read_one(kafka, topic) == b"acknowledged"


async def test_postgres_comes_back_on_its_port_with_its_rows_after_a_kill(system: RunningSystem) -> None:
    database = system.database
    connection = await asyncpg.connect(database)
    await connection.execute("CREATE TABLE killed (n integer); INSERT INTO killed VALUES (1)")
    killed = system.kill("postgres")
    connection.terminate()
    await asyncio.to_thread(system.wait_ready, "postgres", not_pid=killed)
    assert system.database == database
    again = await asyncpg.connect(database)
    assert await again.fetchval("SELECT n FROM killed") == 1
    assert await again.fetchval("SHOW fsync") == "on"
    await again.close()


def test_a_second_system_on_the_same_state_is_refused_in_one_line(system: RunningSystem) -> None:
    command = [*JEJAK, "up", *INFRASTRUCTURE, "--state", str(system.state.folder)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert answer.returncode == 1
    assert "already running" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_exec_uses_the_system_that_runs_already(system: RunningSystem) -> None:
    command = [*JEJAK, "exec", "--state", str(system.state.folder), "--", "sh", "-c", "echo $JEJAK_KAFKA; exit 3"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    assert answer.returncode == 3
    assert answer.stdout.strip() == system.kafka


def test_a_fresh_exec_leaves_neither_processes_nor_files() -> None:
    command = [*JEJAK, "exec", "--fresh", *INFRASTRUCTURE, "--", "sh", "-c", "env; exit 7"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    told = dict(line.split("=", 1) for line in answer.stdout.splitlines() if line.startswith("JEJAK_"))
    assert answer.returncode == 7
    assert {"JEJAK_KAFKA", "JEJAK_DATABASE", "JEJAK_STATE"} <= told.keys()
    assert not Path(told["JEJAK_STATE"]).exists()
    assert processes_naming(told["JEJAK_STATE"]) == []


def test_a_command_that_is_killed_gives_the_shells_exit_code(system: RunningSystem) -> None:
    command = [*JEJAK, "exec", "--state", str(system.state.folder), "--", "sh", "-c", "kill -9 $$"]
    assert subprocess.run(command, check=False, env=ENVIRONMENT).returncode == 137


def test_a_signal_reaches_the_command_and_everything_is_stopped(tmp_path: Path) -> None:
    waits = "trap 'exit 5' TERM; echo $JEJAK_STATE; while :; do sleep 0.1; done"
    command = [*JEJAK, "exec", "--fresh", *INFRASTRUCTURE, "--", "sh", "-c", waits]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT) as process:
        assert process.stdout
        state = process.stdout.readline().strip()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 5
    assert not Path(state).exists()
    assert processes_naming(state) == []


@pytest.mark.parametrize("mode", [0o711, 0o700], ids=["reachable", "closed"])
def test_a_killed_supervisor_takes_everything_with_it_and_its_state_can_be_used_again(
    own_folder: Path, mode: int
) -> None:
    """Also where PostgreSQL's user cannot reach the state, so that its data lies outside."""
    own_folder.chmod(mode)
    state = State(own_folder / "state")
    command = [*JEJAK, "up", *INFRASTRUCTURE, "--state", str(state.folder)]
    for _ in range(2):  # the second start finds the stale lock and an unclean database
        with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.DEVNULL) as process:
            while not ((run := state.read_run()).ready and run.supervisor == process.pid):
                assert process.poll() is None
                time.sleep(0.05)
            process.kill()
        pids = [part["pid"] for part in run.parts.values()]
        assert len(pids) == 2
        assert all(gone(pid) for pid in pids)
    outside = state.path("postgres").resolve()
    state.remove()
    assert not outside.exists()


USES_A_SYSTEM = """
import time
from deploy.local.remote import running_system
with running_system("--infrastructure-only") as system:
    print(system.state.folder, flush=True)
    time.sleep(600)
"""


def test_a_killed_test_run_leaves_neither_processes_nor_files() -> None:
    with subprocess.Popen([sys.executable, "-c", USES_A_SYSTEM], stdout=subprocess.PIPE, text=True) as test_run:
        assert test_run.stdout
        state = test_run.stdout.readline().strip()
        assert Path(state).exists()
        test_run.kill()
    for _ in range(400):
        if not Path(state).exists() and not processes_naming(state):
            break
        time.sleep(0.05)
    assert not Path(state).exists()
    assert processes_naming(state) == []


def fetch(url: str, token: str = "") -> int:
    """The status of a GET."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_up_says_where_the_portal_is_and_the_portal_answers_there(jejak: RunningSystem) -> None:
    for _ in range(200):  # it says so just after others can see that it is ready
        if "Ctrl-C" in (said := (jejak.state.logs / "jejak.log").read_text()):
            break
        time.sleep(0.05)
    assert f"The portal: {jejak.urls['portal']}\n" in said
    assert fetch(f"{jejak.urls['portal']}/masuk") == 200


@pytest.mark.parametrize("service", PARTS)
def test_a_service_comes_back_on_its_address_after_a_kill(jejak: RunningSystem, service: str) -> None:
    address = jejak.urls[service]
    jejak.wait_ready(service, not_pid=jejak.kill(service))
    assert jejak.urls[service] == address
    assert fetch(f"{address}/health/ready") == 200


@pytest.mark.parametrize("service", SERVICES)
def test_services_know_the_issuers_tokens_and_their_roles(jejak: RunningSystem, service: str) -> None:
    page = f"{jejak.urls[service]}/quarantine"
    assert fetch(page) == 401
    assert fetch(page, jejak.tokens["officer"]) == 403
    assert fetch(page, jejak.tokens["operator"]) == 200


def test_without_java_the_broker_is_in_memory_and_that_is_said(tmp_path: Path) -> None:
    for name in ("sh", "pg_config", "postgres", "initdb"):
        if found := shutil.which(name):
            (tmp_path / name).symlink_to(found)
    environment = ENVIRONMENT | {"PATH": str(tmp_path), "JEJAK_CACHE": str(tmp_path / "empty")}
    command = [*JEJAK, "exec", "--fresh", *INFRASTRUCTURE, "--", sys.executable, "-c", PUBLISHES]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert "IN MEMORY" in answer.stderr
    assert answer.stdout == "12 partitions, written\n", answer.stderr
    assert answer.returncode == 0


PUBLISHES = """
import os
from confluent_kafka import Producer
producer = Producer({"bootstrap.servers": os.environ["JEJAK_KAFKA"]})
partitions = producer.list_topics(timeout=10).topics["applications.v1"].partitions
producer.produce("applications.v1", b"tried out")
print(len(partitions), "partitions,", "written" if producer.flush(10) == 0 else "lost")
"""
