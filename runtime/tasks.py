"""Background work that must go on: started with the service, restarted when it fails, ended with it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from runtime.faults import is_transient
from runtime.pauses import backoff, pause

log = structlog.get_logger()

_STEADY_S = 30.0
"""After so long without trouble the next failure is retried at once again."""


async def supervise(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run `work` for ever: when it fails or returns, say why and start it again after a growing pause.

    Ends when cancelled, also when `work` raises something else on its way out: what it cleans up may be gone itself.
    """
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    delays = backoff()
    while True:
        began = loop.time()
        try:
            await work()
            log.warning("task_ended", task=name)
        except Exception as error:
            # Whatever it was, the service must not go on without this task: it is said and tried again.
            if is_transient(error):
                log.warning("task_interrupted", task=name, error=type(error).__name__, reason=str(error)[:200])
            else:
                log.exception("task_failed", task=name)
        if task and task.cancelling():
            raise asyncio.CancelledError
        if loop.time() - began > _STEADY_S:
            delays = backoff()
        await pause(delays)


@asynccontextmanager
async def running(**works: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Keep every one of `works` running under its name while the context is open."""
    tasks = [asyncio.create_task(supervise(name, work), name=name) for name, work in works.items()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def wait_at_most(event: asyncio.Event, seconds: float) -> None:
    """Until `event` is set, or for `seconds`. Before Python 3.12 `wait_for` swallows a cancellation that meets the event."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
