"""The pool of PostgreSQL connections: one database, one schema a service."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
"""A connection, of its own or lent by a pool."""
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"


class Session(asyncpg.Connection):
    """A pool's connection. The driver would put every session back to its beginning by a round trip whenever one is given back;
    here only those are that say so, since hardly any leaves something behind."""

    __slots__ = ("_leaves",)

    def keep_session(self) -> None:
        """See `keep_session`."""
        self._leaves = True

    def get_reset_query(self) -> str:
        """What ends locks and LISTENs when the pool takes this connection back: nothing where there are none."""
        return str(super().get_reset_query()) if getattr(self, "_leaves", False) else ""


def keep_session(connection: Connection) -> None:
    """Say that something beyond transactions will be done on this connection (a session's lock, LISTEN, SET) before doing it:
    all that ends then when its pool takes it back, also when a task is cancelled in the middle."""
    if keep := getattr(connection, "keep_session", None):
        keep()


IDENTIFIER = "abcdefghijklmnopqrstuvwxyz_0123456789"


def check_schema(schema: str) -> str:
    """`schema` if it can stand in a statement as it is (lower-case letters, digits, underscores)."""
    if not schema or set(schema) - set(IDENTIFIER) or schema[0].isdigit():
        raise ValueError(f"not a plain schema name: {schema!r}")
    return schema


def make_pool(
    dsn: str,
    *,
    schema: str,
    min_size: int = 0,
    max_size: int = 8,
    command_timeout_s: float = 30.0,
    connect_timeout_s: float = 5.0,
    idle_in_transaction_s: float = 10.0,
    before: str = "",
    session: Mapping[str, str] | None = None,
    **options: Any,
) -> Pool:
    """A pool, still to be opened by `await pool`, whose connections look into `schema` first, or into the schema `before`
    it. Needs a running loop.

    With `min_size=0` (the default) opening connects nothing yet: a service comes up while the database is away, and the
    first use of a connection raises what `runtime.faults.DATABASE_AWAY` lists until it is back.

    The server ends a transaction in which nothing was asked for `idle_in_transaction_s`: a process that is stopped in the
    middle of one would keep its locks, and whoever takes over its work would wait for it to be continued. `session` has
    further settings of the server for the pool's sessions. Who does more with a session than transactions: `keep_session`.
    """
    return asyncpg.create_pool(
        dsn,
        connection_class=Session,
        min_size=min_size,
        max_size=max_size,
        timeout=connect_timeout_s,
        command_timeout=command_timeout_s,
        server_settings={
            "search_path": ",".join([*([check_schema(before)] if before else []), check_schema(schema), "public"]),
            "application_name": f"jejak-{schema}",
            "idle_in_transaction_session_timeout": f"{idle_in_transaction_s * 1000:.0f}",
            **(session or {}),
        },
        **options,
    )


async def open_pool(dsn: str, *, schema: str, **options: Any) -> Pool:
    """As `make_pool`, opened."""
    pool = make_pool(dsn, schema=schema, **options)
    await pool
    return pool
