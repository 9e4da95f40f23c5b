"""One running system: state locked, infrastructure found, parts supervised, run file written. Started and stopped here."""

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from contracts.envelope import EVENT_LOG_TOPIC
from deploy.local.database import temporary_database
from deploy.local.infrastructure import Ground, Infrastructure, Way, find
from deploy.local.part import PortTaken
from deploy.local.ports import Ports
from deploy.local.site import look_around
from deploy.local.state import Run, State
from deploy.local.supervisor import Supervisor
from deploy.local.topics import borrowed_topic
from deploy.local.topology import Topology
from deploy.local.wanted import Wanted

READY_TIMEOUT_S = 150.0
ATTEMPTS = 3


class System:
    """`start` to ready, `stop` to nothing left."""

    def __init__(self, state: State, wanted: Wanted, say: Callable[[str], None]) -> None:
        self.state = state
        self._wanted = wanted
        self._say = say
        self._ports = Ports()
        self._run = Run(supervisor=os.getpid())
        self._borrowed = ExitStack()
        self._supervisor = Supervisor(state.logs, say, self._publish)

    @property
    def run(self) -> Run:
        """What the run file says."""
        return self._run

    async def start(self) -> None:
        """Return when everything is ready. Raises `NotStarted`; `stop` must be called in either case."""
        began = time.monotonic()
        self.state.create()
        self.state.lock()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._start_once()
                break
            except PortTaken as error:
                if attempt == ATTEMPTS:
                    raise
                self._say(f"{error}: starting again on other ports")
                await self._stop_parts()
        self._run.ready = True
        self._publish()
        self._say(f"ready after {time.monotonic() - began:.1f} s")

    async def stop(self) -> None:
        """Stop everything that was started, in order."""
        await self._stop_parts()
        self.state.unlock()

    async def _start_once(self) -> None:
        self._supervisor = Supervisor(self.state.logs, self._say, self._publish)
        ground = Ground(self.state.folder, self._ports, self._say, self._wanted.fresh)
        found = await find(await look_around(), ground)
        self._borrowed.callback(found.close)
        found = await asyncio.to_thread(self._borrow, found)
        parts = found.parts
        generation = secrets.token_hex(8) if found.kafka.way is Way.MEMORY else None
        if self._wanted.support:
            topology = Topology(self.state, self._ports, found.kafka.address, found.database.address, generation)
            self._run.environment = topology.command_environment()
            parts += topology.parts(self._wanted.services)
        else:
            self._run.environment = {"JEJAK_KAFKA": found.kafka.address, "JEJAK_DATABASE": found.database.address}
        self._run.environment["JEJAK_STATE"] = str(self.state.folder)
        self._supervisor.start(parts)
        await self._supervisor.wait_ready(READY_TIMEOUT_S)

    def _borrow(self, found: Infrastructure) -> Infrastructure:
        """On infrastructure that others use too, make what a fresh start needs, to be removed at the end."""
        kafka, database = found.kafka, found.database
        if kafka.way is Way.ENVIRONMENT and self._wanted.fresh:
            self._borrowed.enter_context(borrowed_topic(kafka.address, EVENT_LOG_TOPIC))
        if database.way is Way.ENVIRONMENT and (self._wanted.fresh or kafka.way is Way.MEMORY):
            address = self._borrowed.enter_context(temporary_database(database.address))
            database = replace(database, address=address)
        return Infrastructure(kafka, database)

    async def _stop_parts(self) -> None:
        await self._supervisor.stop()
        await asyncio.to_thread(self._borrowed.close)
        self._ports.release()

    def _publish(self) -> None:
        self._run.parts = {
            name: {
                "pid": running.pid,
                "address": running.part.address,
                "ready": running.is_ready,
                "restarts": running.restarts,
                "log": str(self.state.logs / f"{name}.log"),
            }
            for name, running in self._supervisor.running.items()
        }
        self.state.write_run(self._run)
