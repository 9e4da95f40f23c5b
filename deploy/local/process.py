"""How processes of ours are started: tied to the one that starts them (see `tether`)."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.local.part import Owner

TETHER = Path(__file__).parent / "tether.py"


def tethered(
    command: Sequence[str], death_signal: signal.Signals = signal.SIGKILL, owner: Owner | None = None
) -> list[str]:
    """The command line that runs `command` as `owner`, and sends it `death_signal` when this process ends."""
    user = f"{owner.uid}:{owner.gid}" if owner else "-"
    return [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), str(int(death_signal)), user, "--", *command]
