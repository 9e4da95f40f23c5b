"""A service as a process of its own, on a database and a topic of its own: what the system tests of each have in common."""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import httpx

from contracts.number import RANDOM_BYTES, format_number
from deploy.local.issuer import Issuer

STOP_TIMEOUT_S = 15


def new_number() -> str:
    return format_number("LBG", secrets.token_bytes(RANDOM_BYTES))


@dataclass
class ServiceProcess:
    """`services.<name>.main`, started, asked and stopped. What it needs besides is in `settings`."""

    name: ClassVar[str]

    folder: Path
    kafka: str
    database: str
    topic: str
    process: subprocess.Popen[bytes] | None = None
    http: httpx.Client = field(default_factory=httpx.Client)

    def __post_init__(self) -> None:
        self.issuer = Issuer(self.folder / "issuer.pem")
        (self.folder / "jwks.json").write_text(self.issuer.jwks())

    def settings(self) -> dict[str, str]:
        """What this service is told besides what every service is."""
        return {}

    def start(self, *, ready: bool = True, **environment: str) -> None:
        """Start the process and wait until it is ready, or at least answers."""
        address = self.folder / "address"
        address.unlink(missing_ok=True)
        ours = {
            "JEJAK_KAFKA": self.kafka,
            "JEJAK_DATABASE": self.database,
            "JEJAK_TOPIC": self.topic,
            "JEJAK_ADDRESS_FILE": str(address),
            "JEJAK_ISSUER": self.issuer.name,
            "JEJAK_JWKS": (self.folder / "jwks.json").as_uri(),
            "JEJAK_PORT": "0",
        }
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"services.{self.name}.main"],
                env={**os.environ, **ours, **self.settings(), **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.wait_until(lambda: address.exists() and bool(address.read_text()))
        self.http.close()
        self.http = httpx.Client(base_url=address.read_text().strip(), timeout=30)
        self.wait_until(lambda: self._answers("/health/ready" if ready else "/health/live"))

    def _answers(self, path: str) -> bool:
        try:
            return self.http.get(path).is_success
        except httpx.TransportError:
            return False

    def wait_until(self, condition: Callable[[], Any], timeout_s: float = 60) -> Any:
        """What `condition` gives, once it gives something; fails with the log when the process ends or time is up."""
        deadline = time.monotonic() + timeout_s
        while not (result := condition()):
            assert time.monotonic() < deadline, self.log()
            assert self.process is not None
            assert self.process.poll() is None, self.log()
            time.sleep(0.05)
        return result

    def log(self) -> str:
        """The end of what the process wrote."""
        return (self.folder / "log").read_text()[-5000:]

    def kill(self) -> None:
        """As `kill -9`."""
        self.stop(signal.SIGKILL)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal and wait for the end; one that takes too long fails the test."""
        self.http.close()
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def bearer(self, role: str = "officer", **claims: str) -> dict[str, str]:
        """The header of a token that names `role`."""
        return {"Authorization": f"Bearer {self.issuer.token(role, **claims)}"}
