import asyncio

import pytest

from runtime.tasks import running, supervise


async def test_a_task_that_fails_while_it_is_cancelled_ends_all_the_same() -> None:
    begun = asyncio.Event()

    async def works_on_a_lost_connection() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            raise ConnectionError("the connection was lost before it could be cleaned up")

    task = asyncio.create_task(supervise("relay", works_on_a_lost_connection))
    await begun.wait()
    task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_work_that_fails_is_started_again_while_its_context_is_open() -> None:
    begun, twice = 0, asyncio.Event()

    async def fails_at_first() -> None:
        nonlocal begun
        begun += 1
        if begun == 1:
            raise ConnectionError
        twice.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        async with running(consumer=fails_at_first):
            await twice.wait()
    assert begun == 2
