"""Processing as a process, for its system tests: its officers, and the log that it reads and writes."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import httpx
from confluent_kafka import Consumer, Producer, TopicPartition

from contracts.envelope import PARTITIONS, Event, decode_event, encode_event, new_salt
from contracts.facts import Actor, DocumentRef, DocumentSupplied, Fact, FeePaid, Submitted, Withdrawn
from tests.system.service_process import ServiceProcess, new_number

INTAKE = "//lebong.imigrasi.go.id/intake"
TREASURY = "//treasury.example/payments"
REQUIREMENTS = ("identity_card", "family_card", "birth_record")
BOOK = "book_non_electronic_5y"
PRICE = 350_000


def document(requirement: str) -> DocumentRef:
    return DocumentRef(document=secrets.token_hex(8), requirement=requirement, commitment="c" * 43)


def submission(service: str = "passport_new") -> Submitted:
    documents = [document(code) for code in REQUIREMENTS]
    return Submitted(
        service=service, office="lebong", channel="internet", by=Actor(role="applicant"), documents=documents
    )


def supplied(requirement: str) -> DocumentSupplied:
    return DocumentSupplied(document=document(requirement), by=Actor(role="applicant"))


def payment(billing_code: str, amount: int = PRICE) -> FeePaid:
    receipt = secrets.token_hex(8).upper()
    return FeePaid(billing_code=billing_code, amount=amount, by=Actor(role="treasury"), receipt=receipt)


def withdrawal() -> Withdrawn:
    return Withdrawn(by=Actor(role="applicant"))


@dataclass
class Processing(ServiceProcess):
    """A running processing service and what is needed to speak with it."""

    name: ClassVar[str] = "processing"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.producer = Producer({"bootstrap.servers": self.kafka, "enable.idempotence": True})

    def settings(self) -> dict[str, str]:
        return {"JEJAK_CONSUMER": f"{self.topic}-cases", "JEJAK_INTAKE_URL": "http://intake.example"}

    def now(self) -> datetime:
        return datetime.now(UTC)

    def publish(
        self, fact: Fact, number: str, *, source: str = INTAKE, at: datetime | None = None, id: str = ""
    ) -> bytes:
        """An event of another service on the log."""
        state = encode_event(
            fact,
            id=id or secrets.token_hex(8),
            source=source,
            subject=number,
            time=at or datetime.now(UTC),
            salt=new_salt(secrets.token_bytes(32)),
        )
        self.put(number, state)
        return state

    def put(self, key: str, value: bytes) -> None:
        self.producer.produce(self.topic, value, key=key)
        assert self.producer.flush(20) == 0

    def published(self, number: str) -> list[Event]:
        """What is on the log about an application, in order, from whomever."""
        consumer = Consumer({"bootstrap.servers": self.kafka, "group.id": "unused", "enable.auto.commit": False})
        try:
            consumer.assign([TopicPartition(self.topic, partition, 0) for partition in range(PARTITIONS)])
            ends = {
                partition: consumer.get_watermark_offsets(TopicPartition(self.topic, partition), timeout=10)[1]
                for partition in range(PARTITIONS)
            }
            left, found = sum(ends.values()), []
            while left > 0:
                message = consumer.poll(10)
                assert message is not None
                assert message.error() is None
                left -= 1
                if message.key() == number.encode():
                    found.append(decode_event(message.value()))
            return found
        finally:
            consumer.close()

    # As an officer.

    def get(self, path: str, role: str = "officer", **headers: str) -> httpx.Response:
        return self.http.get(path, headers={**self.bearer(role), **headers})

    def case(self, number: str) -> dict[str, Any]:
        answer = self.get(f"/cases/{number}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def command(
        self,
        number: str,
        name: str,
        body: Any = None,
        *,
        version: int | None = None,
        role: str = "officer",
        **headers: str,
    ) -> httpx.Response:
        """A command on the version given, else on the present one."""
        tag = f'"{self.case(number)["version"] if version is None else version}"'
        sent = {**self.bearer(role), "If-Match": tag, **headers}
        return self.http.post(f"/cases/{number}/{name}", json=body, headers=sent)

    def do(self, number: str, name: str, body: Any = None) -> dict[str, Any]:
        answer = self.command(number, name, body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def opened(self, number: str = "") -> str:
        """A new case, opened from a record of the log."""
        number = number or new_number()
        self.publish(submission(), number)
        self.wait_until(lambda: self.get(f"/cases/{number}").status_code == 200)
        return number

    def assessed(self) -> tuple[str, str]:
        """A new case and its billing code."""
        number = self.opened()
        case = self.do(number, "assess-fee", {"fees": [BOOK]})
        return number, case["assessments"][-1]["billing_code"]

    def pays(self, number: str, fact: FeePaid, **more: Any) -> dict[str, Any]:
        """The case after the treasury's report was taken in."""
        before = self.case(number)["version"]
        self.publish(fact, number, source=TREASURY, **more)
        self.wait_until(lambda: self.case(number)["version"] > before)
        return self.case(number)

    def inbox(self, **query: Any) -> list[dict[str, Any]]:
        """Every page of the inbox."""
        address, found = str(httpx.URL("/cases", params=query)), []
        while address:
            answer = self.get(address)
            assert answer.status_code == 200, answer.text
            found += answer.json()["cases"]
            address = answer.links.get("next", {}).get("url", "")
        return found

    def listed(self, number: str, **query: Any) -> dict[str, Any]:
        """The inbox's line of a case, once it has the case's present version."""
        version = self.case(number)["version"]
        return dict(
            self.wait_until(
                lambda: next((c for c in self.inbox(**query) if (c["number"], c["version"]) == (number, version)), None)
            )
        )


@contextmanager
def processing_process(
    folder: Path, *, kafka: str, database: str, topic: str, ready: bool = True, **environment: str
) -> Iterator[Processing]:
    """Processing from start to stop."""
    processing = Processing(folder, kafka, database, topic)
    try:
        processing.start(ready=ready, **environment)
        yield processing
    finally:
        processing.stop()
