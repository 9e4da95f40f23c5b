"""Kafka and PostgreSQL in containers, where a Docker engine answers."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Container:
    """A started container: where clients find it, and how to be rid of it."""

    address: str
    close: Callable[[], None]


class Engine:
    """A Docker engine that answered."""

    def start_kafka(self) -> Container:
        """One broker in KRaft mode."""
        from testcontainers.community.kafka import KafkaContainer

        container: Any = KafkaContainer().with_kraft()
        container.start()
        return Container(container.get_bootstrap_server(), container.stop)

    def start_postgres(self) -> Container:
        """One server with an empty database."""
        from testcontainers.community.postgres import PostgresContainer

        container: Any = PostgresContainer(driver=None)
        container.start()
        return Container(container.get_connection_url(), container.stop)


def find_engine() -> Engine | None:
    """The engine, if there is one that answers. An installed client says nothing: it is asked."""
    try:
        import docker
    except ImportError:
        return None
    with contextlib.suppress(docker.errors.DockerException):
        docker.from_env(timeout=2).ping()
        return Engine()
    return None
