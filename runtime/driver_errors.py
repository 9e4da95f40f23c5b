"""What the drivers of PostgreSQL and Kafka raise, sorted by what a request is answered with.

Imports every driver, which a process that speaks to neither should not carry: see `runtime.problems`.
"""

import asyncpg
import psycopg
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from runtime.faults import BROKER_AWAY, CONTENTION, DATABASE_AWAY

AWAY: tuple[type[BaseException], ...] = (
    *(kind for kind in DATABASE_AWAY if kind not in (OSError, asyncpg.InterfaceError)),
    *CONTENTION,
    *BROKER_AWAY,
    PoolTimeout,
    PoolClosed,
    TooManyRequests,
)
SCHEMA_MISSING: tuple[type[BaseException], ...] = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
    psycopg.errors.UndefinedTable,
)
"""A request came before the migrations were through."""

DISK_FULL: tuple[type[BaseException], ...] = (asyncpg.DiskFullError, psycopg.errors.DiskFull)


def is_away(error: BaseException) -> bool:
    """Whether a driver says that its server cannot be reached, or is busy, or has not been prepared yet."""
    if isinstance(error, AWAY + SCHEMA_MISSING) or isinstance(error.__cause__, SCHEMA_MISSING):
        return True
    # one class for a closed connection or pool, and for wrong use of the driver, which is a defect of ours
    return isinstance(error, asyncpg.InterfaceError) and ("clos" in str(error) or "not initialized" in str(error))
