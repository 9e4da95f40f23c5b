"""The composition root of the status service: settings in, a running service out.

python -m services.status.main
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from litestar import Litestar

from contracts import catalogue
from contracts.envelope import CONTENT_TYPE, PARTITIONS, is_public, key_of
from runtime.auth import proves_a_role
from runtime.backbone import Backbone, Log
from runtime.database import Pool, make_pool
from runtime.metrics import Metrics
from runtime.quarantine_api import quarantine_routes
from runtime.serve import run
from runtime.settings import load_settings
from runtime.web import create_app, verifier_of
from services.status.answering.answers import Answers
from services.status.answering.bodies import Bodies
from services.status.answering.entries import Entries, Entry
from services.status.answering.hot import in_front
from services.status.answering.limits import RateLimit
from services.status.answering.lookups import Lookups
from services.status.answering.reads import READABLE, Reads, read_pool
from services.status.answering.streams import Streams
from services.status.answering.timelines import Timelines
from services.status.answering.views import Presenter
from services.status.api import Public, presentation_version, staff_routes
from services.status.clocks.api import legal_routes
from services.status.clocks.clockwork import Clockwork
from services.status.expected.api import expected_routes
from services.status.expected.expecting import Expectations
from services.status.expected.views import Foreteller
from services.status.fee.api import fee_routes
from services.status.folding.definitions import definitions_of
from services.status.past.api import Past
from services.status.past.past import Historian
from services.status.past.shown import Shown
from services.status.place.api import place_routes
from services.status.place.places import Places
from services.status.settings import StatusSettings, drawing_of
from services.status.staff.conformance_api import conformance_routes
from services.status.staff.deviants import Deviants
from services.status.staff.export_api import export_routes
from services.status.staff.search_api import search_routes
from services.status.statistics.api import statistics_routes
from services.status.statistics.order import Recount
from services.status.statistics.published import Publisher
from services.status.statistics.settling import settling
from services.status.store import digests
from services.status.store.databases import databases_of
from services.status.store.generations import views_of
from services.status.store.lag import Lag
from services.status.taking_in import stand_in_front, take_in

MIGRATIONS = Path(__file__).parent / "migrations"
WORDS = Path(__file__).parent / "answering" / "words.yaml"


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
    reading = make_pool(
        settings.database,
        schema=settings.schema_name,
        before=views_of(settings.schema_name, definitions.version),
        max_size=settings.connections,
    )
    lookups = Lookups(reading)
    shown = Shown(backbone.pool, metrics, retention_days=settings.shown_retention_days, flush_s=settings.shown_flush_s)
    presenter = Presenter(words, procedures)
    settle = settling(Clockwork(definitions.rules))
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
    shards = settings.databases
    if shards:
        stand_in_front(settings, backbone, shards)
    else:
        take_in(settings, backbone, definitions, metrics, lag)

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
    for place, dsn in enumerate([shard.dsn for shard in shards] or [settings.database]):
        backbone.works(f"listen {place}", partial(streams.run, dsn))
    backbone.works("shown", shown.run)

    shown_as = presentation_version(presenter, WORDS.read_bytes())
    historian = Historian(presenter, procedures)
    verifier = verifier_of(settings)
    is_staff = partial(proves_a_role, verifier)
    past = Past(
        lookups, timelines, presenter, historian, shown,
        version=shown_as, is_staff=is_staff, sees_quarantine=not shards,
    )  # fmt: skip
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
        is_staff=is_staff,
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
            place_routes(Places(reading), presenter, public.find),
            fee_routes(timelines, presenter, public.find, version=shown_as),
            statistics_routes(publisher, words),
            search_routes(reading, presenter, procedures, settle),
            export_routes(reading, presenter, procedures, settle),
            conformance_routes(Deviants(reading, words), presenter),
            *staff_routes(lookups, lambda: _digest(settings, definitions.version)),
            quarantine_routes(backbone.quarantine),
        ],
        lifespan=[backbone.running, _opened(read_only), _opened(reading), shown.ending, _ending(streams)],
        ready={
            "database": backbone.check_database,
            "timelines": partial(read_only.fetchval, READABLE),
            "consumers": backbone.check_consumers,
            "lag": lag.check,
        },
        metrics=metrics,
        verifier=verifier,
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
