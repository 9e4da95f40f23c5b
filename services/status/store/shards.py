"""Several databases, each with a part of the log's partitions, and one reader in front of them.

A status process with `JEJAK_PARTITIONS` takes in those partitions only, into its own database; it is a status service
like any other, with a consumer group of its own. A reader (`JEJAK_SHARDS`) takes in nothing: in its own database the
projection's tables are foreign ones, each in the database that has its partition, so that a look-up is one indexed read
there, and a search or a statistic goes through all of them.

Source: PostgreSQL documentation, "postgres_fdw".
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from contracts.envelope import PARTITIONS
from runtime.database import Connection
from services.status.store import tables

BUILD_ALONE: Final = "SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.front'))"
_RANGE: Final = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")
_SHARD: Final = re.compile(r"([\d,-]+)=(\S+)")


class Shard(NamedTuple):
    """A database and the partitions that it has."""

    partitions: tuple[int, ...]
    dsn: str


def parse_partitions(text: str) -> tuple[int, ...]:
    """Partitions as `0-5,7`. Raises `ValueError`, which says what is wrong."""
    found: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{part.strip()!r} is neither a partition nor a range of them; write for example 0-5,7")
        first, last = int(match[1]), int(match[2] or match[1])
        if first > last or last >= PARTITIONS:
            raise ValueError(f"the partitions are 0 to {PARTITIONS - 1}, and {part.strip()} is not within them")
        found.update(range(first, last + 1))
    return tuple(sorted(found))


def parse_shards(text: str) -> tuple[Shard, ...]:
    """Databases as `0-5=postgresql://… 6-11=postgresql://…`. Raises `ValueError`; the message holds no address."""
    shards = []
    for part in text.split():
        match = _SHARD.fullmatch(part)
        if match is None:
            raise ValueError("a database is named by its partitions and its URI: 0-5=postgresql://…")
        shards.append(Shard(parse_partitions(match[1]), match[2]))
    taken = sorted(place for shard in shards for place in shard.partitions)
    if taken != list(range(PARTITIONS)):
        raise ValueError(f"each of the partitions 0 to {PARTITIONS - 1} must be in exactly one database")
    return tuple(shards)


async def build_front(connection: Connection, shards: Sequence[Shard], schema: str) -> None:
    """Make the tables through which a reader sees what is in `shards`, in the connection's own schema.

    Needs the right to make foreign servers (of a superuser, or granted on the wrapper). Made anew at every start: an
    address or a password may have changed.
    """
    statements = _front(shards, schema, [await _literals(connection, shard) for shard in shards])
    async with connection.transaction():
        await connection.execute(BUILD_ALONE)
        await connection.execute(statements)


async def _literals(connection: Connection, shard: Shard) -> list[str]:
    """Host, port, database, user and password of a shard as SQL literals."""
    address = urlsplit(shard.dsn)
    values = [
        address.hostname or "", str(address.port or 5432), unquote(address.path.lstrip("/")),
        unquote(address.username or ""), unquote(address.password or ""),
    ]  # fmt: skip
    return [str(await connection.fetchval("SELECT quote_literal($1)", value)) for value in values]


def _front(shards: Sequence[Shard], schema: str, addresses: Sequence[Sequence[str]]) -> str:
    statements = ["CREATE EXTENSION IF NOT EXISTS postgres_fdw"]
    kinds = ("timeline", "application")
    statements += [f"DROP TABLE IF EXISTS {kind} CASCADE" for kind in kinds]
    statements += [
        f"CREATE TABLE {kind} ({tables.shown_columns(kind)}) PARTITION BY LIST (partition)" for kind in kinds
    ]
    for place, (shard, (host, port, database, user, password)) in enumerate(zip(shards, addresses, strict=True)):
        server = f"jejak_{schema}_{place}"
        statements += [
            f"DROP SERVER IF EXISTS {server} CASCADE",
            # Remote estimates: without them a look-up would fetch a whole table and look for its row here.
            f"CREATE SERVER {server} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host {host}, port {port},"
            f" dbname {database}, use_remote_estimate 'true', fetch_size '1000', async_capable 'true')",
            f"CREATE USER MAPPING FOR CURRENT_USER SERVER {server} OPTIONS (user {user}, password {password})",
        ]
        statements += [
            f"CREATE FOREIGN TABLE {kind}_{partition:02d} PARTITION OF {kind} FOR VALUES IN ({partition})"
            f" SERVER {server} OPTIONS (schema_name '{schema}', table_name '{kind}_{partition:02d}')"
            for kind in kinds
            for partition in shard.partitions
        ]
    return ";\n".join(statements)
