"""Runs the workers of a rebuild: processes, and one thread of this process, which begins at once, where that is wanted."""

import asyncio
import os
import sys
from collections.abc import Callable

import msgspec

from services.status.rebuilding import bulk
from services.status.rebuilding.bulk import Job

Advance = Callable[[bulk.Advanced], None]
"""Called in the event loop now and then."""


class WorkerFailed(Exception):
    """A worker process ended before its work was done; the message is the end of what it said."""


def default_workers() -> int:
    """As many as there are processors at hand."""
    return len(os.sched_getaffinity(0))


async def run_workers(
    job: Job, count: int, advance: Advance, *, thread: bool, program: str = "services.status.rebuilding.bulk"
) -> None:
    """Build what is left of `job` with `count` workers, one of them in a thread of this process if so wanted, the others
    processes that run the module `program`.

    Raises what they raise, or `WorkerFailed`.
    """
    async with asyncio.TaskGroup() as group:
        for _ in range(count - thread):
            group.create_task(_run_process(job, advance, program))
        if thread:
            group.create_task(_run_thread(job, advance))


async def _run_thread(job: Job, advance: Advance) -> None:
    loop = asyncio.get_running_loop()

    def report(records: int) -> None:
        loop.call_soon_threadsafe(advance, bulk.Advanced(records))

    await asyncio.to_thread(bulk.work, job, report)


async def _run_process(job: Job, advance: Advance, program: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", program,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise WorkerFailed("the worker process has no pipes")
        said = asyncio.create_task(process.stderr.read())
        process.stdin.write(msgspec.json.encode(job))
        process.stdin.close()
        async for line in process.stdout:
            advance(msgspec.json.decode(line, type=bulk.Advanced))
        if await process.wait() != 0:
            raise WorkerFailed((await said).decode(errors="replace").strip()[-500:])
        await said
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
