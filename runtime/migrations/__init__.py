"""Schema changes: plain SQL files, applied once each, in order, by whichever process comes first.

No library: yoyo keeps its lock in a table, so a migration killed with -9 blocks the next start; alembic brings an ORM
that nothing else here uses. PostgreSQL's advisory locks end with the session that held them.
"""

from pathlib import Path

import structlog

from runtime.database import Pool, check_schema

log = structlog.get_logger()

_OWN = Path(__file__).parent

CREATE_SCHEMA = "CREATE SCHEMA IF NOT EXISTS {schema}"
CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS {schema}.migrations (
    name text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
SELECT_APPLIED = "SELECT name FROM {schema}.migrations"
INSERT_APPLIED = "INSERT INTO {schema}.migrations (name) VALUES ($1)"
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


async def migrate(pool: Pool, schema: str, folder: Path) -> None:
    """Bring `schema` up to date: the runtime's own tables first, then `folder`/NNNN_*.sql in order of their names.

    Everything happens in one transaction under an advisory lock; a file is never applied twice. Unqualified names in the
    files mean `schema`. Raises what asyncpg raises; nothing is half applied.
    """
    check_schema(schema)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK, f"jejak-migrations:{schema}")
        await connection.execute(CREATE_SCHEMA.format(schema=schema))
        await connection.execute(CREATE_TABLE.format(schema=schema))
        await connection.execute(f"SET LOCAL search_path TO {schema}, public")
        applied = {row["name"] for row in await connection.fetch(SELECT_APPLIED.format(schema=schema))}
        for prefix, place in (("runtime", _OWN), ("service", folder)):
            for path in sorted(place.glob("*.sql")):
                name = f"{prefix}/{path.stem}"
                if name not in applied:
                    await connection.execute(path.read_text(encoding="utf-8"))
                    await connection.execute(INSERT_APPLIED.format(schema=schema), name)
                    log.info("migration_applied", schema=schema, migration=name)
