"""The broker: topics as the log needs them, their generation, and FastStream's broker object."""

import asyncio
import sys
from typing import Any

import msgspec
import structlog
from faststream.kafka import KafkaBroker

from runtime.kafka_clients import mend_connections
from runtime.topics import Exit, Found, Wanted, WrongTopic

log = structlog.get_logger()

_ADMIN = "runtime.admin"
_MOST_S = 60.0
LOG_CONFIG = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "LogAppendTime",
}
"""An event log is kept for ever, never compacted, and dated by the broker."""


class BrokerAway(ConnectionError):
    """The broker could not be asked about a topic. The same can be asked again later."""


async def ensure_topic(
    bootstrap: str,
    topic: str,
    *,
    partitions: int,
    replication: int = 1,
    config: dict[str, str] | None = None,
    tell_generation: bool = False,
) -> str | None:
    """Make `topic` if it is missing; its generation (see `topic_generation`) if that is to be told.

    Raises `WrongTopic` when it has another number of partitions, which is never changed since it decides where the history
    of a key is, and `BrokerAway`.
    """
    found = await _ask(
        Wanted(
            bootstrap=bootstrap,
            topic=topic,
            partitions=partitions,
            replication=replication,
            config=config or {},
            tell_generation=tell_generation,
        )
    )
    if found.made:
        log.info("topic_made", topic=topic, partitions=partitions)
    if found.left_to_broker:
        log.warning("topic_left_to_the_broker", topic=topic)
    return found.generation


async def topic_generation(bootstrap: str, topic: str) -> str:
    """What tells this topic from one of the same name made later: the broker's topic id. Raises `BrokerAway`.

    A position that outlives its topic would make the new topic's first records be skipped in silence.
    """
    return (await _ask(Wanted(bootstrap=bootstrap, topic=topic))).generation or ""


async def _ask(wanted: Wanted) -> Found:
    """Have a process of its own ask: what it loads for that ends with it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _ADMIN,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_MOST_S):
            answer, said = await process.communicate(msgspec.json.encode(wanted))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    reason = said.decode(errors="replace").strip()[-500:]
    if process.returncode == Exit.DONE:
        return msgspec.json.decode(answer, type=Found)
    raise WrongTopic(reason) if process.returncode == Exit.WRONG else BrokerAway(reason)


def open_broker(bootstrap: str, **options: Any) -> KafkaBroker:
    """FastStream's broker: it hands on the bytes as they are (no model per topic: our topics carry many event types)."""
    mend_connections()
    return KafkaBroker(bootstrap, logger=None, apply_types=False, allow_auto_create_topics=False, **options)
