"""Intake as a process of its own, on a database and a topic of its own, for its system tests."""

import base64
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml
from confluent_kafka import Consumer, TopicPartition
from standardwebhooks import Webhook

from contracts.number import RANDOM_BYTES, format_number
from deploy.local.issuer import Issuer

TREASURY = "//treasury.example/payments"
AGENCY = "//agency.example/history/"
BATCH = "application/cloudevents-batch+json"
STRUCTURED = "application/cloudevents+json"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(2000) + b"\x00\x00\x00\x00IEND\xaeB`\x82"
PDF = b"%PDF-1.7\n" + b"1 0 obj\n<< >>\nendobj\n" * 50 + b"trailer\n<< >>\nstartxref\n0\n%%EOF\n"
APPLICANT = {"name": "Pemohon Contoh", "email": "pemohon@example.org"}


@dataclass
class Intake:
    """A running intake and what is needed to speak with it."""

    folder: Path
    kafka: str
    database: str
    topic: str
    secret: str = field(default_factory=lambda: "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())
    process: subprocess.Popen[bytes] | None = None
    http: Any = None

    def __post_init__(self) -> None:
        self.issuer = Issuer(self.folder / "issuer.pem")
        (self.folder / "jwks.json").write_text(self.issuer.jwks())
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

    def start(self, **environment: str) -> None:
        """Start the process and wait until it answers (not: until it is ready)."""
        address = self.folder / "address"
        address.unlink(missing_ok=True)
        ours = {
            "JEJAK_KAFKA": self.kafka,
            "JEJAK_DATABASE": self.database,
            "JEJAK_TOPIC": self.topic,
            "JEJAK_ADDRESS_FILE": str(address),
            "JEJAK_ISSUER": self.issuer.name,
            "JEJAK_JWKS": (self.folder / "jwks.json").as_uri(),
            "JEJAK_PUBLISHERS": str(self.folder / "publishers.yaml"),
            "JEJAK_MASTER_KEY": "00" * 32,
            "JEJAK_DOCUMENTS": self.documents.as_uri(),
            "JEJAK_DOCUMENT_LIMIT_BYTES": "200000",
            "JEJAK_PORT": "0",
        }
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "services.intake.main"],
                env={**os.environ, **ours, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.wait_until(lambda: address.exists() and bool(address.read_text()))
        self.http = httpx.Client(base_url=address.read_text().strip(), timeout=30)
        self.wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            return self.http.get("/health/live").is_success
        except httpx.TransportError:
            return False

    def wait_until_ready(self) -> None:
        self.wait_until(lambda: self.http.get("/health/ready").is_success)

    def wait_until(self, condition: Any, timeout_s: float = 60) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()[-3000:]
            if self.process is not None:
                assert self.process.poll() is None, (self.folder / "log").read_text()[-3000:]
            time.sleep(0.05)

    def kill(self) -> None:
        """As `kill -9`."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.http.close()

    def stop(self) -> None:
        assert self.process is not None
        if self.http is not None:
            self.http.close()
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def bearer(self, role: str, subject: str = "") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.issuer.token(role, subject=subject)}"}

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
        headers = {"Content-Type": BATCH, **self.bearer("system", client)}
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
def intake_process(folder: Path, *, kafka: str, database: str, topic: str, **environment: str) -> Iterator[Intake]:
    """Intake from start to stop."""
    intake = Intake(folder, kafka, database, topic)
    try:
        intake.start(**environment)
        yield intake
    finally:
        intake.stop()


def new_number() -> str:
    return format_number("LBG", secrets.token_bytes(RANDOM_BYTES))


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
