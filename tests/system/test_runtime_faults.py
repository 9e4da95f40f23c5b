"""What the drivers say when PostgreSQL ends a connection: trouble that passes, never a reason for quarantine."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from runtime.database import open_pool
from runtime.eventstore import Append, FencedRecorder, NewEvent, PostgresEventStore, StreamEvent
from runtime.faults import is_transient
from runtime.migrations import migrate
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


async def test_an_append_frozen_within_its_transaction_is_made_again(
    fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = await open_pool(fresh_database, schema="frozen")
    await migrate(pool, "frozen", tmp_path)
    await pool.close()
    store = PostgresEventStore.open(fresh_database, "frozen")
    await store.prepare()
    monkeypatch.setattr(FencedRecorder, "_insert_events", frozen_once(FencedRecorder._insert_events))
    await store.append(Append("a", 0, [NewEvent("t", b"x")]))
    assert await store.load("a") == [StreamEvent(1, "t", b"x")]
    await store.close()


def frozen_once(insert: Callable[..., Any]) -> Callable[..., Any]:
    """`insert`, which the first time lies within its transaction for longer than the server waits."""
    frozen = False

    def inserts(recorder: FencedRecorder, cursor: Any, *arguments: Any, **named: Any) -> Any:
        nonlocal frozen
        if not frozen:
            frozen = True
            cursor.execute("SET idle_in_transaction_session_timeout = '100ms'")
            time.sleep(0.5)
        return insert(recorder, cursor, *arguments, **named)

    return inserts
