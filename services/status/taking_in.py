"""What a status process does behind its HTTP side: take in records and keep its generation, or stand in front of others."""

import asyncio
from collections.abc import Collection, Sequence
from datetime import timedelta

from contracts.facts import Actor
from runtime.backbone import Backbone
from runtime.database import Pool
from runtime.inbox import Handle
from runtime.metrics import Metrics
from runtime.positions import Advance
from runtime.records import Record
from services.status.clocks.clockwork import Clockwork
from services.status.clocks.deadlines import Watch
from services.status.folding.definitions import Definitions
from services.status.projections import Projector
from services.status.rebuilding.options import Options
from services.status.settings import StatusSettings
from services.status.store.archive import Archive
from services.status.store.following import Following
from services.status.store.lag import Lag
from services.status.store.shards import Shard, build_front
from services.status.store.upkeep import Upkeep


class TakingIn:
    """The effect of records here (`runtime.inbox.Effect`): every one is archived, and what it says is on its timeline."""

    together = True

    def __init__(self, pool: Pool, following: Following, archive: Archive) -> None:
        self._pool = pool
        self._following = following
        self._archive = archive
        self.note: Handle = archive.keep

    def concerns(self, record: Record) -> bool:
        return True

    async def write(self, records: Sequence[Record], steps: Sequence[Advance]) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            log = await self._archive.log(connection)
            if steps:
                await self._following.take_in(connection, log, records, steps)
            else:
                await self._following.take_released(connection, log, records)


def take_in(settings: StatusSettings, backbone: Backbone, definitions: Definitions, metrics: Metrics, lag: Lag) -> None:
    """Project the log's records, keep the generation of this release live, and say which deadlines have passed."""
    following = Following(Projector(definitions), settings.consumer, backbone.qualified_topic)
    archive = Archive(settings.topic, backbone.generation)
    upkeep = Upkeep(backbone.pool, definitions, following)
    watch = Watch(
        pool=backbone.pool,
        store=backbone.store,
        clockwork=Clockwork(definitions.rules),
        version=definitions.version,
        consumer=settings.consumer,
        source=backbone.source,
        by=Actor(role="system", office=settings.office),
        known_until=lambda: lag.known_until,
        every_s=settings.deadlines_every_s,
        grace=timedelta(seconds=settings.deadline_grace_s),
        counter=metrics.counter("deadlines_said", "Legal deadlines of which the log was told that they passed"),
    )

    async def keep_live() -> None:
        await upkeep.run(
            Options(
                dsn=settings.database,
                schema=settings.schema_name,
                source="archive",
                topic=settings.topic,
                log_generation=await backbone.generation(),
                consumer=settings.consumer,
                partitions=settings.own_partitions,
            )
        )

    backbone.consumes(
        settings.consumer,
        TakingIn(backbone.pool, following, archive),
        max_records=settings.batch_records,
        partitions=settings.own_partitions if settings.partitions else None,
        patience_ms=0,  # people look at timelines while they change
    )
    backbone.works("generation", keep_live)
    backbone.works("lag", lambda: lag.measure(settings.kafka))
    backbone.works("deadlines", watch.run)


def stand_in_front(settings: StatusSettings, backbone: Backbone, shards: Collection[Shard]) -> None:
    """Take nothing in; see what is in `shards`."""

    async def see_shards() -> None:
        async with backbone.pool.acquire() as connection:
            await build_front(connection, list(shards), settings.schema_name)
        await asyncio.Event().wait()

    backbone.works("front", see_shards)
