"""The two ways to run a system: stay until asked to end (`up`), or for as long as a command takes (`exec`)."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console

from deploy.local.display import table_of
from deploy.local.part import NotStarted
from deploy.local.process import tethered
from deploy.local.state import Run, State
from deploy.local.system import READY_TIMEOUT_S, System
from deploy.local.wanted import PORTAL, Wanted

NOT_FOUND, NOT_EXECUTABLE = 127, 126
INTERRUPTED = 128


class Interruption:
    """SIGINT and SIGTERM, as something to wait for; or passed on to a process, once there is one."""

    def __init__(self) -> None:
        self._came = asyncio.Event()
        self.signal: signal.Signals | None = None
        self.target: asyncio.subprocess.Process | None = None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._take, number)

    def _take(self, number: signal.Signals) -> None:
        if self.target is None:
            self.signal = number
            self._came.set()
        elif self.target.returncode is None and not (number is signal.SIGINT and sys.stdin.isatty()):
            self.target.send_signal(number)  # Ctrl-C in a terminal has reached the command already

    async def wait(self) -> None:
        """Return when a signal came."""
        await self._came.wait()

    async def interrupts(self, task: "asyncio.Task[None]") -> bool:
        """Wait for `task`, but cancel it and return True when a signal comes first."""
        waiting = asyncio.create_task(self.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            await task
            return False
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return True


async def stay(state: State, wanted: Wanted, *, temporary: bool = False) -> int:
    """Run the system until SIGINT or SIGTERM. Returns the exit code: 0, since that is how it is meant to end."""
    interruption = Interruption()
    console = Console(stderr=True, soft_wrap=True)
    async with _started(System(state, wanted, _say), interruption) as run:
        if run:
            console.print(table_of(run))
            if portal := run.parts.get(PORTAL):
                console.print(f"The portal: {portal['address']}")
            console.print("Ctrl-C ends it.")
            await interruption.wait()
            _say("stopping")
    if temporary:
        state.remove()
    return 0


async def run_command(command: Sequence[str], state: State | None, wanted: Wanted, *, keep: bool) -> int:
    """Run COMMAND beside a system on `state`; None: on a temporary one. Returns COMMAND's exit code.

    The temporary state is removed afterwards, unless it is to be kept or the system did not start.
    """
    if code := _cannot_run(command[0]):
        return code
    interruption = Interruption()
    if state and state.is_running():
        return await _run(command, (await _joined(state)).environment, interruption)
    temporary = None if state else Path(tempfile.mkdtemp(prefix="jejak-"))
    system = System(state or State(temporary or Path()), wanted, _say)
    try:
        async with _started(system, interruption) as run:
            if run is None:
                return INTERRUPTED + (interruption.signal or 0)
            return await _run(command, run.environment, interruption)
    except NotStarted:
        keep = keep or any(system.state.logs.glob("*.log"))  # they tell why, and it may not happen again
        raise
    finally:
        if temporary and keep:
            _say(f"kept: {temporary}")
        elif temporary:
            system.state.remove()


@asynccontextmanager
async def _started(system: System, interruption: Interruption) -> AsyncIterator[Run | None]:
    """The system, running; None when a signal came before it was ready. Stopped afterwards in any case."""
    try:
        interrupted = await interruption.interrupts(asyncio.create_task(system.start()))
        yield None if interrupted else system.run
    finally:
        await system.stop()


async def _joined(state: State) -> Run:
    """The run file of the system that runs already, once it is ready."""
    for _ in range(int(READY_TIMEOUT_S * 10)):
        if (run := state.read_run()).ready:
            return run
        await asyncio.sleep(0.1)
    raise NotStarted(f"the system that runs on {state.folder} does not become ready. See {state.logs}")


async def _run(command: Sequence[str], environment: Mapping[str, str], interruption: Interruption) -> int:
    """Run it in our own process group, so that it may use the terminal."""
    process = await asyncio.create_subprocess_exec(
        *tethered(command, signal.SIGTERM), env=os.environ | dict(environment)
    )
    interruption.target = process
    code = await process.wait()
    return INTERRUPTED - code if code < 0 else code


def _cannot_run(command: str) -> int:
    """0 if there is such a command; otherwise says why not and returns the shell's exit code for it."""
    if shutil.which(command):
        return 0
    exists = Path(command).exists() and os.sep in command
    _say(f"cannot run {command}: {'it is not executable' if exists else 'there is no such command'}")
    return NOT_EXECUTABLE if exists else NOT_FOUND


def _say(line: str) -> None:
    print(f"jejak: {line}", file=sys.stderr, flush=True)
