"""Which trouble passes by itself: the database or the broker is away, another writer was first.

Everything else is a defect of the input or of ours, and is never retried for ever.
"""

import aiokafka.errors
import asyncpg
import confluent_kafka
import psycopg
from eventsourcing import persistence

DATABASE_AWAY: tuple[type[BaseException], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # also what asyncpg says of a connection that has the server's last words, not yet its end
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    persistence.OperationalError,
    persistence.InterfaceError,
    psycopg.OperationalError,
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

BROKER_AWAY: tuple[type[BaseException], ...] = (aiokafka.errors.KafkaError, confluent_kafka.KafkaException)
"""What the Kafka clients raise when the broker cannot be reached."""


def is_transient(error: BaseException) -> bool:
    """True when the same work can be expected to succeed later, unchanged."""
    return isinstance(error, DATABASE_AWAY + CONTENTION + BROKER_AWAY) and not isinstance(error, ValueError)
