"""What this machine has: looked at once per start, so that the choice made from it is a plain function."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.local import kafka_native, postgres_native
from deploy.local.containers import Engine, find_engine


@dataclass(frozen=True)
class Site:
    """The findings. Empty or None: not there."""

    kafka: str = ""
    database: str = ""
    engine: Engine | None = None
    java: Path | None = None
    has_kafka_jars: bool = False
    """Kafka's jars are there, or Maven to fetch them."""
    installed_postgres: Path | None = None
    wheel_postgres: Path | None = None
    cache: Path = Path()

    def without_engine(self) -> "Site":
        """The same, as if no Docker engine answered."""
        return replace(self, engine=None)


async def look_around(environment: Mapping[str, str] = os.environ) -> Site:
    """Look at environment, Docker, JVM and PostgreSQL, at the same time."""
    kafka, database = environment.get("JEJAK_KAFKA", ""), environment.get("JEJAK_DATABASE", "")
    engine, java, installed, wheel = await asyncio.gather(
        asyncio.to_thread(find_engine if not (kafka and database) else _nothing),
        asyncio.to_thread(kafka_native.find_java if not kafka else _nothing),
        asyncio.to_thread(postgres_native.installed_binaries if not database else _nothing),
        asyncio.to_thread(postgres_native.wheel_binaries if not database else _nothing),
    )
    cache = kafka_native.default_cache()
    jars = java is not None and kafka_native.KafkaLibraries(java, cache).are_resolved()
    return Site(
        kafka=kafka,
        database=database,
        engine=engine,
        java=java,
        has_kafka_jars=jars or kafka_native.find_maven() is not None,
        installed_postgres=installed,
        wheel_postgres=wheel,
        cache=cache,
    )


def _nothing() -> None:
    return None
