"""A part that is away for as long as a test needs it to be."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator

from deploy.local.remote import RunningSystem

WITHIN_S = 30.0


@contextlib.contextmanager
def away(system: RunningSystem, part: str) -> Iterator[None]:
    """Kill `part` and keep it down: the supervisor, which would start it again, is frozen meanwhile.

    Afterwards the part is back and ready. Should the test die, the kernel wakes the supervisor with a SIGHUP, its end.
    """
    supervisor = system.run.supervisor
    os.kill(supervisor, signal.SIGSTOP)
    try:
        pid = system.kill(part)
        _wait_refused(system.run.parts[part]["address"])
        yield
    finally:
        os.kill(supervisor, signal.SIGCONT)
    system.wait_ready(part, not_pid=pid)


def _wait_refused(address: str) -> None:
    """Return once nobody answers at `address`."""
    host, _, port = address.removeprefix("http://").rpartition(":")
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            return
        time.sleep(0.05)
    raise TimeoutError(f"{address} is still answering")
