"""The digest of a generation: SHA-256 over all of its rows in order, so that two generations can be compared.

For each partition of the log: SHA-256 over its timeline rows in order of (number, n) and its application rows in order
of number, in PostgreSQL's binary COPY format; the digest is SHA-256 over the partitions' digests in order.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from contracts.envelope import PARTITIONS
from services.status.store import tables

if TYPE_CHECKING:
    import psycopg

# Rows of the same events at the same positions are equal in every column: none may depend on when or how they were written.
_TIMELINE: Final = f"SELECT {tables.TIMELINE_COLUMNS} FROM {{}} ORDER BY number, n"  # noqa: S608 - our own names
_APPLICATION: Final = f"SELECT {tables.APPLICATION_COLUMNS} FROM {{}} ORDER BY number"  # noqa: S608
SELECT_LIVE: Final = "SELECT generation FROM generations WHERE state = 'live' AND version = %s"
_FIRST_DIFFERENT: Final = """
SELECT number FROM (
    SELECT coalesce(a.number, b.number) AS number
    FROM (SELECT * FROM {old} WHERE "offset" < %(end)s) a
    FULL JOIN (SELECT * FROM {new} WHERE "offset" < %(end)s) b ON a.number = b.number AND a.n = b.n
    WHERE a IS DISTINCT FROM b
    UNION ALL
    SELECT coalesce(a.number, b.number)
    FROM {old_application} a FULL JOIN {new_application} b ON a.number = b.number
    WHERE a IS DISTINCT FROM b
      AND coalesce(a.last_offset, 0) < %(end)s AND coalesce(b.last_offset, 0) < %(end)s
) differing ORDER BY number LIMIT 1
"""


def digest(connection: psycopg.Connection, generation: int) -> str:
    """The digest of a generation as `connection`'s transaction sees it, in hexadecimal."""
    whole = hashlib.sha256()
    for partition in range(PARTITIONS):
        whole.update(_digest_partition(connection, generation, partition))
    return whole.hexdigest()


def live_digest(dsn: str, schema: str, version: str) -> str:
    """The digest of the live generation of `version` at one moment; empty before the first start."""
    import psycopg  # noqa: PLC0415 - 10 MiB, for what an auditor asks now and then

    with psycopg.connect(dsn, options=f"-c search_path={schema},public") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        row = connection.execute(SELECT_LIVE, (version,)).fetchone()
        return digest(connection, row[0]) if row else ""


def _digest_partition(connection: psycopg.Connection, generation: int, partition: int) -> bytes:
    hashed = hashlib.sha256()
    for kind, query in (("timeline", _TIMELINE), ("application", _APPLICATION)):
        rows = query.format(tables.leaf(generation, kind, partition))
        with connection.cursor().copy(f"COPY ({rows}) TO STDOUT (FORMAT binary)".encode()) as copy:
            for block in copy:
                hashed.update(block)
    return hashed.digest()


def first_difference(connection: psycopg.Connection, old: int, new: int, ends: dict[int, int]) -> str | None:
    """The first application, by number, whose rows differ between two generations before the offsets `ends`."""
    found = []
    for partition, end in ends.items():
        query = _FIRST_DIFFERENT.format(
            old=tables.leaf(old, "timeline", partition),
            new=tables.leaf(new, "timeline", partition),
            old_application=tables.leaf(old, "application", partition),
            new_application=tables.leaf(new, "application", partition),
        )
        row = connection.execute(query.encode(), {"end": end}).fetchone()
        if row is not None:
            found.append(str(row[0]))
    return min(found, default=None)
