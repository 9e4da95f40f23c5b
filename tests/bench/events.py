"""Events as they are on the log: passports and stay permits from submission to collection, interleaved, from a seed."""

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from confluent_kafka import Producer

from contracts.envelope import encode_event, new_salt
from contracts.facts import (
    Actor,
    Collected,
    Decided,
    DocumentRef,
    DocumentsRequested,
    DocumentSupplied,
    DocumentsVerified,
    EventRef,
    Examined,
    Fact,
    FeeAssessed,
    FeeLine,
    FeePaid,
    Invited,
    Issued,
    NotificationSent,
    Reason,
    RequestedDocument,
    Submitted,
)
from contracts.number import RANDOM_BYTES, format_number

OFFICE = "//lebong.imigrasi.go.id"
BEGAN = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
OFFICER = Actor(role="officer", office="lebong", desk="verification")
APPLICANT = Actor(role="applicant")
SYSTEM = Actor(role="system", office="lebong")
TREASURY = Actor(role="treasury")
OPEN_AT_ONCE = 2_000


def life(chance: random.Random, at: datetime) -> list[tuple[str, Fact]]:
    """The facts of one application in order, each with the service that publishes it: 10 on average."""

    def document(requirement: str) -> DocumentRef:
        return DocumentRef(
            document=chance.randbytes(8).hex(), requirement=requirement, commitment=new_salt(chance.randbytes(32))
        )

    def told(template: str) -> tuple[str, Fact]:
        about = EventRef(source=f"{OFFICE}/processing", id=str(uuid.UUID(bytes=chance.randbytes(16))))
        return "notify", NotificationSent(
            about=about, channel="email", template=template, language="id", attempt=1, by=SYSTEM
        )

    code = f"820260{chance.randrange(10**9):09d}"
    documents = [document(requirement) for requirement in ("identity_card", "family_card", "birth_record")]
    facts: list[tuple[str, Fact]] = [
        (
            "intake",
            Submitted(service="passport_new", office="lebong", channel="internet", by=APPLICANT, documents=documents),
        ),
        told("submitted"),
    ]
    if chance.random() < 0.3:
        asked = RequestedDocument(requirement="birth_record", reason=Reason(code="unreadable"))
        facts += [
            ("processing", DocumentsRequested(documents=[asked], by=OFFICER)),
            ("intake", DocumentSupplied(document=document("birth_record"), by=APPLICANT)),
        ]
    line = FeeLine(fee="book_electronic_10y", amount=950_000, legal_basis="PP 45/2024")
    facts += [
        (
            "processing",
            FeeAssessed(
                billing_code=code, amount=950_000, expires_at=at + timedelta(days=30), by=OFFICER, lines=[line]
            ),
        ),
        (
            "treasury",
            FeePaid(billing_code=code, amount=950_000, by=TREASURY, receipt=f"{chance.getrandbits(64):016X}"),
        ),
        ("processing", Invited(examination="interview", at=at + timedelta(days=3), by=OFFICER)),
        ("processing", DocumentsVerified(by=OFFICER)),
        ("processing", Examined(examinations=["interview", "biometrics"], by=OFFICER)),
        ("processing", Decided(outcome="approved", by=OFFICER)),
        ("processing", Issued(product="passport", by=OFFICER)),
        ("processing", Collected(by=OFFICER)),
    ]
    return facts


def _events_of(number: str, chance: random.Random, at: datetime) -> Iterator[bytes]:
    for service, fact in life(chance, at):
        at += timedelta(minutes=chance.randrange(1, 1_500), microseconds=chance.randrange(10**6))
        yield encode_event(
            fact,
            id=str(uuid.UUID(bytes=chance.randbytes(16), version=4)),
            source=f"{OFFICE}/{service}",
            subject=number,
            time=at,
            salt=new_salt(chance.randbytes(32)),
            traceparent=f"00-{chance.getrandbits(128):032x}-{chance.getrandbits(64):016x}-01",
        )


def log(count: int, seed: int = 20260105) -> Iterator[tuple[str, bytes]]:
    """`count` (key, value) records; those of one application in order, two thousand applications open at a time."""
    chance = random.Random(seed)
    open_lives: list[tuple[str, Iterator[bytes]]] = []
    made = begun = 0
    while made < count:
        while len(open_lives) < OPEN_AT_ONCE:
            number = format_number("LBG", chance.randbytes(RANDOM_BYTES))
            open_lives.append((number, _events_of(number, chance, BEGAN + timedelta(seconds=40 * begun))))
            begun += 1
        place = chance.randrange(OPEN_AT_ONCE)
        number, events = open_lives[place]
        event = next(events, None)
        if event is None:
            open_lives[place] = open_lives[-1]
            open_lives.pop()
        else:
            made += 1
            yield number, event


def publish(bootstrap: str, topic: str, count: int) -> None:
    """Put such a log on `topic`."""
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "partitioner": "murmur2_random",
            "linger.ms": 20,
            "queue.buffering.max.messages": 200_000,
        }
    )
    for number, event in log(count):
        while True:
            try:
                producer.produce(topic, event, number)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    if left := producer.flush(60):
        raise RuntimeError(f"{left} events were not taken by {topic}")
