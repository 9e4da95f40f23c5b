"""A running system seen from another process: by its run file. For tests, and for commands beside `jejak up`."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.local.part import NotStarted
from deploy.local.process import tethered
from deploy.local.state import Run, State

START_TIMEOUT_S = 180.0
STOP_TIMEOUT_S = 60.0


class RunningSystem:
    """What runs on `state`. Everything is read from the run file at the time of asking, since parts may restart."""

    def __init__(self, state: State) -> None:
        self.state = state

    @property
    def run(self) -> Run:
        """The run file as it is now."""
        return self.state.read_run()

    @property
    def environment(self) -> dict[str, str]:
        """What a COMMAND of `jejak exec` gets."""
        return self.run.environment

    @property
    def kafka(self) -> str:
        """Bootstrap servers."""
        return self.environment["JEJAK_KAFKA"]

    @property
    def database(self) -> str:
        """DSN of the database that the services share, each with a schema of its own."""
        return self.environment["JEJAK_DATABASE"]

    @property
    def urls(self) -> dict[str, str]:
        """The services' addresses: `intake`, `processing`, `status`, `notify`, and that of the `portal`."""
        return _named(self.environment, "JEJAK_", "_URL")

    @property
    def tokens(self) -> dict[str, str]:
        """A bearer token for each role: `officer`, `supervisor`, `auditor`, `operator`, `system`."""
        return _named(self.environment, "JEJAK_TOKEN_", "")

    @property
    def mail(self) -> Path:
        """The Maildir into which the mail sink puts everything that is sent."""
        return Path(self.environment["JEJAK_MAIL"])

    def pid(self, part: str) -> int:
        """The process id of a part. Raises `LookupError` while it is not running."""
        pid = self.run.parts[part]["pid"]
        if pid is None:
            raise LookupError(f"{part} is not running")
        return int(pid)

    def kill(self, part: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal, by default the one that cannot be caught. Returns the process id that got it."""
        pid = self.pid(part)
        os.kill(pid, number)
        return pid

    def wait_ready(self, *parts: str, not_pid: int = 0, timeout_s: float = 60.0) -> None:
        """Return once the parts (all, when none is named) are ready; `not_pid`: and are not that process any more."""
        deadline = time.monotonic() + timeout_s
        while True:
            run = self.run
            names = parts or tuple(run.parts)
            late = [name for name in names if not _is_ready(run, name, not_pid)]
            if names and not late:
                return
            if time.monotonic() > deadline:
                raise NotStarted(f"not ready after {timeout_s:.0f} s: {', '.join(late)}. See {self.state.logs}")
            time.sleep(0.05)


@contextmanager
def running_system(*options: str, environment: Mapping[str, str] | None = None) -> Iterator[RunningSystem]:
    """`jejak up` with `options` on a temporary state, as a process tied to this one. Stopped and removed afterwards,
    also when this process is killed.

    With Kafka and PostgreSQL of its own, since parts may be killed: what JEJAK_ variables name is left out of it, but
    for those in `environment`, which the services get too.
    """
    folder = Path(tempfile.mkdtemp(prefix="jejak-"))
    state = State(folder)
    state.create()
    up = [sys.executable, "-m", "deploy.local.cli", "up", "--temporary", "--state", str(folder), *options]
    output = folder / "logs" / "jejak.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            tethered(up, signal.SIGTERM),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={name: value for name, value in os.environ.items() if not _is_ours(name)} | dict(environment or {}),
            process_group=0,
        )
    try:
        system = RunningSystem(state)
        _wait_started(process, system, output)
        yield system
    finally:
        process.terminate()
        process.wait(STOP_TIMEOUT_S)
        if folder.exists():  # it did not start, or was killed
            state.remove()


def _wait_started(process: subprocess.Popen[bytes], system: RunningSystem, output: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not system.run.ready:
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotStarted(f"the system did not start:\n{output.read_text(errors='replace')}")
        time.sleep(0.05)


def _is_ours(variable: str) -> bool:
    return variable.startswith("JEJAK_") and variable != "JEJAK_CACHE"


def _is_ready(run: Run, name: str, not_pid: int) -> bool:
    part = run.parts[name]
    return bool(part["ready"]) and part["pid"] not in {None, not_pid}


def _named(environment: dict[str, str], prefix: str, suffix: str) -> dict[str, str]:
    """The variables between prefix and suffix, by their lower-case middle."""
    found = {name: value for name, value in environment.items() if name.startswith(prefix) and name.endswith(suffix)}
    return {name[len(prefix) : len(name) - len(suffix)].lower(): value for name, value in found.items()}
