"""What statistics are to be computed: the order that the service gives to the process that computes them."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from services.status.statistics.figures import Position
from services.status.store.databases import Database


class Recount(Struct, frozen=True, kw_only=True):
    """What to compute, from where."""

    databases: list[Database]
    schema: str
    log: str
    """Name and generation of the topic, as positions have it."""
    source: Literal["projection", "archive"] = "projection"
    until: datetime
    positions: list[Position] | None = None
    """From the archive: how far, and without what; `None`: as the live projection stands."""
    catalogue_extra: str = ""
    keep_in: str = ""
    """As a program: the database to keep the document in."""
    fresh_s: float = 0.0
    """As a program: do nothing where what is kept is younger."""
