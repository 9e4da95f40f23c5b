"""What the measures of a rebuild share: a log on a topic of its own, and a rebuild of it into an empty database."""

import asyncio
import contextlib
import os
import secrets

import psycopg

from contracts import catalogue
from contracts.envelope import PARTITIONS
from runtime.database import open_pool
from runtime.kafka import LOG_CONFIG, ensure_topic, topic_generation
from runtime.migrations import migrate
from services.status.folding.definitions import definitions_of
from services.status.main import MIGRATIONS
from services.status.rebuilding.rebuild import Options, Report, rebuild
from services.status.rebuilding.workers import default_workers
from tests.bench.events import publish
from tests.bench.measure import Surroundings

EVENTS = {"normal": 300_000, "large": 2_000_000}
SCHEMA = "status"


def events_wanted(around: Surroundings) -> int:
    """How many events a measure is made with: EVENTS, else what SIZE says."""
    return int(os.environ.get("EVENTS") or EVENTS[around.size])


def log_of(around: Surroundings, events: int) -> str:
    """A new topic with so many events on it."""
    topic = f"bench-rebuild-{secrets.token_hex(4)}"
    asyncio.run(ensure_topic(around.kafka, topic, partitions=PARTITIONS, config=LOG_CONFIG))
    publish(around.kafka, topic, events)
    return topic


async def rebuild_into(
    dsn: str,
    bootstrap: str,
    topic: str,
    *,
    workers: int = 0,
    thread: bool = True,
    worker: str = "services.status.rebuilding.bulk",
) -> Report:
    """A projection of `topic` in an empty database, by as many workers as there are processors where not told."""
    pool = await open_pool(dsn, schema=SCHEMA)
    try:
        await migrate(pool, SCHEMA, MIGRATIONS)
    finally:
        await pool.close()
    checkpoint(dsn)
    words = catalogue.load()
    options = Options(
        dsn=dsn,
        schema=SCHEMA,
        source="kafka",
        topic=topic,
        log_generation=await topic_generation(bootstrap, topic),
        bootstrap=bootstrap,
        workers=workers or default_workers(),
        thread=thread,
        worker=worker,
    )
    return await rebuild(options, definitions_of(words), lambda report: None)


def checkpoint(dsn: str) -> None:
    """So that no measure pays for what another one wrote. Needs the right to it; without, the system does it itself."""
    with contextlib.suppress(psycopg.errors.InsufficientPrivilege), psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CHECKPOINT")
