"""Statistics computed anew: from the rows of the live projection, or from every record of the archive.

At the same positions of the log and for the same instant both make the same document, to the byte. The document names its
positions and what was left out before them, so that it can be recomputed when the log has gone on.

As a program (`python -m services.status.statistics.recount`) it reads a `Recount` as JSON from standard input and keeps the document
in the table `statistics`: in a process of its own, because a second's computing would hold a second's look-ups.
"""

import gc
import os
import sys
import time
from operator import attrgetter
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import psycopg

from contracts import catalogue
from services.status.clocks.clockwork import Clockwork
from services.status.folding.definitions import definitions_of
from services.status.folding.reading import in_us
from services.status.statistics import figures
from services.status.statistics.figures import Document, Position
from services.status.statistics.order import Recount
from services.status.statistics.settling import settling
from services.status.statistics.statistics import Statistics
from services.status.statistics.tabulation import document
from services.status.store.extents import Extent, NothingToCount, connect

_NICENESS: Final = 10
"""Who looks something up goes first."""

SELECT_KEPT: Final = "SELECT computed_at, digest, document FROM statistics"
KEEP: Final = """
INSERT INTO statistics (computed_at, seconds, digest, document) VALUES (now(), %s, %s, %s)
ON CONFLICT (singleton) DO UPDATE SET computed_at = now(), seconds = excluded.seconds, digest = excluded.digest,
    document = excluded.document
"""
LOCK: Final = "SELECT pg_try_advisory_lock(hashtext(current_schema() || '.statistics'))"
SELECT_RECENT: Final = "SELECT EXISTS (SELECT FROM statistics WHERE computed_at > now() - %s * interval '1 second')"


def recount(order: Recount) -> Document:
    """The document. Raises `NothingToCount`, and what psycopg raises."""
    words = catalogue.load(extra=catalogue.additions(order.catalogue_extra))
    definitions = definitions_of(words)
    zones = {code: ZoneInfo(office.time_zone) for code, office in words.offices.items()}
    settle = settling(Clockwork(definitions.rules))
    statistics = Statistics(in_us(order.until), definitions.procedures, zones, settle)
    positions: list[Position] = []
    for database in order.databases:
        with connect(database.dsn, order.schema) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            part = Extent(
                connection, database, definitions, schema=order.schema, log=order.log, positions=order.positions
            )
            positions += part.positions
            for progress in part.from_archive() if order.source == "archive" else part.from_projection():
                statistics.add(progress)
    positions.sort(key=attrgetter("partition"))
    return document(statistics, log=order.log, positions=positions, version=definitions.version)


def keep(order: Recount) -> bool:
    """Compute and keep, unless another process is at it or has just done so; whether it did."""
    with connect(order.keep_in, order.schema, autocommit=True) as connection:
        (ours,) = connection.execute(LOCK).fetchone() or (False,)
        (recent,) = connection.execute(SELECT_RECENT, (order.fresh_s,)).fetchone() or (False,)
        if not ours or recent:
            return False
        began = time.monotonic()
        body = figures.canonical(recount(order))
        connection.execute(KEEP, (time.monotonic() - began, figures.digest(body), body))
    return True


def main() -> int:
    """Compute and keep; the exit code is 1, with a line that says why, when that cannot be done now."""
    os.nice(_NICENESS)
    gc.disable()  # nothing here is cyclic
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Recount)
    try:
        keep(order)
    except (NothingToCount, psycopg.Error, OSError) as error:
        sys.stderr.write(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
