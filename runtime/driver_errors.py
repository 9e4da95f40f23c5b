"""What the drivers of PostgreSQL and Kafka raise, sorted by what a request is answered with.

Imports the drivers, which a process that speaks to neither should not carry: see `runtime.problems`.
"""

import asyncpg

from runtime.faults import BROKER_AWAY, CONTENTION, DATABASE_AWAY, psycopg_errors

AWAY: tuple[type[BaseException], ...] = (
    *(kind for kind in DATABASE_AWAY if kind not in (OSError, asyncpg.InterfaceError)),
    *CONTENTION,
    *BROKER_AWAY,
)
SCHEMA_MISSING: tuple[type[BaseException], ...] = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
)
"""A request came before the migrations were through."""


def is_away(error: BaseException) -> bool:
    """Whether a driver says that its server cannot be reached, or is busy, or has not been prepared yet."""
    missing = SCHEMA_MISSING + psycopg_errors("UndefinedTable")
    if isinstance(error, AWAY + missing + psycopg_errors("OperationalError")) or isinstance(error.__cause__, missing):
        return True
    # one class for a closed connection or pool, and for wrong use of the driver, which is a defect of ours
    return isinstance(error, asyncpg.InterfaceError) and ("clos" in str(error) or "not initialized" in str(error))


def is_disk_full(error: BaseException) -> bool:
    """Whether PostgreSQL says that it has no room left."""
    return isinstance(error, (asyncpg.DiskFullError, *psycopg_errors("DiskFull")))
