"""The composition root of the status service: settings in, a running service out.

python -m services.status.main
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar

from litestar import Litestar
from pydantic import Field, ValidationInfo, field_validator

from contracts import catalogue
from contracts.envelope import CONTENT_TYPE, EVENT_LOG_TOPIC, PARTITIONS, is_public, key_of
from contracts.facts import Actor
from runtime.backbone import Backbone, Log
from runtime.database import Pool, make_pool
from runtime.inbox import AsyncpgEffect
from runtime.metrics import Metrics
from runtime.quarantine_api import quarantine_routes
from runtime.serve import run
from runtime.settings import Settings, load_settings
from runtime.web import create_app
from services.status import digests
from services.status.answers import Answers
from services.status.api import Public, presentation_version, staff_routes
from services.status.archive import Archive
from services.status.asof_api import Past
from services.status.bodies import Bodies
from services.status.clockwork import Clockwork
from services.status.conformance_api import conformance_routes
from services.status.deadlines import Watch
from services.status.definitions import Definitions, definitions_of
from services.status.deviants import Deviants
from services.status.entries import Entries, Entry
from services.status.expected import Rules
from services.status.expected_api import expected_routes
from services.status.expected_views import Foreteller
from services.status.expecting import Drawing, Expectations
from services.status.extents import databases_of
from services.status.following import Following
from services.status.generations import views_of
from services.status.hot import in_front
from services.status.lag import Lag
from services.status.legal_api import legal_routes
from services.status.limits import RateLimit
from services.status.lookups import Lookups
from services.status.past import Historian
from services.status.projections import Projector
from services.status.published import Publisher
from services.status.reads import Reads, read_pool
from services.status.rebuild import Options
from services.status.recount import Recount
from services.status.search_api import search_routes
from services.status.shards import build_front, parse_partitions, parse_shards
from services.status.shown import Shown
from services.status.statistics_api import statistics_routes
from services.status.streams import Streams
from services.status.timelines import Timelines
from services.status.upkeep import Upkeep
from services.status.views import Presenter

SCHEMA = "status"
MIGRATIONS = Path(__file__).parent / "migrations"
CONSUMER = "status"
WORDS = Path(__file__).with_name("words.yaml")


class StatusSettings(Settings):
    """What the status service needs beside the common settings."""

    service_name: ClassVar[str] = "status"

    catalogue_extra: str = Field("", description="files and folders that add to the catalogue, separated as in PATH")
    topic: str = Field(EVENT_LOG_TOPIC, description="the event log")
    schema_name: str = Field(SCHEMA, description="the PostgreSQL schema of this service")
    consumer: str = Field(CONSUMER, description="consumer group in Kafka, its own for each system that shares a broker")
    batch_records: int = Field(2_000, ge=1, le=100_000, description="most records taken in by one transaction")
    lookups_per_s: float = Field(100.0, ge=0, description="look-ups a second of one client, 0 for no limit")
    lookups_burst: int = Field(5_000, ge=1, description="look-ups of one client at once")
    streams: int = Field(5_000, ge=1, description="most event streams open at once")
    bodies_mib: int = Field(32, ge=0, description="most memory for finished answers to look-ups, in MiB, 0 for none")
    heartbeat_s: float = Field(15.0, gt=0, le=300, description="seconds between signs of life in an event stream")
    lag_limit: int = Field(1_000_000, ge=0, description="records behind the log at which the service is not ready")
    shown_retention_days: int = Field(
        400, ge=1, le=36_500, description="days for which is kept what applicants were shown"
    )
    shown_flush_s: float = Field(2.0, gt=0, le=60, description="seconds between writes of what applicants were shown")
    statistics_every_s: float = Field(
        900.0, ge=5, description="seconds between one computing of statistics and the next"
    )
    expected_every_s: float = Field(
        900.0, ge=1, description="seconds between one drawing of the expected times and the next"
    )
    expected_fewest: int = Field(30, ge=10, description="finished applications below which no time is foretold")
    expected_recent: int = Field(200, ge=30, description="latest finished applications that expected times go by")
    expected_history_days: int = Field(
        730, ge=1, le=36_500, description="days after submission for which applications count for expected times"
    )
    deadlines_every_s: float = Field(
        5.0, gt=0, le=3_600, description="seconds between one look for deadlines that have passed and the next"
    )
    deadline_grace_s: float = Field(
        60.0, ge=0, le=86_400, description="seconds after a deadline for which a fact that met it may still arrive"
    )
    connections: int = Field(10, ge=3, le=200, description="most connections to PostgreSQL")
    partitions: str = Field("", description="partitions of the log that this database has, e.g. 0-5; empty for all")
    shards: str = Field(
        "",
        repr=False,
        description="databases to read from, e.g. 0-5=postgresql://… 6-11=postgresql://…; takes in nothing",
    )

    @field_validator("partitions", "shards")
    @classmethod
    def _divided(cls, text: str, info: ValidationInfo) -> str:
        if text:
            (parse_partitions if info.field_name == "partitions" else parse_shards)(text)
        return text

    @property
    def own_partitions(self) -> tuple[int, ...]:
        """The partitions that are taken in."""
        return parse_partitions(self.partitions) if self.partitions else tuple(range(PARTITIONS))


def drawing_of(settings: StatusSettings) -> Drawing:
    """How the expected times are drawn."""
    return Drawing(
        Rules(settings.expected_recent, settings.expected_fewest), timedelta(days=settings.expected_history_days)
    )


def watch_of(
    settings: StatusSettings, backbone: Backbone, definitions: Definitions, lag: Lag, metrics: Metrics
) -> Watch:
    """What says that deadlines have passed."""
    return Watch(
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


def build(settings: StatusSettings) -> Litestar:
    """Everything wired; it starts with the application's lifespan. Call within the running loop."""
    words = catalogue.load(extra=catalogue.additions(settings.catalogue_extra))
    definitions = definitions_of(words)
    procedures = definitions.procedures
    metrics = Metrics(settings.service_name)
    backbone = Backbone(
        settings,
        Log(
            topic=settings.topic,
            partitions=PARTITIONS,
            content_type=CONTENT_TYPE,
            publishes=is_public,
            key=key_of,
        ),
        schema=settings.schema_name,
        migrations=MIGRATIONS,
        source=f"{words.offices[settings.office].source}/status",
        pool_size=settings.connections,
    )
    following = Following(Projector(definitions), settings.consumer, backbone.qualified_topic)
    shards = parse_shards(settings.shards) if settings.shards else ()
    if not shards:
        backbone.consumes(
            settings.consumer,
            AsyncpgEffect(backbone.pool, following.handle, also=Archive(settings.topic, backbone.generation).keep),
            max_records=settings.batch_records,
            partitions=settings.own_partitions if settings.partitions else None,
        )
    reading = make_pool(
        settings.database,
        schema=settings.schema_name,
        before=views_of(settings.schema_name, definitions.version),
        max_size=settings.connections,
    )
    lookups = Lookups(reading)
    shown = Shown(backbone.pool, metrics, retention_days=settings.shown_retention_days, flush_s=settings.shown_flush_s)
    presenter = Presenter(words, procedures)
    timelines = Timelines(lookups, Entries(presenter))

    async def read(number: str, after: int, limit: int) -> list[Entry]:
        head = await lookups.head(number)
        if head is None:
            return []
        entries = await timelines.page(head, after, limit)
        if entries:
            shown.note(number, entries[-1].n)
        return entries

    streams = Streams(
        settings.database, settings.schema_name, read, limit=settings.streams, heartbeat_s=settings.heartbeat_s
    )
    lag = Lag(
        backbone.pool, settings.consumer, settings.topic, backbone.generation,
        gauge=metrics.gauge("projection_lag_records", "Records of the log that are not projected yet"),
        limit=settings.lag_limit,
        partitions=settings.own_partitions,
    )  # fmt: skip
    upkeep = Upkeep(backbone.pool, definitions, following)

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

    async def see_shards() -> None:
        async with backbone.pool.acquire() as connection:
            await build_front(connection, shards, settings.schema_name)
        await asyncio.Event().wait()

    async def statistics_to_compute() -> Recount:
        return Recount(
            databases=databases_of(settings.database, settings.consumer, shards),
            schema=settings.schema_name,
            log=await backbone.qualified_topic(),
            until=datetime.now(UTC).replace(microsecond=0),
            catalogue_extra=settings.catalogue_extra,
            keep_in=settings.database,
            fresh_s=settings.statistics_every_s / 2,
        )

    publisher = Publisher(backbone.pool, statistics_to_compute, settings.statistics_every_s)
    expectations = Expectations(reading, procedures, drawing_of(settings), settings.expected_every_s)
    backbone.works("expected", expectations.run)
    backbone.works("statistics", publisher.run)
    if shards:
        backbone.works("front", see_shards)
    else:
        backbone.works("generation", keep_live)
    for place, dsn in enumerate([shard.dsn for shard in shards] or [settings.database]):
        backbone.works(f"listen {place}", partial(streams.run, dsn))
    backbone.works("shown", shown.run)
    if not shards:
        backbone.works("lag", lambda: lag.measure(settings.kafka))
        backbone.works("deadlines", watch_of(settings, backbone, definitions, lag, metrics).run)

    shown_as = presentation_version(presenter, WORDS.read_bytes())
    historian = Historian(presenter, procedures)
    past = Past(lookups, timelines, presenter, historian, shown, version=shown_as, sees_quarantine=not shards)
    read_only = read_pool(
        settings.database, settings.schema_name, before=views_of(settings.schema_name, definitions.version)
    )
    answers = Answers(
        Reads(read_only),
        presenter,
        Bodies(settings.bodies_mib * 2**20),
        RateLimit(settings.lookups_per_s, settings.lookups_burst),
        version=shown_as,
        note=shown.note,
    )
    public = Public(answers, lookups, presenter, timelines, streams, past=past)
    return create_app(
        settings=settings,
        title="Jejak status",
        version="1.0.0",
        description="Where an application stands, what it means, who is waited on, and everything that happened.",
        routes=[
            public.routes(),
            past.routes(public.find),
            *expected_routes(
                expectations,
                Foreteller(presenter, procedures, expectations.drawing),
                public.find,
                version=shown_as,
            ),
            legal_routes(presenter, public.find),
            statistics_routes(publisher, words),
            search_routes(reading, presenter),
            conformance_routes(Deviants(reading, words), presenter),
            *staff_routes(lookups, lambda: _digest(settings, definitions.version)),
            quarantine_routes(backbone.quarantine),
        ],
        lifespan=[backbone.running, _opened(read_only), _opened(reading), shown.ending, _ending(streams)],
        ready={"database": backbone.check_database, "consumers": backbone.check_consumers, "lag": lag.check},
        metrics=metrics,
        front=in_front(answers, streams),
    )


def _opened(pool: Pool) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """The life of a pool of its own."""

    @asynccontextmanager
    async def opened(_: Litestar) -> AsyncIterator[None]:
        await pool
        try:
            yield
        finally:
            pool.terminate()

    return opened


def _ending(streams: Streams) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """End the streams as soon as the process begins to stop, not when the server has waited for them in vain."""

    @asynccontextmanager
    async def ending(app: Litestar) -> AsyncIterator[None]:
        async def end_at_shutdown() -> None:
            await app.state.shutdown_event.wait()
            streams.end()

        task = asyncio.create_task(end_at_shutdown())
        try:
            yield
        finally:
            streams.end()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return ending


async def _digest(settings: StatusSettings, version: str) -> str:
    return await asyncio.to_thread(digests.live_digest, settings.database, settings.schema_name, version)


def main() -> None:
    """Run the status service with the settings of the environment."""
    run(build, load_settings(StatusSettings))


if __name__ == "__main__":
    main()
