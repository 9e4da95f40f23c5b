"""The broker: topics as the log needs them, their generation, and FastStream's broker object."""

import asyncio
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from faststream.kafka import KafkaBroker

from runtime.kafka_clients import mend_connections

log = structlog.get_logger()

_TIMEOUT_S = 10.0
LOG_CONFIG = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "LogAppendTime",
}
"""An event log is kept for ever, never compacted, and dated by the broker."""


class WrongTopic(Exception):
    """A topic exists, but not as it must be; the message says what to do."""


async def ensure_topic(
    bootstrap: str, topic: str, *, partitions: int, replication: int = 1, config: dict[str, str] | None = None
) -> None:
    """Make `topic` if it is missing. Raises `WrongTopic` when it has another number of partitions, which is never changed
    since it decides where the history of a key is."""
    await asyncio.to_thread(_ensure_topic, bootstrap, topic, partitions, replication, config or {})


def _ensure_topic(bootstrap: str, topic: str, partitions: int, replication: int, config: dict[str, str]) -> None:
    admin = _admin(bootstrap)
    known = admin.list_topics(timeout=_TIMEOUT_S).topics
    if topic not in known or known[topic].error is not None:
        made = NewTopic(topic, num_partitions=partitions, replication_factor=replication, config=config)
        try:
            admin.create_topics([made], request_timeout=_TIMEOUT_S)[topic].result()
        except KafkaException as error:
            reason = error.args[0]
            if reason.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                pass  # another service made it in this moment; it is checked below
            elif reason.code() in (KafkaError._UNSUPPORTED_FEATURE, KafkaError.UNSUPPORTED_VERSION):
                log.warning(
                    "topic_left_to_the_broker", topic=topic
                )  # the in-process broker makes topics when they are asked for
            else:
                raise
        else:
            log.info("topic_made", topic=topic, partitions=partitions)
    found = len(admin.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions)
    if found not in (0, partitions):
        raise WrongTopic(
            f"topic {topic} has {found} partitions, {partitions} are needed: use a new topic name, its partitions cannot change"
        )


async def topic_generation(bootstrap: str, topic: str) -> str:
    """What tells this topic from one of the same name made later: the broker's topic id.

    A position that outlives its topic would make the new topic's first records be skipped in silence.
    """
    return await asyncio.to_thread(_topic_generation, bootstrap, topic)


def _topic_generation(bootstrap: str, topic: str) -> str:
    admin = _admin(bootstrap)  # it must outlive the futures it gives
    described = admin.describe_topics(TopicCollection([topic]), request_timeout=_TIMEOUT_S)
    return str(described[topic].result().topic_id)


def _admin(bootstrap: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": bootstrap, "socket.timeout.ms": int(_TIMEOUT_S * 1000), "log_level": 2})


def open_broker(bootstrap: str, **options: Any) -> KafkaBroker:
    """FastStream's broker: it hands on the bytes as they are (no model per topic: our topics carry many event types)."""
    mend_connections()
    return KafkaBroker(bootstrap, logger=None, apply_types=False, allow_auto_create_topics=False, **options)
