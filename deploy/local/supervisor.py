"""Keeps the parts of one system running: starts them together, restarts what dies, stops them in order.

Every part is the leader of a process group of its own and is tied to the supervisor (see `tether`), so that nothing is
left when the supervisor is killed. Must run in the main thread: the kernel ties a child to the *thread* that made it.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy.local.logs import rotate_all
from deploy.local.part import NotStarted, Part, PortTaken, Wave
from deploy.local.ports import is_taken
from deploy.local.process import tethered

READY_INTERVAL_S = 0.05
READY_ANSWER_S = 5.0
FIRST_BACKOFF_S = 0.2
LONGEST_BACKOFF_S = 5.0
STEADY_AFTER_S = 10.0  # a part that ran this long begins anew with the shortest back-off
DEATHS_BEFORE_GIVING_UP = 5  # of a part that was never ready
ROTATE_INTERVAL_S = 5.0


class Running:
    """One part under supervision."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.process: asyncio.subprocess.Process | None = None
        self.restarts = 0
        self.was_ready = asyncio.Event()
        self.is_ready = False
        self.failure: NotStarted | None = None
        self.not_ready_because = "it has not answered"

    @property
    def pid(self) -> int | None:
        """The process id, None while it is not running."""
        return self.process.pid if self.process and self.process.returncode is None else None


class Supervisor:
    """`start`, `wait_ready`, `stop`. `changed` is called whenever a part was started or became ready."""

    def __init__(self, logs: Path, say: Callable[[str], None], changed: Callable[[], None] = lambda: None) -> None:
        self._logs = logs
        self._say = say
        self._changed = changed
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self.running: dict[str, Running] = {}

    def start(self, parts: Sequence[Part]) -> None:
        """Start the parts together and keep them running."""
        if not self._tasks:
            self._tasks.append(asyncio.create_task(self._rotate()))
        for part in parts:
            running = self.running[part.name] = Running(part)
            self._tasks.append(asyncio.create_task(self._keep(running)))

    async def wait_ready(self, timeout_s: float) -> None:
        """Return once every part has been ready. Raises `NotStarted`, naming what is not and where its log is."""
        try:
            async with asyncio.timeout(timeout_s):
                await asyncio.gather(*(running.was_ready.wait() for running in self.running.values()))
        except TimeoutError:
            late = [running for running in self.running.values() if not running.was_ready.is_set()]
            reasons = "; ".join(f"{one.part.name} ({one.not_ready_because})" for one in late)
            raise NotStarted(f"not ready after {timeout_s:.0f} s: {reasons}. See {self._logs}") from None
        for running in self.running.values():
            if running.failure:
                raise running.failure

    async def stop(self) -> None:
        """Stop the parts, wave by wave, each with its own signal and, when it takes too long, for good."""
        self._stopping = True
        for wave in Wave:
            await asyncio.gather(*(self._end(one) for one in self.running.values() if one.part.wave is wave))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _keep(self, running: Running) -> None:
        """Run the part again and again until the supervisor stops."""
        backoff_s = FIRST_BACKOFF_S
        while not self._stopping:
            began = time.monotonic()
            running.process = await self._spawn(running.part)
            self._changed()
            readiness = asyncio.create_task(self._watch_readiness(running))
            code = await running.process.wait()
            readiness.cancel()
            running.is_ready = False
            self._end_group(running)
            self._changed()
            if self._stopping:
                return
            running.restarts += 1
            if failure := self._hopeless(running, code):
                self._give_up(running, failure)
                return
            if time.monotonic() - began > STEADY_AFTER_S:
                backoff_s = FIRST_BACKOFF_S
            self._say(f"{running.part.name}: ended ({_outcome(code)}), starting it again in {backoff_s:.1f} s")
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)

    async def _spawn(self, part: Part) -> asyncio.subprocess.Process:
        with self._log(part.name).open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *tethered(part.command, part.death_signal, part.owner),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | dict(part.environment),
                cwd="/" if part.owner else None,
                process_group=0,
            )

    async def _watch_readiness(self, running: Running) -> None:
        """Ask the part until it says that it is ready; why it was not is told when it takes too long."""
        while True:
            try:
                async with asyncio.timeout(READY_ANSWER_S):
                    await running.part.ready()
                break
            except Exception as error:
                running.not_ready_because = f"{error}".strip() or type(error).__name__
            await asyncio.sleep(READY_INTERVAL_S)
        first = not running.was_ready.is_set()
        running.is_ready = True
        running.was_ready.set()
        if not first:
            self._say(f"{running.part.name}: ready again")
        self._changed()

    def _hopeless(self, running: Running, code: int) -> NotStarted | None:
        """Why a part that was never ready will not come up, None while it may."""
        part, log = running.part, self._log(running.part.name)
        if running.was_ready.is_set():
            return None
        for port in part.ports:
            if is_taken(port):
                return PortTaken(f"{part.name} does not start: port {port} is taken by another process")
        if running.restarts < DEATHS_BEFORE_GIVING_UP:
            return None
        return NotStarted(f"{part.name} does not start ({_outcome(code)}): {last_line(log)} (see {log})")

    def _give_up(self, running: Running, failure: NotStarted) -> None:
        running.failure = failure
        for other in self.running.values():  # nobody waits for a system that will not come up
            other.was_ready.set()

    async def _end(self, running: Running) -> None:
        if running.process is None or running.process.returncode is not None:
            return
        running.process.send_signal(running.part.stop_signal)
        try:
            async with asyncio.timeout(running.part.stop_timeout_s):
                await running.process.wait()
        except TimeoutError:
            self._say(f"{running.part.name}: did not stop within {running.part.stop_timeout_s:.0f} s, ended it")
            running.process.kill()
            await running.process.wait()
        self._end_group(running)

    def _end_group(self, running: Running) -> None:
        """End what the part left in its group. PostgreSQL's processes end by themselves, after writing what they must."""
        if running.process and running.part.death_signal is signal.SIGKILL:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(running.process.pid, signal.SIGKILL)

    async def _rotate(self) -> None:
        while True:
            await asyncio.sleep(ROTATE_INTERVAL_S)
            await asyncio.to_thread(rotate_all, self._logs)

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"


def last_line(log: Path) -> str:
    """The last line a part wrote, shortened; what it most likely died of."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = file.read().decode(errors="replace").strip().splitlines()
    return (lines or ["it wrote nothing"])[-1].strip()[:200]


def _outcome(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
