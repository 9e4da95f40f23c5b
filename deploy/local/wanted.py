"""What a command wants started. Imports nothing heavy: the command line reads it before it knows what it will do."""

from collections.abc import Sequence
from dataclasses import dataclass

SERVICES = ("intake", "processing", "status", "notify")
"""What stands on the log: each has a schema in the database, consumers, an outbox, a quarantine."""
PORTAL = "portal"
"""The web pages: no log, no tables."""
PARTS = (*SERVICES, PORTAL)
"""What a start may name."""


@dataclass(frozen=True)
class Wanted:
    """What to start. `fresh`: on infrastructure named by the environment, leave nothing behind and touch nothing."""

    services: Sequence[str]
    support: bool = True
    fresh: bool = False
