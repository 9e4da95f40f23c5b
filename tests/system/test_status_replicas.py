"""Several status processes share the partitions; one is killed, one is stopped past its session and continued.

A reader asks every living replica all the while, through a rebuild too, and remembers what it was told.
"""

import secrets
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.database import temporary_database
from tests.system.status_process import Status, events_of, status_process, wait_until

pytestmark = pytest.mark.system

SESSION_S = 10.0
"""After so long without a sign of life Kafka takes a consumer for gone (aiokafka's default)."""
WATCHED = 12


@dataclass
class Replicas:
    """A status service of several processes on one database and one topic."""

    first: Status
    others: list[Status]
    stopped: set[int] = field(default_factory=set)
    pauses: Counter[str] = field(default_factory=Counter)
    """How often each was stopped, by its address."""

    @property
    def all(self) -> list[Status]:
        return [self.first, *self.others]

    def start(self, place: int) -> None:
        self.all[place].start()

    def kill(self, place: int) -> None:
        """As kill -9."""
        self.stopped.add(place)
        self.all[place].kill()

    def pause(self, place: int) -> None:
        self.stopped.add(place)
        self._process(place).send_signal(signal.SIGSTOP)
        self.pauses[self.all[place].url] += 1

    def go_on(self, place: int) -> None:
        self._process(place).send_signal(signal.SIGCONT)
        self.stopped.discard(place)

    def bring_back(self, place: int) -> None:
        self.all[place].start()
        self.stopped.discard(place)

    def living(self) -> list[str]:
        return [one.url for place, one in enumerate(self.all) if place not in self.stopped]

    def log_of(self, place: int) -> str:
        return (self.all[place].folder / "log").read_text()

    def _process(self, place: int) -> "subprocess.Popen[bytes]":
        process = self.all[place].process
        assert process is not None
        return process


@contextmanager
def replicas(folder: Path, infrastructure: Any, count: int) -> Iterator[Replicas]:
    topic = f"test-replicas-{secrets.token_hex(5)}"
    places = [folder / f"replica-{place}" for place in range(count)]
    for place in places:
        place.mkdir()
    with temporary_database(infrastructure.database) as database, status_process(
        places[0], kafka=infrastructure.kafka, database=database, topic=topic
    ) as first:  # fmt: skip
        others = [Status(place, infrastructure.kafka, database, topic) for place in places[1:]]
        service = Replicas(first, others)
        try:
            yield service
        finally:
            for one in others:
                if one.process is not None:
                    one.process.send_signal(signal.SIGCONT)
                one.kill()


class Reader:
    """Asks for the same applications again and again, of whichever replica lives, and writes down what cannot be."""

    def __init__(self, service: Replicas, numbers: list[str]) -> None:
        self.faults: list[str] = []
        self.asked = 0
        self._service = service
        self._numbers = numbers
        self._told: dict[tuple[str, int], tuple[str, str]] = {}
        self._most = dict.fromkeys(numbers, 0)

    def read_until(self, ended: threading.Event) -> None:
        with httpx.Client(timeout=30) as client:
            while not ended.is_set():
                for number in self._numbers:
                    for url in self._service.living():
                        self._read(client, url, number)

    def _read(self, client: httpx.Client, url: str, number: str) -> None:
        pauses = self._service.pauses[url]
        try:
            status = client.get(f"{url}/applications/{number}")
            timeline = client.get(f"{url}/applications/{number}/timeline?limit=200")
        except httpx.TransportError:
            if url in self._service.living():
                time.sleep(0.05)  # it was just killed, or stopped in the middle of its answer
            return
        if status.status_code == 404 and not self._most[number]:
            return
        if 503 in {status.status_code, timeline.status_code} and self._service.pauses[url] > pauses:
            return  # stopped while it waited for its database, which it has then waited for too long
        if (status.status_code, timeline.status_code) != (200, 200):
            self.faults.append(f"{number}: answered {status.status_code} and {timeline.status_code}")
            return
        self.asked += 1
        self._compare(number, status.json()["events"], timeline.json()["entries"])

    def _compare(self, number: str, events: int, entries: list[dict[str, Any]]) -> None:
        if events < self._most[number]:
            self.faults.append(f"{number}: {events} events after {self._most[number]}")
        if len(entries) < events:
            self.faults.append(f"{number}: {events} events and then only {len(entries)} entries")
        if [entry["n"] for entry in entries] != list(range(1, len(entries) + 1)):
            self.faults.append(f"{number}: entries {[entry['n'] for entry in entries]}")
        self._most[number] = max(events, len(entries))
        for entry in entries:
            said = (entry["type"], entry["occurred_at"])
            if self._told.setdefault((number, entry["n"]), said) != said:
                self.faults.append(f"{number}/{entry['n']}: {said} where there was {self._told[number, entry['n']]}")


