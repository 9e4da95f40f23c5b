"""Following a channel of PostgreSQL, on real connections: what wakes it, and what it says when its connection dies."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from runtime.database import Pool, open_pool
from runtime.listening import ConnectionLost, follow
from runtime.tasks import running

pytestmark = pytest.mark.system


@asynccontextmanager
async def pool_on(database: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database, schema="listening")
    try:
        yield pool
    finally:
        pool.terminate()


async def end(database: str, pid: int) -> None:
    """As an administrator or an outage ends a connection."""
    admin = await asyncpg.connect(database)
    await admin.execute("SELECT pg_terminate_backend($1)", pid)
    await admin.close()


def following(pool: Pool, looks: Callable[[], None], pids: list[int]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        async with pool.acquire() as connection:
            pids.append(connection.get_server_pid())

            async def once() -> bool:
                looks()
                return False

            await follow(connection, "things", once, look_every_s=60)

    return run


async def test_a_notification_is_followed_by_work_at_once(fresh_database: str) -> None:
    looked = asyncio.Queue[int]()
    async with asyncio.timeout(20), pool_on(fresh_database) as pool:
        task = asyncio.ensure_future(following(pool, lambda: looked.put_nowait(1), [])())
        await looked.get()  # the first look
        await pool.execute("NOTIFY things")
        await looked.get()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with pool.acquire() as same:
            assert await same.fetchval("SELECT count(*) FROM pg_listening_channels()") == 0


async def test_a_connection_lost_while_there_is_nothing_to_do_is_noticed_and_named(fresh_database: str) -> None:
    looked, pids = asyncio.Event(), list[int]()
    async with asyncio.timeout(20), pool_on(fresh_database) as pool:
        task = asyncio.ensure_future(following(pool, looked.set, pids)())
        await looked.wait()
        await end(fresh_database, pids[0])
        with pytest.raises(ConnectionLost, match="listened on things was lost"):
            await task


async def test_a_connection_that_dies_under_the_work_is_named_and_not_that_it_was_used_afterwards(
    fresh_database: str,
) -> None:
    async with asyncio.timeout(20), pool_on(fresh_database) as pool, pool.acquire() as connection:

        async def work() -> bool:
            await end(fresh_database, connection.get_server_pid())
            while not connection.is_closed():  # until the pool has taken it back: then this raises
                await asyncio.sleep(0.01)
            return False

        with pytest.raises(ConnectionLost, match="listened on things was lost"):
            await follow(connection, "things", work, look_every_s=60)


async def test_work_whose_connection_died_is_begun_again_and_ends_when_it_is_told_to(fresh_database: str) -> None:
    looked, pids = asyncio.Queue[int](), list[int]()
    async with asyncio.timeout(20), pool_on(fresh_database) as pool:
        async with running(relay=following(pool, lambda: looked.put_nowait(1), pids)):
            await looked.get()
            await end(fresh_database, pids[0])
            await looked.get()
        assert len(pids) == 2
