"""One Kafka record, as received."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class Record(NamedTuple):
    """A record of a topic, untouched: what arrives is kept even when nobody can read it.

    `timestamp_ms` is the broker's append time in milliseconds since 1970 (the log's topic has `LogAppendTime`).
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


class ConsumerRecord(Protocol):
    """What is used of an aiokafka record."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


def by_partition(records: Iterable[Record]) -> dict[int, list[Record]]:
    """The records of each partition, in their order."""
    runs: dict[int, list[Record]] = {}
    for record in records:
        runs.setdefault(record.partition, []).append(record)
    return runs


def as_record(received: ConsumerRecord) -> Record:
    """An aiokafka record as ours."""
    return Record(
        received.topic,
        received.partition,
        received.offset,
        received.timestamp,
        received.key,
        received.value,
        tuple(received.headers),
    )
