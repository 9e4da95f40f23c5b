"""What is kept of a demonstration that failed: the state it ran on is removed with it, the logs must not be."""

import shutil
from pathlib import Path

from deploy.demo.history import ROOT
from deploy.demo.place import Place


def keep_logs(place: Place) -> Path:
    """Copy the logs to `.jejak/demo-failed/`, in place of those of an earlier failure. Returns that folder."""
    kept = ROOT / ".jejak" / "demo-failed"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.copytree(place.logs, kept)
    return kept
