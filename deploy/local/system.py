"""One running system: state locked, infrastructure found, parts supervised, run file written. Started and stopped here."""

import asyncio
import os
import time
from collections.abc import Callable, Sequence

from deploy.local import infrastructure
from deploy.local.ports import Ports
from deploy.local.state import Run, State
from deploy.local.supervisor import Supervisor

READY_TIMEOUT_S = 90.0


class System:
    """`start` to ready, `stop` to nothing left."""

    def __init__(self, state: State, services: Sequence[str], say: Callable[[str], None]) -> None:
        self.state = state
        self.services = services
        self._say = say
        self._ports = Ports()
        self._run = Run(supervisor=os.getpid())
        self._found: infrastructure.Infrastructure | None = None
        self._began = time.monotonic()
        self.supervisor = Supervisor(state.logs, say, self._publish)

    @property
    def environment(self) -> dict[str, str]:
        """What a COMMAND is told about the system."""
        return self._run.environment

    async def start(self) -> None:
        """Return when everything is ready. Raises `NotStarted`; `stop` must be called in either case."""
        self.state.create()
        self.state.lock()
        self._found = await infrastructure.find(self.state, self._ports, self._say)
        self._run.environment = {
            "JEJAK_KAFKA": self._found.kafka.address,
            "JEJAK_DATABASE": self._found.database.address,
            "JEJAK_STATE": str(self.state.folder),
        }
        self.supervisor.start(self._found.parts)
        await self.supervisor.wait_ready(READY_TIMEOUT_S)
        self._run.ready = True
        self._publish()
        self._say(f"ready after {time.monotonic() - self._began:.1f} s")

    async def stop(self) -> None:
        """Stop everything that was started, in order."""
        await self.supervisor.stop()
        if self._found:
            await asyncio.to_thread(self._found.close)
        self._ports.release()
        self.state.unlock()

    def _publish(self) -> None:
        self._run.parts = {
            name: {
                "pid": running.pid,
                "address": running.part.address,
                "ready": running.is_ready,
                "restarts": running.restarts,
                "log": str(self.state.logs / f"{name}.log"),
            }
            for name, running in self.supervisor.running.items()
        }
        self.state.write_run(self._run)
