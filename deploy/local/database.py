"""Names and makes databases on a server that a DSN points at."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql


def with_database(dsn: str, name: str) -> str:
    """The same server, another database. The DSN must be a URI (asyncpg takes nothing else)."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


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
