"""An import that is killed, or whose services are killed, ends with exactly the totals of the file."""

import gzip
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from deploy.local.remote import RunningSystem
from deploy.local.wanted import SERVICES
from tests.chaos.history import write_export

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

HERE = Path(__file__).parents[2]
MAPPING = HERE / "examples" / "permit-receipts" / "mapping.yaml"
PERMITS = HERE.parent / "shared" / "data" / "permit-receipts.csv.gz"
TOTALS = """
SELECT count(DISTINCT number), count(*), count(DISTINCT (source, event_id)), count(*) FILTER (WHERE fact = 'submitted')
FROM status.timeline WHERE number = ANY(%s) AND source LIKE '%%/history/%%'
"""
OUT_OF_ORDER = """
SELECT number FROM (
    SELECT number, occurred, lag(occurred) OVER (PARTITION BY number ORDER BY n) AS before
    FROM status.timeline WHERE number = ANY(%s) AND source LIKE '%%/history/%%'
) pairs WHERE occurred < before
"""
ASIDE = "SELECT consumer, error FROM {0}.quarantine WHERE convert_from(key, 'utf8') = ANY(%s)"


class Import:
    """`jejak import` as a process, beside a running system, with a staging folder of its own."""

    def __init__(self, jejak: RunningSystem, file: Path, folder: Path, *, batch: int = 50) -> None:
        self._command = [sys.executable, "-m", "deploy.local.cli", "import", str(file), "--mapping", str(MAPPING)]
        self._command += ["--batch", str(batch), "--refused", str(folder / "refused.csv")]
        self._environment = os.environ | jejak.environment | {"JEJAK_STATE": str(folder)}
        self._log = folder / "import.log"
        self._staging = folder / "imports"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Import":
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=log, cwd=HERE)
        return self

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        assert self.process.wait() == -signal.SIGKILL, self.said

    def wait(self) -> None:
        assert self.process is not None
        assert self.process.wait(180) == 0, self.said

    def wait_sent(self, at_least: int) -> int:
        """Return once that many events were sent; the number."""
        deadline = time.monotonic() + 120
        while (sent := self.sent) < at_least:
            assert self.process is not None
            assert self.process.poll() is None, f"the import ended too soon:\n{self.said}"
            assert time.monotonic() < deadline, self.said
            time.sleep(0.005)
        return sent

    @property
    def sent(self) -> int:
        return sum(int(row[0]) for row in self._ask("SELECT sent FROM progress"))

    @property
    def numbers(self) -> list[str]:
        return [str(row[0]) for row in self._ask("SELECT DISTINCT number FROM event")]

    @property
    def said(self) -> str:
        return self._log.read_text()[-2000:]

    def _ask(self, query: str) -> list[tuple[object, ...]]:
        for path in self._staging.glob("*.sqlite"):
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as staging:
                try:
                    return list(staging.execute(query))
                except sqlite3.OperationalError:
                    return []  # its tables are not made yet
        return []


def totals(jejak: RunningSystem, numbers: list[str], events: int) -> tuple[int, ...]:
    """Applications, events, distinct events and submissions on timelines, once `events` are there."""
    deadline = time.monotonic() + 90
    while True:
        try:
            with psycopg.connect(jejak.database) as database:
                found = database.execute(TOTALS, (numbers,)).fetchone()
        except psycopg.OperationalError:
            found = None
        if (found and found[1] >= events) or time.monotonic() > deadline:
            assert found is not None
            return tuple(found)
        time.sleep(0.2)


def assert_all_there(jejak: RunningSystem, done: Import, applications: int, events: int) -> None:
    numbers = done.numbers
    assert len(numbers) == applications
    assert totals(jejak, numbers, events) == (applications, events, events, applications)
    with psycopg.connect(jejak.database) as database:
        assert database.execute(OUT_OF_ORDER, (numbers,)).fetchall() == []
        for service in SERVICES:
            assert database.execute(ASIDE.format(service), (numbers,)).fetchall() == []


def test_an_import_killed_again_and_again_ends_with_the_totals_of_the_file(
    jejak: RunningSystem, tmp_path: Path
) -> None:
    file = tmp_path / "export.csv"
    events = write_export(file, applications=300, name=f"killed-{time.time_ns()}")
    done = Import(jejak, file, tmp_path, batch=25)
    for part in (0.2, 0.5, 0.8):
        done.start().wait_sent(int(events * part))
        done.kill()
    assert done.sent < events
    done.start().wait()
    assert_all_there(jejak, done, 300, events)
    done.start().wait()
    assert_all_there(jejak, done, 300, events)


@pytest.mark.parametrize("part", ["intake", "status", "postgres", "kafka"])
def test_an_import_goes_on_while_a_part_is_killed(jejak: RunningSystem, tmp_path: Path, part: str) -> None:
    file = tmp_path / "export.csv"
    events = write_export(file, applications=200, name=f"beside-{part}-{time.time_ns()}")
    done = Import(jejak, file, tmp_path, batch=25).start()
    done.wait_sent(events // 4)
    killed = jejak.kill(part)
    done.wait()
    jejak.wait_ready(part, not_pid=killed)
    assert_all_there(jejak, done, 200, events)


@pytest.mark.shared
def test_the_permit_log_arrives_whole_though_importer_and_services_are_killed(
    jejak: RunningSystem, tmp_path: Path
) -> None:
    if not PERMITS.exists():
        pytest.skip(f"{PERMITS.name} is not beside this checkout")
    with gzip.open(PERMITS, "rt") as file:
        assert sum(1 for _ in file) > 8_577
    done = Import(jejak, PERMITS, tmp_path, batch=200)
    chance = random.Random(1434)
    for part in chance.sample(["intake", "status", "processing", "notify"], 4):
        before = done.start().wait_sent(done.sent + 600)
        jejak.kill(part)
        done.wait_sent(before + 200)
        done.kill()
    done.start().wait()
    assert_all_there(jejak, done, 1_434, 8_577)
