"""Topics on a broker that others use too."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from deploy.local.part import NotStarted

TIMEOUT_S = 10


def topics(kafka: str) -> set[str]:
    """The names of the topics there are. Raises `NotStarted` when no broker answers."""
    try:
        return set(_admin(kafka).list_topics(timeout=TIMEOUT_S).topics)
    except KafkaException as error:
        raise NotStarted(f"no Kafka answers at {kafka} (JEJAK_KAFKA): {error.args[0].str()}") from None


@contextmanager
def borrowed_topic(kafka: str, topic: str) -> Iterator[None]:
    """Use `topic` of somebody's broker for a while: it must not exist, and is deleted afterwards.

    Raises `NotStarted` when it exists, since a fresh system would read what is in it.
    """
    if topic in topics(kafka):
        raise NotStarted(
            f"a fresh start is not possible: {kafka} (JEJAK_KAFKA) already holds the topic {topic}. "
            "Unset JEJAK_KAFKA, or name another broker"
        )
    try:
        yield
    finally:
        if topic in topics(kafka):
            admin = _admin(kafka)
            admin.delete_topics([topic], operation_timeout=TIMEOUT_S)[topic].result()


def _admin(kafka: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": kafka, "log_level": 0})
