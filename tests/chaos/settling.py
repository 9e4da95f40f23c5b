"""When the system has come to rest: every part is back, every outbox published, every record handled, every mail sent."""

import time
from collections.abc import Mapping

import psycopg
from confluent_kafka import Consumer, TopicPartition
from psycopg.rows import tuple_row

from contracts.envelope import EVENT_LOG_TOPIC, PARTITIONS
from deploy.local.remote import RunningSystem
from tests.chaos.faults import SERVICES

OUTBOX = """
SELECT coalesce((SELECT max(notification_id) FROM {0}.stored_events), 0),
       coalesce((SELECT max(notification_id) FROM {0}.relay_positions), 0)
"""
POSITIONS = "SELECT consumer, partition, next_offset FROM {0}.consumer_positions"
WAITING = "SELECT count(*) FROM notify.deliveries WHERE state = 'waiting'"
WORKLIST = "SELECT notification_id FROM processing.worklist_position"
LAST_OF_PROCESSING = "SELECT coalesce(max(notification_id), 0) FROM processing.stored_events"


class Unsettled(Exception):
    """Something still waits; the message says what."""


def wait_settled(system: RunningSystem, *, timeout_s: float) -> None:
    """Return when nothing is left to do, twice in a row. Raises `Unsettled`, or `NotStarted` for a part that is not back."""
    began = time.monotonic()
    system.wait_ready(timeout_s=timeout_s)
    quiet: object = None
    while True:
        left, seen = _look(system)
        if not left and seen == quiet:
            return
        quiet = seen if not left else None
        if time.monotonic() - began > timeout_s:
            raise Unsettled(f"after {timeout_s:.0f} s there is still: " + "; ".join(left or ["movement"]))
        time.sleep(0.5)


def log_ends(bootstrap: str) -> dict[int, int]:
    """For each partition of the event log the offset after its last record."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "chaos-ends", "log_level": 0})
    try:
        places = [TopicPartition(EVENT_LOG_TOPIC, partition) for partition in range(PARTITIONS)]
        return {place.partition: consumer.get_watermark_offsets(place, timeout=10)[1] for place in places}
    finally:
        consumer.close()


def _look(system: RunningSystem) -> tuple[list[str], object]:
    """What is left to do, and how far everything has come."""
    left: list[str] = []
    try:
        ends = log_ends(system.kafka)
        with psycopg.connect(system.database, connect_timeout=5, row_factory=tuple_row) as connection:
            for service in SERVICES:
                left += _behind(connection, service, ends)
            waiting = _number(connection, WAITING)
            if waiting:
                left.append(f"{waiting} deliveries waiting")
            if _number(connection, WORKLIST) != _number(connection, LAST_OF_PROCESSING):
                left.append("processing: its worklist is behind")
    except psycopg.Error as error:
        return [f"no answer from the database ({type(error).__name__})"], None
    return left, tuple(sorted(ends.items()))


def _behind(connection: psycopg.Connection, service: str, ends: Mapping[int, int]) -> list[str]:
    left = []
    last, published = connection.execute(OUTBOX.format(service)).fetchone() or (0, 0)
    if last != published:
        left.append(f"{service}: its outbox is published to {published} of {last}")
    at: dict[str, dict[int, int]] = {}
    for consumer, partition, next_offset in connection.execute(POSITIONS.format(service)):
        at.setdefault(consumer, {})[partition] = next_offset
    if not at:
        left.append(f"{service}: it has not begun to consume")
    for consumer, places in at.items():
        behind = sum(max(0, end - places.get(partition, 0)) for partition, end in ends.items())
        if behind:
            left.append(f"{service}: {consumer} is {behind} records behind")
    return left


def _number(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
