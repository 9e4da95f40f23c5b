"""Where a rebuild reads one partition of the log from: Kafka itself, or the archive. Both give blocks of raw records.

Synchronous: the bulk of a rebuild runs in a process or a thread of its own.
"""

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple, Protocol

import psycopg
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from services.status.folding.fold import RawRecord

_BLOCK_RECORDS: Final = 500
_SILENCE_S: Final = 30.0
_SETTINGS: Final = {
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    "auto.offset.reset": "error",
    "fetch.message.max.bytes": 4 << 20,
    "queued.max.messages.kbytes": 16 << 10,  # bounds the memory; below, how soon an emptied queue is filled again
    "fetch.queue.backoff.ms": 2,
    "fetch.wait.max.ms": 10,
    "log_level": 0,  # what it has to say comes as errors; its own lines would stand between our JSON
}


class SourceFailed(ConnectionError):
    """The log could not be read to where it must be; the message says what to do.

    A `ConnectionError`, so that a task which meets it while the broker is away is tried again without an outcry.
    """


class Span(NamedTuple):
    """What to read of one partition: up to before offset `end`, without the `excluded` offsets."""

    partition: int
    log: int
    end: int
    excluded: Collection[int] = ()


class LogSource(Protocol):
    """Reads spans of a log."""

    def blocks(self, span: Span) -> Iterator[list[RawRecord]]:
        """The records of `span` in order, some at a time. Raises `SourceFailed`."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class KafkaSource:
    """Reads from the broker."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._topic = topic
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "status-rebuild", **_SETTINGS})

    def blocks(self, span: Span) -> Iterator[list[RawRecord]]:
        """As `LogSource.blocks`. The log must reach back to its first record."""
        self._consumer.assign([TopicPartition(self._topic, span.partition, 0)])
        excluded = frozenset(span.excluded)
        begin = 0
        while begin < span.end:
            block, begin = self._next(span, begin)
            if excluded:
                block = [record for record in block if record[0] not in excluded]
            yield block

    def _next(self, span: Span, begin: int) -> tuple[list[RawRecord], int]:
        """The next records of the span from offset `begin`, and the offset to go on from."""
        # Not more than there are: `consume` waits until it has as many as it was asked for.
        received = self._consumer.consume(min(_BLOCK_RECORDS, span.end - begin), 0.5)
        waited_s = 0.5
        while not received:
            if waited_s > _SILENCE_S:
                raise SourceFailed(f"Kafka sent nothing of {self._topic}/{span.partition} for {_SILENCE_S:.0f} s")
            received = self._consumer.consume(1, 1.0)
            waited_s += 1.0
        block: list[RawRecord] = []
        for message in received:
            error = message.error()
            if error is not None:
                if error.code() == KafkaError._PARTITION_EOF:
                    return block, span.end
                raise SourceFailed(f"{self._topic}/{span.partition} cannot be read from its beginning: {error.str()}")
            offset = message.offset() or 0
            if offset >= span.end:
                return block, span.end
            block.append((offset, message.timestamp()[1], message.key(), message.value()))
        return block, block[-1][0] + 1

    def ends(self, partitions: int) -> list[int]:
        """The end of each partition: the offset after its last record. Raises `SourceFailed`."""
        try:
            return [
                self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), timeout=10.0)[1]
                for partition in range(partitions)
            ]
        except KafkaException as error:
            raise SourceFailed(f"the topic {self._topic} cannot be reached: {error.args[0].str()}") from error

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


class ArchiveSource:
    """Reads from the archive, earlier logs (of topics made anew) before the current one."""

    def __init__(self, dsn: str, schema: str) -> None:
        self._connection = psycopg.connect(dsn, options=f"-c search_path={schema},public")

    def blocks(self, span: Span) -> Iterator[list[RawRecord]]:
        """As `LogSource.blocks`."""
        excluded = list(span.excluded)
        with self._connection.cursor(name="archived", binary=True) as cursor:
            cursor.itersize = _BLOCK_RECORDS
            cursor.execute(
                'SELECT "offset", timestamp_ms, key, value FROM archive WHERE partition = %s AND (log < %s OR'
                ' (log = %s AND "offset" < %s AND "offset" <> ALL(%s::bigint[]))) ORDER BY log, "offset"',
                (span.partition, span.log, span.log, span.end, excluded),
            )
            while block := cursor.fetchmany(_BLOCK_RECORDS):
                yield block
        self._connection.rollback()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
