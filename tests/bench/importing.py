"""`import`: history from file to timeline through `jejak import`, beside bare INSERTs of the same rows.

The whole system runs; the clock begins with the command and ends when the last event is on its timeline. The yardstick
writes the same events, one INSERT a row, one transaction. The limit is the ratio at which 3,000 events/s are reached.
"""

import csv
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg

from deploy.local.remote import RunningSystem, running_system
from tests.bench.measure import Measure, Result, Surroundings, timed

EXAMPLE = Path(__file__).parents[2] / "examples" / "permit-receipts"
ACTIVITIES = (
    "Confirmation of receipt",
    "T02 Check confirmation of receipt",
    "T04 Determine confirmation of receipt",
    "T05 Print and send confirmation of receipt",
    "T06 Determine necessity of stop advice",
    "T10 Determine necessity to stop indication",
)
APPLICATIONS = 4_000
AIM_PER_S = 3_000
PATIENCE_S = 120.0
CREATE = "CREATE TEMPORARY TABLE bare (application text, at timestamptz, activity text, desk text, raw bytea)"
INSERT = "INSERT INTO bare (application, at, activity, desk, raw) VALUES (%s, %s, %s, %s, %s)"


def measure_import(around: Surroundings) -> Iterator[Result]:
    """One import of 24,000 events."""
    export = around.folder / "history.csv"
    rows = write_export(export)
    with running_system(environment={"JEJAK_CATALOGUE_EXTRA": str(EXAMPLE / "catalogue")}) as system:
        with timed() as clock:
            run_import(system, export)
            sent_s = wait_for(system, len(rows))
        with timed() as bare:
            insert(system.database, rows)
    rate, bare_rate = len(rows) / clock.seconds, len(rows) / bare.seconds
    around.say(
        f"{len(rows):,} events of {APPLICATIONS:,} applications: import {rate:,.0f}/s (of {clock.seconds:.1f} s, "
        f"{sent_s:.1f} s passed between the command's end and the last timeline), bare INSERT {bare_rate:,.0f}/s"
    )
    yield Result("import", rate / bare_rate, rate, AIM_PER_S / bare_rate, "events/s")


def write_export(path: Path) -> list[tuple[str, datetime, str, str]]:
    """An export in the form of the permit log, unsorted across applications, from a fixed seed."""
    chance = random.Random(20261124)
    rows = []
    for application in range(APPLICATIONS):
        at = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(90_000_000))
        for activity in ACTIVITIES:
            rows.append((f"case-{application}", at, activity, f"Group {chance.randrange(1, 5)}"))
            at += timedelta(seconds=chance.randrange(1, 400_000))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["case:channel", "case:concept:name", "concept:instance", "concept:name", "org:group", "time:timestamp"]
        )
        for line, (application, at, activity, desk) in enumerate(rows):
            writer.writerow(["Internet", application, f"task-{line}", activity, desk, at.isoformat()])
    return rows


def run_import(system: RunningSystem, export: Path) -> None:
    """The command as an operator runs it."""
    jejak = Path(sys.executable).with_name("jejak")
    command = [str(jejak), "import", str(export), "--mapping", str(EXAMPLE / "mapping.yaml")]
    subprocess.run(command, env=os.environ | system.environment, check=True, stdout=subprocess.DEVNULL)


def wait_for(system: RunningSystem, events: int) -> float:
    """Seconds until so many events are on timelines."""
    began = time.monotonic()
    headers = {"Authorization": f"Bearer {system.tokens['auditor']}"}
    with httpx.Client(base_url=system.urls["status"], headers=headers) as client:
        while (seen := client.get("/statistics/counts").json()["events"]) < events:
            if time.monotonic() - began > PATIENCE_S:
                raise TimeoutError(f"{seen} of {events} events on timelines after {PATIENCE_S:.0f} s")
            time.sleep(0.05)
    return time.monotonic() - began


def insert(dsn: str, rows: list[tuple[str, datetime, str, str]]) -> None:
    """The same rows, without anything else."""
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(CREATE)
        for row in rows:
            cursor.execute(INSERT, (*row, b"x" * 400))


MEASURES: dict[tuple[str, ...], Measure] = {("import",): measure_import}
