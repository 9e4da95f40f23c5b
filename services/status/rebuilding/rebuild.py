"""Rebuild: a new generation of the projection beside the live one, compared with it, then made live in its place.

1. *Plan.* While nobody writes, note the live projection's positions and open a snapshot of its tables; then it goes on.
2. *Expect.* The digest of the live generation in that snapshot.
3. *Bulk.* Workers build every partition of the new generation up to those positions (`services.status.rebuilding.bulk`).
4. *Compare.* The digest of the new generation must be the expected one, else the live one stays.
5. *Catch up* from the archive with what the live projection has taken in since.
6. *Switch.* While nobody writes: the last of the catching up, then readers see the new generation. The old one is kept
   until an operator confirms the new one, or goes back (`jejak generations`).

A rebuild that was killed is taken up again: done partitions stay done. A rebuild for another version of the fold or of
the catalogue has nothing to be compared with; it is made live as it is, beside the other version's.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import asyncpg
import psycopg

from contracts.envelope import PARTITIONS
from runtime.database import Connection
from services.status.folding.definitions import Definitions
from services.status.projections import Projector
from services.status.rebuilding import plans
from services.status.rebuilding.bulk import Advanced, Job
from services.status.rebuilding.catchup import CatchUp
from services.status.rebuilding.options import Options, RebuildRefused
from services.status.rebuilding.plans import Plan
from services.status.rebuilding.sources import KafkaSource
from services.status.rebuilding.workers import run_workers
from services.status.store import digests, generations
from services.status.store.generations import Generation

_T = TypeVar("_T")

LOCK: Final = "SELECT pg_try_advisory_lock(hashtext(current_schema() || '.rebuild'))"
SAVE_EXPECTED: Final = "UPDATE generations SET expected_digest = $2 WHERE generation = $1"
SAVE_DIGEST: Final = "UPDATE generations SET digest = $2 WHERE generation = $1"
TRUNCATE: Final = "TRUNCATE g{0}_timeline, g{0}_application"


class RebuildDiffers(Exception):
    """The new generation is not what the live one is; the live one stays."""

    def __init__(self, expected: str, found: str, number: str | None) -> None:
        super().__init__(
            f"the rebuilt projection differs from the live one, first at application {number or 'unknown'}"
        )
        self.expected, self.found, self.number = expected, found, number


@dataclass
class Report:
    """What a rebuild has done so far; changed as it goes on."""

    phase: str = "plan"
    records: int = 0
    of_records: int = 0
    events: int = 0
    applications: int = 0
    unreadable: int = 0
    resumed_partitions: int = 0
    bulk_s: float = 0.0
    peak_mb: float = 0.0
    """The most memory that a worker process has held."""
    expected_digest: str | None = None
    digest: str = ""
    generation: int = 0
    kept: int | None = None
    """The generation that was live before, where it is kept."""
    began_at: float = field(default_factory=time.monotonic)


Tell = Callable[[Report], None]


async def rebuild(options: Options, definitions: Definitions, tell: Tell) -> Report:
    """Rebuild and switch; `tell` is called as the work goes on.

    Raises `RebuildRefused`, `RebuildDiffers`, and `SourceFailed` or `WorkerFailed` after which it can be taken up again.
    """
    control = await asyncpg.connect(options.dsn, server_settings={"search_path": f"{options.schema},public"})
    try:
        if not await control.fetchval(LOCK):
            raise RebuildRefused("another rebuild is under way: wait for it, or end its process")
        return await _Rebuild(options, definitions, control, tell).run()
    finally:
        await control.close()


class _Rebuild:
    def __init__(self, options: Options, definitions: Definitions, control: Connection, tell: Tell) -> None:
        self.options, self.definitions, self.control = options, definitions, control
        self.report = Report()
        self._tell = tell

    async def run(self) -> Report:
        live = await generations.live_generation(self.control, self.definitions.version)
        plan = await self._plan(live)
        await self._build(plan)
        await self._compare(plan, live)
        self._phase("catch up")
        catch_up = CatchUp(self.control, Projector(self.definitions), plan, live, self.options.consumer)
        while await catch_up.step() > 0:
            pass
        self._phase("switch")
        await generations.switch(self.control, plan.generation, self.definitions.version, catch_up.finish)
        if live is not None and (self.options.confirm or self.options.drop_first):
            await generations.drop(self.control, live.id)
        elif live is not None:
            self.report.kept = live.id
        self._phase("done")
        return self.report

    async def _plan(self, live: Generation | None) -> Plan:
        plan = await plans.unfinished(self.control, self.definitions.version, self.options.source)
        if plan is not None and (self.options.begin_anew or plan.topic != self.options.qualified_topic):
            await generations.drop(self.control, plan.generation)
            plan = None
        if plan is None:
            await plans.drop_unfinished(self.control)
            plan = await self._begin(live)
        else:
            self.report.resumed_partitions = sum(part.done for part in plan.parts)
        self.report.generation = plan.generation
        self.report.expected_digest = plan.expected_digest
        return plan

    async def _begin(self, live: Generation | None) -> Plan:
        """A new plan at the live positions, with the live generation's digest there."""
        self._phase("plan")
        ends = await self._source_ends()
        comparable = live is not None and live.version == self.definitions.version
        with psycopg.connect(self.options.dsn, options=f"-c search_path={self.options.schema},public") as snapshot:
            snapshot.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            async with self.control.transaction():
                await self.control.execute(generations.WRITE_ALONE)
                plan = await plans.begin(
                    self.control,
                    version=self.definitions.version,
                    source=self.options.source,
                    consumer=self.options.consumer,
                    topic=self.options.qualified_topic,
                    ends=ends,
                )
                if not plan.from_positions and self.options.source == "archive":
                    raise RebuildRefused("the archive is empty, no record was taken in yet: rebuild --from kafka")
                snapshot.execute("SELECT 1")  # takes the snapshot, of exactly what the positions say
            # Without any position the live projection has taken in nothing that could be compared.
            if comparable and live is not None and plan.from_positions:
                self._phase("digest of the live projection")
                plan.expected_digest = await asyncio.to_thread(digests.digest, snapshot, live.id)
                await self.control.execute(SAVE_EXPECTED, plan.generation, plan.expected_digest)
        if self.options.drop_first and live is not None:
            await self.control.execute(TRUNCATE.format(live.id))
        return plan

    async def _source_ends(self) -> list[int]:
        """The ends of the log's partitions, for those that the live projection has never read."""
        if self.options.source == "archive":
            return [0] * PARTITIONS
        source = KafkaSource(self.options.bootstrap, self.options.topic)
        try:
            ends = await asyncio.to_thread(source.ends, PARTITIONS)
            return [end if place in self.options.partitions else 0 for place, end in enumerate(ends)]
        finally:
            source.close()

    async def _build(self, plan: Plan) -> None:
        self._phase("build")
        self.report.of_records = sum(part.target for part in plan.parts if not part.done)
        options = self.options
        job = Job(
            options.dsn,
            options.schema,
            plan.generation,
            options.source,
            self.definitions.procedures,
            self.definitions.rules,
            options.bootstrap,
            options.topic,
        )
        began = time.monotonic()
        while any(not part.done for part in plan.parts):
            await run_workers(job, options.workers, self._advance, thread=options.thread, program=options.worker)
            await plans.refresh(self.control, plan)
            if any(not part.done for part in plan.parts):
                await asyncio.sleep(0.2)  # a worker of a killed run still holds one; it ends when its pipe is gone
        self.report.bulk_s = time.monotonic() - began
        self.report.events = sum(part.events for part in plan.parts)
        self.report.applications = sum(part.applications for part in plan.parts)
        self.report.unreadable = sum(part.unreadable for part in plan.parts)

    async def _compare(self, plan: Plan, live: Generation | None) -> None:
        self._phase("digest")
        self.report.digest = await asyncio.to_thread(self._with_psycopg, lambda c: digests.digest(c, plan.generation))
        await self.control.execute(SAVE_DIGEST, plan.generation, self.report.digest)
        expected = plan.expected_digest
        if expected is None or expected == self.report.digest:
            return
        number = None
        if live is not None and not self.options.drop_first:
            ends = {part.partition: part.target for part in plan.parts}
            number = await asyncio.to_thread(
                self._with_psycopg, lambda c: digests.first_difference(c, live.id, plan.generation, ends)
            )
        if not self.options.keep:
            await generations.drop(self.control, plan.generation)
        raise RebuildDiffers(expected, self.report.digest, number)

    def _with_psycopg(self, ask: Callable[[psycopg.Connection], _T]) -> _T:
        with psycopg.connect(self.options.dsn, options=f"-c search_path={self.options.schema},public") as connection:
            return ask(connection)

    def _advance(self, progress: Advanced) -> None:
        self.report.records += progress.records
        self.report.peak_mb = max(self.report.peak_mb, progress.peak_mb)
        self._tell(self.report)

    def _phase(self, phase: str) -> None:
        self.report.phase = phase
        self._tell(self.report)
