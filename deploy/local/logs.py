"""Rotation of the parts' logs by size. The parts append, so a log is copied away and cut while they write."""

import shutil
from pathlib import Path

LARGEST_LOG_BYTES = 10 * 1024 * 1024
KEPT = 2


def rotate_all(folder: Path, largest_bytes: int = LARGEST_LOG_BYTES) -> None:
    """Rotate every log of the folder that has grown beyond `largest_bytes`."""
    for log in folder.glob("*.log"):
        if log.stat().st_size > largest_bytes:
            rotate(log)


def rotate(log: Path) -> None:
    """`x.log` becomes `x.log.1`, that `x.log.2`; older ones go. What is written during the copy may be lost."""
    for number in range(KEPT, 1, -1):
        older, newer = _numbered(log, number), _numbered(log, number - 1)
        if newer.exists():
            newer.replace(older)
    shutil.copyfile(log, _numbered(log, 1))
    with log.open("r+b") as file:
        file.truncate(0)


def _numbered(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
