"""FastStream under an inbox: batches as they come, acknowledged by nobody but the inbox's own stored position."""

import asyncio
import time
from collections.abc import Collection, Sequence
from typing import Any, cast

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage

from runtime.assignment import taking
from runtime.inbox import Inbox, Reassigned
from runtime.kafka_clients import ClientDied, end, watch
from runtime.records import Record, as_record, by_partition
from runtime.tasks import running

log = structlog.get_logger()

_FETCH_AT_LEAST_BYTES = 64 * 1024
"""The broker answers a fetch of the patient when so much is there, or when patience is at its end."""
_FETCH_WAIT_MS = 500
_COMMIT_EVERY_S = 5.0
_COMMIT_WITHIN_S = 2.0
_POLL_MS = 50
_PARTITIONS_AT_ONCE = 4
"""Transactions of one consumer under way; a pool with fewer connections lets them wait."""
_TOGETHER = 500
"""So many records, or fewer, are taken in by one transaction, of whichever partitions."""


class _Assignment(ConsumerRebalanceListener):  # type: ignore[misc]
    """On every assignment: take the stored position and fetch from there, whatever Kafka's own offset says."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self.subscriber: Any = None

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        for place in revoked:
            self._inbox.revoke(place.partition)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        for place in assigned:
            self.subscriber.consumer.seek(place, await self._inbox.assign(place.partition))
        log.info("partitions_assigned", consumer=self._inbox.consumer, partitions=sorted(p.partition for p in assigned))


class Subscription:
    """Feeds an inbox from a FastStream batch subscriber."""

    def __init__(self, broker: KafkaBroker, inbox: Inbox, partitions: Collection[int] | None, patience_ms: int) -> None:
        self._inbox = inbox
        self._committed_at = time.monotonic()
        self._at_once = asyncio.Semaphore(_PARTITIONS_AT_ONCE)
        listener = _Assignment(inbox)
        self._subscriber = broker.subscriber(
            inbox.topic,
            group_id=inbox.consumer,
            batch=True,
            max_records=inbox.max_records,
            batch_timeout_ms=_POLL_MS,
            fetch_min_bytes=_FETCH_AT_LEAST_BYTES if patience_ms else 1,
            fetch_max_wait_ms=patience_ms or _FETCH_WAIT_MS,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            listener=listener,
            partition_assignment_strategy=(taking(partitions),),
            parser=self._parse,
            decoder=self._decode,
        )
        listener.subscriber = self._subscriber
        self._subscriber(self._deliver)

    async def _parse(self, received: Sequence[Any]) -> KafkaMessage:
        """The batch as it is: the library's parser decodes every header, so one bad byte would lose all of it."""
        return KafkaMessage(
            body=b"",
            headers={},
            batch_headers=[],
            reply_to="",
            content_type=None,
            message_id=str(received[0].offset),
            correlation_id=None,
            raw_message=received,
            path={},
            consumer=cast(Any, self._subscriber.consumer),
        )

    async def _decode(self, message: KafkaMessage) -> Any:
        return message.raw_message

    async def _deliver(self, received: Sequence[Any]) -> None:
        """Never raises: FastStream would log it and fetch on, and the batch would be lost.

        Partitions have nothing to do with each other: each waits for its own commits only, but for few records, of which
        one transaction costs less than one of each partition.
        """
        runs = by_partition(as_record(record) for record in received)
        if not (len(runs) > 1 and len(received) <= _TOGETHER and await self._inbox.deliver_together(runs)):
            await asyncio.gather(*(self._deliver_run(partition, run) for partition, run in runs.items()))
        await self._tell_kafka()

    async def _deliver_run(self, partition: int, run: Sequence[Record]) -> None:
        async with self._at_once:
            try:
                await self._inbox.deliver(partition, run)
            except Reassigned:
                await self._seek_again(partition)
            except Exception:
                # A fault of ours that even quarantine could not take: go back to the stored position and try again.
                log.exception("delivery_failed", consumer=self._inbox.consumer, partition=partition)
                await asyncio.sleep(1)
                await self._seek_again(partition)

    async def _seek_again(self, partition: int) -> None:
        consumer = self._subscriber.consumer
        place = TopicPartition(self._inbox.topic, partition)
        if consumer is not None and place in consumer.assignment():
            position = await self._inbox.assign(partition)
            if place in consumer.assignment():
                consumer.seek(place, position)
                log.info("position_reread", consumer=self._inbox.consumer, partition=partition, position=position)

    async def _tell_kafka(self) -> None:
        """Commit to Kafka now and then, for those who watch the lag; nothing depends on it."""
        now = time.monotonic()
        consumer = self._subscriber.consumer
        if consumer is None or now - self._committed_at < _COMMIT_EVERY_S:
            return
        self._committed_at = now
        places = {place: self._inbox.position(place.partition) for place in consumer.assignment()}
        positions = {place: position for place, position in places.items() if position is not None}
        if not positions:
            return
        try:
            async with asyncio.timeout(_COMMIT_WITHIN_S):  # the client would wait as long as the broker is away
                await consumer.commit(positions)
        except (KafkaError, TimeoutError) as error:
            log.info("lag_not_reported", consumer=self._inbox.consumer, error=type(error).__name__)


def subscribe(
    broker: KafkaBroker, inbox: Inbox, partitions: Collection[int] | None = None, *, patience_ms: int = 0
) -> Subscription:
    """Feed `inbox` from its topic, or from some `partitions` of it, once `broker` is started. `patience_ms`: how long what
    arrives may wait for more."""
    return Subscription(broker, inbox, partitions, patience_ms)


async def consume(broker: KafkaBroker, inboxes: Sequence[Inbox]) -> None:
    """Start the broker's subscribers and stay, handling what operators release from quarantine; ends when cancelled.

    Raises `ClientDied` when a consumer has come to a stand for good; all of them are ended then.
    """
    consumers: list[Any] = []
    try:
        await broker.start()
        consumers = [subscriber.consumer for subscriber in cast(Any, broker).subscribers]
        async with running(**{f"quarantine of {inbox.consumer}": inbox.drain for inbox in inboxes}):
            await watch(consumers)
    except ClientDied:
        await asyncio.gather(*(end(consumer) for consumer in consumers))
        raise
    finally:
        await broker.stop()
