"""Which trouble passes by itself: the database or the broker is away, another writer was first.

Everything else is a defect of the input or of ours, and is never retried for ever.
"""

import sys

import aiokafka.errors
import asyncpg

DATABASE_AWAY: tuple[type[BaseException], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # also what asyncpg says of a connection that has the server's last words, not yet its end
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    ConnectionError,
    TimeoutError,
    OSError,
)
"""What the drivers raise when PostgreSQL cannot be reached, is starting, or ends the connection."""

CONTENTION: tuple[type[BaseException], ...] = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)
"""Another transaction was in the way; the same work succeeds later."""

BROKER_AWAY: tuple[type[BaseException], ...] = (aiokafka.errors.KafkaError,)
"""What the Kafka client raises when the broker cannot be reached."""


def is_transient(error: BaseException) -> bool:
    """True when the same work can be expected to succeed later, unchanged."""
    kinds = DATABASE_AWAY + CONTENTION + BROKER_AWAY + psycopg_errors("OperationalError")
    return isinstance(error, kinds) and not isinstance(error, ValueError)


def psycopg_errors(*names: str) -> tuple[type[BaseException], ...]:
    """These errors of psycopg; none while it is not loaded, since then none can have been raised.

    The second driver, for what is large and synchronous, is a tenth of a process that does not use it.
    """
    errors = sys.modules.get("psycopg.errors")
    return tuple(getattr(errors, name) for name in names) if errors else ()
