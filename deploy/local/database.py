"""Names and makes databases on a server that a DSN points at."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from deploy.local.part import NotStarted


def with_database(dsn: str, name: str) -> str:
    """The same server, another database. The DSN must be a URI (asyncpg takes nothing else)."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


def check(dsn: str) -> None:
    """Raises `NotStarted` when no server answers at `dsn`; the message does not repeat it (it holds a password)."""
    try:
        psycopg.connect(dsn, connect_timeout=5).close()
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[-1]
        raise NotStarted(f"PostgreSQL cannot be used at JEJAK_DATABASE: {reason}") from None


@contextmanager
def temporary_database(dsn: str) -> Iterator[str]:
    """A new, empty database beside that of `dsn`, dropped afterwards, whoever is still connected to it."""
    name = f"jejak_{secrets.token_hex(6)}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield with_database(dsn, name)
    finally:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
