"""What the driver says when PostgreSQL ends a connection: trouble that passes, never a reason for quarantine."""

import asyncio

import asyncpg
import pytest

from runtime.faults import is_transient
from runtime.problems import from_exception

pytestmark = pytest.mark.system


async def test_a_connection_that_the_server_has_just_ended_is_trouble_that_passes(fresh_database: str) -> None:
    admin = await asyncpg.connect(fresh_database)
    met: dict[str, Exception] = {}
    for attempt in range(150):
        connection = await asyncpg.connect(fresh_database)
        await admin.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
        await asyncio.sleep(0.0003 * (attempt % 10))
        try:
            async with connection.transaction():
                await connection.execute("SELECT 1")
        except Exception as error:
            met[type(error).__name__] = error
        finally:
            connection.terminate()
    await admin.close()
    assert "InternalClientError" in met
    assert [error for error in met.values() if not is_transient(error)] == []
    assert {from_exception(error).status for error in met.values()} == {503}
