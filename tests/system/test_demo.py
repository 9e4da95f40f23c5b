"""The demonstration in a smaller form: what `make demo` runs, on a system of its own."""

import csv
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "-m", "deploy.demo"]
HISTORY = [
    ("case-1", "Confirmation of receipt", "2011-10-11 13:45:40+02:00"),
    ("case-1", "T02 Check confirmation of receipt", "2011-10-12 08:26:25+02:00"),
    ("case-2", "Confirmation of receipt", "2011-11-03 09:00:00+01:00"),
    ("case-2", "T05 Print and send confirmation of receipt", "2011-11-04 10:30:00+01:00"),
    ("case-2", "T06 Determine necessity of stop advice", "2011-11-04 11:00:00+01:00"),
]


def demo(*command: str, environment: Mapping[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=280, env=environment, check=False)


def export(path: Path) -> Path:
    """A short export in the form of the permit log."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["case:concept:name", "concept:name", "time:timestamp", "concept:instance", "org:group", "case:channel"]
        )
        for number, (case, activity, time) in enumerate(HISTORY):
            writer.writerow([case, activity, time, f"task-{number}", "Group 1", "Internet"])
    return path


@pytest.mark.system
@pytest.mark.timeout(300)
def test_the_demonstration_ends_by_itself_and_finds_everything_where_it_belongs(tmp_path: Path) -> None:
    done = demo(
        "scripts/demo", "--applications", "10", "--day-seconds", "2", "--export", str(export(tmp_path / "log.csv"))
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    lines = done.stdout.splitlines()
    ending = re.fullmatch(r"demo: ok applications=13 events=(\d+) rebuild=identical", lines[-1])
    assert ending, lines[-1]
    assert int(ending[1]) > 80 + len(HISTORY)
    track = re.fullmatch(r"  track +http://127\.0\.0\.1:\d+/lacak/(LBG(?:-[0-9A-Z]{4}){4}-[0-9A-Z*~$=]+)", lines[-3])
    assert track, lines[-4:]
    assert any(line.strip().startswith(track[1]) or track[1] in line for line in lines[:-3]), "the first application's"
    assert "\x1b" not in done.stdout
    assert max(map(len, lines)) <= 80
    assert any(line.endswith("Imported: 2 applications, 5 events") for line in lines)
    assert any("Permohonan Anda disetujui" in line for line in lines), "the first applicant was told of the decision"


def test_without_a_system_it_says_in_one_line_how_to_start_one() -> None:
    done = demo(*DEMO, environment={"PATH": "/usr/bin:/bin"})
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"demo: failed: no system is running here .*scripts/demo.*\n", done.stderr), done.stderr
