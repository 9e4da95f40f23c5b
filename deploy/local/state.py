"""The state folder of one running system: its layout, its lock, and the run file by which commands find each other."""

import fcntl
import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from deploy.local.part import NotStarted

DEFAULT_FOLDER = ".jejak"


def write_secret(path: Path, text: str) -> None:
    """Write the file in one step, readable by its owner only."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)


@dataclass
class Run:
    """What a running system tells other commands. `environment` is what a COMMAND of `jejak exec` gets."""

    supervisor: int = 0
    ready: bool = False
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)


class State:
    """The folder: `logs/`, `postgres/`, `kafka/`, `documents/`, `mail/`, `keys/`, `run.json`, `lock`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._lock: IO[str] | None = None

    @property
    def logs(self) -> Path:
        """The folder of the parts' logs, `<name>.log`."""
        return self.folder / "logs"

    def path(self, name: str) -> Path:
        """A path inside the state folder."""
        return self.folder / name

    def create(self) -> None:
        """Make the folder. Others may pass through it (PostgreSQL runs as a user of its own) but not list it."""
        try:
            self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
            self.folder.chmod(0o711)
            self.logs.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise NotStarted(
                f"the state folder {self.folder} cannot be made: {error.strerror}. Name another by --state"
            ) from error

    def lock(self) -> None:
        """Make this process the one that runs on this state. The kernel undoes it when the process ends, however."""
        lock = self.path("lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise NotStarted(
                f"a system is already running on {self.folder} (supervisor {self.read_run().supervisor or '?'}). "
                "Stop it, or name another folder by --state"
            ) from None
        self._lock = lock

    def unlock(self) -> None:
        """Let others run on this state."""
        if self._lock:
            self.path("run.json").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def is_running(self) -> bool:
        """Whether some process holds the lock."""
        if not self.path("lock").exists():
            return False
        with self.path("lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def write_run(self, run: Run) -> None:
        """Publish the run file (it holds tokens: mode 0600)."""
        write_secret(self.path("run.json"), json.dumps(asdict(run), indent=1))

    def read_run(self) -> Run:
        """The run file; an empty one where there is none."""
        try:
            return Run(**json.loads(self.path("run.json").read_text()))
        except FileNotFoundError:
            return Run()

    def remove(self) -> None:
        """Delete the state and what it links to outside (see `postgres_native`)."""
        for postgres in (self.path("postgres"), self.path("in-memory") / "postgres"):
            if postgres.is_symlink():
                shutil.rmtree(postgres.resolve())
        shutil.rmtree(self.folder)