class Writer:
    """Puts the watched applications' events on the log, one after the other, among many others'."""

    def __init__(self, status: Status, numbers: list[str]) -> None:
        self._status = status
        self._left = [(number, event) for number in numbers for event in _long_life(status, number)]
        status.chance.shuffle(self._left)
        self.failure: BaseException | None = None

    def write_until(self, ended: threading.Event) -> None:
        try:
            while not ended.is_set():
                some, self._left = self._left[:3], self._left[3:]
                self._status.publish(some)
                self._status.publish_lives(3, repeats=True)
                time.sleep(0.1)
        except BaseException as failure:
            self.failure = failure
            raise


def _long_life(status: Status, number: str) -> list[bytes]:
    """Many events in no order that a procedure knows."""
    return [
        event.replace(f"{number}/".encode(), f"{number}/{turn}-".encode(), 1)
        for turn in range(8)
        for event in events_of(number, status.chance)
    ]


def _are_taken_in_by_the_others(service: Replicas) -> None:
    """Wait until all that was written up to now is taken in, by whoever lives."""
    sent = service.first.sent
    wait_until(
        lambda: service.first._position() >= sent, "the others go on where it was", 150
    )  # two rebalances at worst


@pytest.mark.parametrize("count", [2, 3])
def test_readers_see_no_gap_and_no_mixture_while_replicas_are_killed_stopped_and_rebuilt_beside(
    infrastructure: Any, tmp_path: Path, count: int
) -> None:
    with replicas(tmp_path, infrastructure, count) as service:
        for place in range(count):
            service.start(place)
        numbers = [service.first.new_number() for _ in range(WATCHED)]
        reader, writer, ended = Reader(service, numbers), Writer(service.first, numbers), threading.Event()
        threads = [threading.Thread(target=work, args=(ended,)) for work in (reader.read_until, writer.write_until)]
        for thread in threads:
            thread.start()
        try:
            _are_taken_in_by_the_others(service)
            service.kill(0)
            _are_taken_in_by_the_others(service)
            service.bring_back(0)
            paused = count - 1
            service.pause(paused)
            stopped_at = time.monotonic()
            _are_taken_in_by_the_others(service)
            done = service.first.rebuild("--from", "kafka")
            assert done.stdout.startswith("rebuild: identical "), done.stdout + done.stderr
            time.sleep(max(0.0, SESSION_S + 2 - (time.monotonic() - stopped_at)))
            service.go_on(paused)
            _are_taken_in_by_the_others(service)
            done = service.first.rebuild("--from", "archive")
            assert done.stdout.startswith("rebuild: identical "), done.stdout + done.stderr
        finally:
            ended.set()
            for thread in threads:
                thread.join()
        assert writer.failure is None
        assert reader.faults == []
        assert reader.asked > 20 * count
        service.first.wait_for_all()
        fetch = service.first.fetch
        assert fetch("SELECT count(*), count(DISTINCT (partition, \"offset\")) FROM archive") == [
            (service.first.sent, service.first.sent)
        ]  # fmt: skip
        assert fetch("SELECT 1 FROM timeline GROUP BY number, source, event_id HAVING count(*) > 1") == []
        assert fetch("SELECT 1 FROM timeline GROUP BY number HAVING max(n) <> count(*)") == []
        for source in ("kafka", "archive"):
            assert service.first.rebuild("--from", source).stdout.startswith("rebuild: identical ")
