"""Kafka and PostgreSQL in containers, where a Docker engine answers. Data lies in named volumes, one pair per state."""

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.ports import LOOPBACK
from deploy.local.state import write_secret

DATABASE = "jejak"
POSTGRES_IMAGE = "postgres:17-alpine"
RESTART = {"Name": "always"}
"""The engine starts a killed container again, on the same port."""


ONE_AT_A_TIME = threading.Lock()
"""testcontainers makes its reaper, which removes what a killed process leaves behind, at the first start: only once."""


class NoContainer(Exception):
    """The engine answered, but gave no container. The message is its reason, in one line."""


@dataclass(frozen=True)
class Container:
    """A started container: where clients find it, and how to be rid of it."""

    address: str
    close: Callable[[], None]


class Engine:
    """A Docker engine that answered."""

    def start_kafka(self, state: Path, port: int, fresh: bool) -> Container:
        """One broker in KRaft mode, on `port` of this machine. Raises `NoContainer`."""
        from testcontainers.community.kafka import KafkaContainer

        with ONE_AT_A_TIME, _reasons():
            broker: Any = KafkaContainer().with_kraft()
            broker.with_env("KAFKA_GROUP_COORDINATOR_APPEND_LINGER_MS", "0")
            broker.with_env("KAFKA_AUTO_CREATE_TOPICS_ENABLE", "false")
            broker.with_env("KAFKA_LOG_RETENTION_MS", "-1")
            broker.with_env("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1")
            broker.with_env("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1")
            volume = _volume("kafka", state)
            _start(broker, port, volume, "/var/lib/kafka/data")
            return Container(broker.get_bootstrap_server(), lambda: _stop(broker, volume if fresh else ""))

    def start_postgres(self, state: Path, port: int, fresh: bool) -> Container:
        """One server with an empty database, on `port` of this machine. Raises `NoContainer`."""
        from testcontainers.community.postgres import PostgresContainer

        with ONE_AT_A_TIME, _reasons():
            password = _kept(state / "postgres-container.password")
            server: Any = PostgresContainer(
                POSTGRES_IMAGE, username=DATABASE, password=password, dbname=DATABASE, driver=None
            )
            volume = _volume("postgres", state)
            _start(server, port, volume, "/var/lib/postgresql/data")
            return Container(server.get_connection_url(), lambda: _stop(server, volume if fresh else ""))


def find_engine() -> Engine | None:
    """The engine, if there is one that answers. An installed client says nothing: it is asked."""
    try:
        import docker
    except ImportError:
        return None
    try:
        client = docker.from_env(timeout=2)
    except docker.errors.DockerException:
        return None
    try:
        return Engine() if client.ping() else None
    except (docker.errors.DockerException, OSError):
        return None
    finally:
        client.close()


def _start(container: Any, port: int, volume: str, folder: str) -> None:
    """Start it with its data in `volume`, reachable on `port`: of loopback only, where the engine is this machine's."""
    from testcontainers.core.config import ConnectionMode

    client = container.get_docker_client()
    local = client.get_connection_mode() is ConnectionMode.docker_host and client.host() == "localhost"
    container.ports = {container.port: (LOOPBACK, port) if local else port}
    container.with_volume_mapping(volume, folder, "rw")
    container.with_kwargs(restart_policy=RESTART)
    try:
        container.start()
    except BaseException:
        container.stop()  # one that was made but did not come up
        raise


@contextmanager
def _reasons() -> Iterator[None]:
    """Turn whatever the engine, the way to it, or testcontainers has to say into one line."""
    try:
        yield
    except Exception as error:
        raise NoContainer((str(error).strip().splitlines() or [type(error).__name__])[0][:200]) from error


def _stop(container: Any, volume: str) -> None:
    """Remove the container, and the volume if one is named."""
    client = container.get_docker_client().client
    container.get_wrapped_container().remove(force=True, v=True)
    if volume:
        client.volumes.get(volume).remove()
    client.close()


def _volume(name: str, state: Path) -> str:
    """The volume's name: it belongs to this state, not to one that lay in the same place before."""
    return f"jejak-{_kept(state / 'volumes.id')[:12]}-{name}"


def _kept(file: Path) -> str:
    if not file.exists():
        write_secret(file, secrets.token_hex(16))
    return file.read_text()
