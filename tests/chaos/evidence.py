"""Where the verdict's facts come from: the raw log, the mails, the status service's answers, the `jejak` command."""

import mailbox
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from contracts.envelope import EVENT_LOG_TOPIC
from deploy.local.remote import RunningSystem
from tests.chaos.settling import log_ends

LogRecord = tuple[int, int, bytes | None, bytes | None]
"""Offset, timestamp in milliseconds, key, value."""
SILENCE_S = 30.0


def timeline(http: httpx.Client, number: str) -> list[dict[str, Any]]:
    """The entries that the status service shows of an application, all pages; none where it knows nothing of it."""
    entries: list[dict[str, Any]] = []
    page: str | None = f"/applications/{number}/timeline"
    while page:
        response = http.get(page)
        if response.status_code in (429, 503):
            time.sleep(float(response.headers.get("Retry-After", 1)))
        elif response.status_code == 404:
            return []
        else:
            entries += response.raise_for_status().json()["entries"]
            page = response.links.get("next", {}).get("url")
    return entries


def read_log(bootstrap: str) -> dict[int, list[LogRecord]]:
    """Every record of every partition of the event log, as Kafka gives it now."""
    ends = log_ends(bootstrap)
    records: dict[int, list[LogRecord]] = {partition: [] for partition in ends}
    open_partitions = {partition for partition, end in ends.items() if end}
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "chaos-verify", "enable.auto.commit": False, "log_level": 0}
    )
    try:
        consumer.assign([TopicPartition(EVENT_LOG_TOPIC, partition, OFFSET_BEGINNING) for partition in open_partitions])
        heard = time.monotonic()
        while open_partitions:
            for message in consumer.consume(1000, 1.0):
                if error := message.error():
                    raise RuntimeError(f"the log cannot be read: {error.str()}")
                heard = time.monotonic()
                partition, offset = int(message.partition() or 0), int(message.offset() or 0)
                records[partition].append((offset, message.timestamp()[1], message.key(), message.value()))
                if offset + 1 >= ends[partition]:
                    open_partitions.discard(partition)
            if time.monotonic() - heard > SILENCE_S:
                raise RuntimeError(f"Kafka sent nothing for {SILENCE_S:.0f} s; partitions {open_partitions} unfinished")
    finally:
        consumer.close()
    return records


def message_ids(maildir: Path) -> list[str]:
    """The delivery of every mail that came: the left part of its Message-ID."""
    found = []
    if maildir.exists():
        for message in mailbox.Maildir(maildir, create=False):
            match = re.fullmatch(r"<([0-9a-f-]+)@[^>]+>", str(message["Message-ID"]).strip())
            found.append(match[1] if match else f"mail without a delivery: {message['Message-ID']}")
    return found


def jejak(system: RunningSystem, *arguments: str, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
    """Run a command of `jejak` beside the system, as `jejak exec` would."""
    return subprocess.run(
        [sys.executable, "-m", "deploy.local.cli", *arguments],
        env=os.environ | system.environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
