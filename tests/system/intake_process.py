"""Intake as a process, for its system tests: its applicants and the systems that publish to it."""

import base64
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import httpx
import yaml
from confluent_kafka import Consumer, TopicPartition
from standardwebhooks import Webhook

from tests.system.service_process import ServiceProcess

TREASURY = "//treasury.example/payments"
AGENCY = "//agency.example/history/"
BATCH = "application/cloudevents-batch+json"
STRUCTURED = "application/cloudevents+json"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(2000) + b"\x00\x00\x00\x00IEND\xaeB`\x82"
PDF = b"%PDF-1.7\n" + b"1 0 obj\n<< >>\nendobj\n" * 50 + b"trailer\n<< >>\nstartxref\n0\n%%EOF\n"
APPLICANT = {"name": "Pemohon Contoh", "email": "pemohon@example.org"}


@dataclass
class Intake(ServiceProcess):
    """A running intake and what is needed to speak with it."""

    name: ClassVar[str] = "intake"
    secret: str = field(default_factory=lambda: "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())

    def __post_init__(self) -> None:
        super().__post_init__()
        publishers = [
            {
                "name": "treasury",
                "sources": [TREASURY],
                "types": ["fee_paid"],
                "secret": self.secret,
                "client": "treasury",
            },
            {"name": "agency", "sources": [AGENCY], "types": ["*"], "client": "agency"},
        ]
        (self.folder / "publishers.yaml").write_text(yaml.safe_dump(publishers))

    @property
    def documents(self) -> Path:
        return self.folder / "documents"

    def settings(self) -> dict[str, str]:
        return {
            "JEJAK_PUBLISHERS": str(self.folder / "publishers.yaml"),
            "JEJAK_MASTER_KEY": "00" * 32,
            "JEJAK_DOCUMENTS": self.documents.as_uri(),
            "JEJAK_DOCUMENT_LIMIT_BYTES": "200000",
        }

    def open_draft(self, **more: Any) -> "Draft":
        answer = self.http.post("/drafts", json={"service": "passport_new", "applicant": APPLICANT, **more})
        assert answer.status_code == 201, answer.text
        return Draft(self, answer.json()["number"], answer.json()["access_code"])

    def submitted(self) -> "Draft":
        draft = self.open_draft()
        for requirement in draft.show().json()["missing"]:
            assert draft.attach(requirement, PNG + b"").status_code == 200
        assert draft.submit().status_code == 201
        return draft

    def publish(self, *events: dict[str, Any], client: str = "agency") -> httpx.Response:
        """A batch, with a bearer token."""
        headers = {"Content-Type": BATCH, **self.bearer("system", subject=client)}
        return self.http.post("/events", content=json.dumps(events), headers=headers)

    def sign(self, body: bytes, *, at: datetime | None = None, id: str = "msg_1", secret: str = "") -> dict[str, str]:
        at = at or datetime.now(UTC)
        signature = Webhook(secret or self.secret).sign(id, at, body.decode())
        return {"webhook-id": id, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


@dataclass
class Draft:
    """An application that its applicant works on."""

    intake: Intake
    number: str
    code: str

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.intake.http.request(method, path, auth=(self.number, self.code), **more)

    def show(self) -> httpx.Response:
        return self.request("GET", f"/drafts/{self.number}")

    def attach(self, requirement: str, content: Any, media_type: str = "image/png") -> httpx.Response:
        path = f"/drafts/{self.number}/documents/{requirement}"
        return self.request("PUT", path, content=content, headers={"Content-Type": media_type})

    def submit(self, **headers: str) -> httpx.Response:
        return self.request("POST", f"/drafts/{self.number}/submit", headers=headers)

    def supply(self, requirement: str, content: bytes, **headers: str) -> httpx.Response:
        path = f"/applications/{self.number}/documents/{requirement}"
        return self.request("POST", path, content=content, headers={"Content-Type": "image/png", **headers})

    def withdraw(self, **more: Any) -> httpx.Response:
        return self.request("POST", f"/applications/{self.number}/withdraw", **more)


@contextmanager
def intake_process(
    folder: Path, *, kafka: str, database: str, topic: str, ready: bool = True, **environment: str
) -> Iterator[Intake]:
    """Intake from start to stop."""
    intake = Intake(folder, kafka, database, topic)
    try:
        intake.start(ready=ready, **environment)
        yield intake
    finally:
        intake.stop()


def event(
    fact: str, data: dict[str, Any], *, subject: str | None, source: str = f"{AGENCY}a", **more: Any
) -> dict[str, Any]:
    """A CloudEvent of another system."""
    attributes = {
        "specversion": "1.0",
        "id": secrets.token_hex(8),
        "source": source,
        "type": f"id.jejak.application.{fact}.v1",
        "time": "2026-03-02T03:15:00Z",
        "data": data,
    }
    return {**attributes, **({"subject": subject} if subject else {}), **more}


def payment(billing_code: str, *, subject: str | None = None, **more: Any) -> dict[str, Any]:
    """A payment that the treasury reports."""
    data = {"billing_code": billing_code, "amount": 350000, "by": {"role": "treasury"}}
    return event("fee_paid", data, subject=subject, source=TREASURY, **more)


def new_billing_code() -> str:
    return f"8{secrets.randbelow(10**14):014d}"


def on_the_log(intake: Intake, number: str, count: int) -> list[dict[str, Any]]:
    """The events of one application, when `count` of them have arrived."""
    consumer = Consumer({"bootstrap.servers": intake.kafka, "group.id": "unused", "enable.auto.commit": False})
    found: list[dict[str, Any]] = []
    try:
        consumer.assign([TopicPartition(intake.topic, partition, 0) for partition in range(12)])

        def arrived() -> bool:
            for message in consumer.consume(500, timeout=0.5):
                if message.error() is None and message.key() == number.encode():
                    found.append(json.loads(message.value()))
            return len(found) >= count

        intake.wait_until(arrived)
    finally:
        consumer.close()
    return found


def slug(answer: httpx.Response) -> str:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return str(answer.json()["type"]).rpartition("/")[2]
