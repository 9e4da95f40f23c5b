"""The history of an older system: brought in by `jejak import`, counted independently of it."""

import csv
import gzip
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from deploy.demo.place import DemoFailed

ROOT: Final = Path(__file__).parents[2]
EXPORT: Final = ROOT.parent / "shared" / "data" / "permit-receipts.csv.gz"
MAPPING: Final = ROOT / "examples" / "permit-receipts" / "mapping.yaml"
JEJAK: Final = (sys.executable, "-m", "deploy.local.cli")


@dataclass(frozen=True)
class History:
    """What an export holds."""

    file: Path
    applications: int
    events: int


def count(file: Path, mapping: Path = MAPPING) -> History:
    """Count lines and applications of a CSV export, with nothing of the importer's."""
    column = yaml.safe_load(mapping.read_text())["columns"]["application"]
    with gzip.open(file, "rt", newline="") if file.suffix == ".gz" else file.open(newline="") as text:
        numbers = [row[column] for row in csv.DictReader(text)]
    return History(file, len(set(numbers)), len(numbers))


def bring_in(history: History, folder: Path, mapping: Path = MAPPING) -> float:
    """Import the export, with the progress that `jejak import` shows. Returns how long sending took, in seconds.

    Raises `DemoFailed` unless every line was taken in.
    """
    refused = folder / "refused.csv"
    command = [*JEJAK, "import", str(history.file), "--mapping", str(mapping), "--refused", str(refused)]
    began = time.monotonic()
    code = subprocess.run(command, check=False, env=os.environ, cwd=ROOT).returncode
    if code:
        lines = "" if not refused.exists() else f"; first refused line: {refused.read_text().splitlines()[1]}"
        raise DemoFailed(f"jejak import ended with exit code {code}{lines}")
    return time.monotonic() - began
