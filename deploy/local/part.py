"""What the supervisor runs: a part, that is, one process with its readiness check."""

import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum


class NotStarted(Exception):
    """The system could not be started. The message is one line: what, where, what to do."""


class PortTaken(NotStarted):
    """Another process was quicker to take a port that a part was to listen on. Starting anew takes other ports."""


class Wave(Enum):
    """When a part is stopped: the first wave first. All parts start together."""

    SERVICE = 1
    SUPPORT = 2
    INFRASTRUCTURE = 3


@dataclass(frozen=True)
class Owner:
    """The user a part runs as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Part:
    """One process. `ready` returns None once the part answers, and raises what went wrong while it does not."""

    name: str
    command: Sequence[str]
    ready: Callable[[], Awaitable[None]]
    wave: Wave
    address: str = ""
    ports: Sequence[int] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    owner: Owner | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 6.0
    death_signal: signal.Signals = signal.SIGKILL
