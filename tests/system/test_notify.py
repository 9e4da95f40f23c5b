"""Notify with real mail servers, real Kafka and real PostgreSQL; in intake's place stands a small HTTP server."""

import asyncio
import datetime as dt
import json
import os
import secrets
import signal
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiosmtpd.smtp import SMTP, Envelope, Session
from litestar import Litestar

from contracts.envelope import PARTITIONS, Event, decode_event, decode_fact, encode_event, new_salt
from contracts.facts import (
    Actor,
    Decided,
    DocumentsVerified,
    Fact,
    FeeAssessed,
    NotificationFailed,
    NotificationSent,
    PersonalDataErased,
    Reason,
    Submitted,
    Withdrawn,
)
from contracts.number import format_number
from deploy.local.issuer import Issuer
from runtime.kafka import LOG_CONFIG, ensure_topic
from services.notify.main import NotifySettings, build

pytestmark = pytest.mark.system

OFFICER = Actor(role="officer", office="lebong")
SUBMITTED = Submitted(service="passport_new", office="lebong", channel="internet", by=Actor(role="applicant"))
VERIFIED = DocumentsVerified(by=OFFICER)
APPROVED = Decided(outcome="approved", by=OFFICER)
WITHDRAWN = Withdrawn(by=Actor(role="applicant"))
SOURCE = "//lebong.imigrasi.go.id/test"
ADDRESS = "pemohon@example.org"
NAME = "Pemohon Contoh"


class PostOffice:
    """A real SMTP server. `answers` are given to DATA in turn, then 250; None: it falls silent and hangs up."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answers: deque[str | None] = deque()
        self.recipient_answers: deque[str] = deque()
        self.connections = 0
        self.before_answer: Callable[[], Awaitable[None]] | None = None
        self.silent = False
        self._servers: list[SMTP] = []
        self.port = 0
        self._listener: asyncio.Server | None = None

    async def open(self) -> None:
        self._listener = await asyncio.get_running_loop().create_server(self._connection, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._listener is not None
        self._listener.close()
        for server in self._servers:
            if server.transport is not None:
                server.transport.abort()
        await asyncio.sleep(0.05)

    def _connection(self) -> SMTP:
        self.connections += 1
        server = SMTP(self, hostname="mail.example.org", loop=asyncio.get_running_loop())
        self._servers.append(server)
        return server

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.recipient_answers.popleft() if self.recipient_answers else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        answer = self.answers.popleft() if self.answers else "250 OK"
        if answer is None or answer.startswith("250"):
            self.received.append(message_from_bytes(envelope.content, policy=policy.default))
            self.recipients.extend(envelope.rcpt_tos)
        if self.before_answer is not None:
            await self.before_answer()
        if self.silent:
            await asyncio.sleep(3600)
        if answer is None:
            server.transport.abort()
            return "250 never seen"
        return answer


class IntakeStandIn:
    """The one route of intake that notify asks. `status` is what it answers with."""

    def __init__(self) -> None:
        self.contact: dict[str, str | None] = {"name": NAME, "email": ADDRESS, "language": "id"}
        self.status = 200
        self.problem = {"type": "https://jejak.example/problems/unknown-number", "status": 404}
        self.asked: list[str] = []
        self.authorization = ""
        self._server: asyncio.Server | None = None
        self.url = ""

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        await asyncio.sleep(0)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.split()[1])
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        self.authorization = {name.lower(): value for name, value in headers.items()}.get("authorization", "")
        body = json.dumps(self.problem if self.status == 404 else self.contact).encode()
        writer.write(
            f"HTTP/1.1 {self.status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
        )
        await writer.drain()
        writer.close()


@dataclass
class Stage:
    """Everything around notify, and what the tests ask of it."""

    kafka: str
    database: str
    topic: str
    post: PostOffice
    intake: IntakeStandIn
    issuer: Issuer
    folder: Path
    producer: AIOKafkaProducer
    reader: asyncpg.Connection
    app: Litestar | None = None
    _sent: int = field(default=0)

    def environment(self, **more: object) -> dict[str, str]:
        settings = {
            "kafka": self.kafka,
            "database": self.database,
            "topic": self.topic,
            "consumer": self.topic,
            "issuer": self.issuer.name,
            "jwks": (self.folder / "jwks.json").as_uri(),
            "intake_url": self.intake.url,
            "service_token": "the-token-of-notify",
            "status_url": "https://status.example.org",
            "smtp": f"127.0.0.1:{self.post.port}",
            "smtp_timeout_s": 1,
            "intake_timeout_s": 1,
            "lease_s": 5,
            "first_delay_s": 0.05,
            "log_level": "warning",
        } | more
        return {name: str(value) for name, value in settings.items()}

    async def happens(self, number: str, *facts: Fact, at: dt.datetime | None = None, source: str = SOURCE) -> None:
        for fact in facts:
            self._sent += 1
            event = encode_event(
                fact,
                id=f"event-{self._sent}",
                source=source,
                subject=number,
                time=at or dt.datetime.now(dt.UTC),
                salt=new_salt(secrets.token_bytes(32)),
            )
            await self.producer.send_and_wait(self.topic, event, key=number.encode())

    async def states(self, number: str) -> list[tuple[str, str, str | None]]:
        rows = await self.reader.fetch(
            "SELECT template, state, reason FROM notify.deliveries WHERE number = $1 ORDER BY sequence", number
        )
        return [tuple(row) for row in rows]

    async def settled(self, number: str, *expected: tuple[str, str, str | None]) -> None:
        await until(lambda: self._are(number, list(expected)), lambda: self.states(number))

    async def _are(self, number: str, expected: list[tuple[str, str, str | None]]) -> bool:
        return await self.states(number) == expected

    async def outcomes(self, number: str, count: int) -> list[NotificationSent | NotificationFailed]:
        """The first `count` outcomes of `number` on the event log."""
        found: list[Any] = []
        async with AIOKafkaConsumer(
            self.topic, bootstrap_servers=self.kafka, auto_offset_reset="earliest", group_id=None
        ) as consumer:
            async with asyncio.timeout(30):
                while len(found) < count:
                    event: Event = decode_event((await consumer.getone()).value)
                    if event.subject == number and event.source.endswith("/notify"):
                        found.append(decode_fact(event))
        return found

    async def metric(self, name: str) -> float:
        text = (await self.get("/metrics", role=None)).text
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"jejak_{name}"))

    async def get(self, path: str, *, role: str | None = "operator", **headers: str) -> httpx.Response:
        return await self._call("GET", path, role, headers)

    async def post_to(self, path: str, *, role: str = "operator") -> httpx.Response:
        return await self._call("POST", path, role, {})

    async def _call(self, method: str, path: str, role: str | None, headers: dict[str, str]) -> httpx.Response:
        assert self.app is not None
        if role:
            headers = headers | {"Authorization": f"Bearer {self.issuer.token(role)}"}
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://notify") as client:
            return await client.request(method, path, headers=headers)


async def until(
    holds: Callable[[], Awaitable[bool]], found: Callable[[], Awaitable[object]], wait_s: float = 40
) -> None:
    try:
        async with asyncio.timeout(wait_s):
            while not await holds():
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"still: {await found()}")


def new_number() -> str:
    return format_number("LBG", secrets.token_bytes(10))


@pytest.fixture
async def stage(
    infrastructure: Any, fresh_database: str, fresh_topic_prefix: str, tmp_path: Path
) -> AsyncIterator[Stage]:
    post, intake, issuer = PostOffice(), IntakeStandIn(), Issuer(tmp_path / "issuer.pem")
    (tmp_path / "jwks.json").write_text(issuer.jwks())
    await post.open()
    await intake.open()
    topic = f"{fresh_topic_prefix}applications.v1"
    await ensure_topic(infrastructure.kafka, topic, partitions=PARTITIONS, config=LOG_CONFIG)
    reader = await asyncpg.connect(fresh_database)
    async with AIOKafkaProducer(bootstrap_servers=infrastructure.kafka) as producer:
        yield Stage(infrastructure.kafka, fresh_database, topic, post, intake, issuer, tmp_path, producer, reader)
    await reader.close()
    await intake.close()
    await post.close()


@asynccontextmanager
async def notify(stage: Stage, **more: object) -> AsyncIterator[Stage]:
    """Notify in this process, ready."""
    stage.app = build(NotifySettings(**stage.environment(**more)))
    async with stage.app.lifespan():
        await until(lambda: _ready(stage), lambda: stage.get("/health/ready", role=None))
        yield stage


async def _ready(stage: Stage) -> bool:
    """Ready, and partitions are assigned: a consumer stopped before that would leave a connection to the broker open."""
    if (await stage.get("/health/ready", role=None)).status_code != 200:
        return False
    assert stage.app is not None
    inboxes = stage.app.state.backbone.inboxes
    return any(inbox.position(partition) is not None for inbox in inboxes for partition in range(PARTITIONS))


async def test_an_applicant_is_told_in_their_language_and_the_timeline_says_so(stage: Stage) -> None:
    number = new_number()
    stage.intake.contact["language"] = "en"
    async with notify(stage):
        await stage.happens(number, SUBMITTED)
        await stage.settled(number, ("submitted", "sent", None))
        (fact,) = await stage.outcomes(number, 1)
        (row,) = (await stage.get(f"/deliveries?number={number}")).json()["deliveries"]
    (mail,) = stage.post.received
    assert mail["To"] == ADDRESS
    assert stage.post.recipients == [ADDRESS]
    assert mail["Subject"] == f"We have received your application – {number}"
    assert f"Dear {NAME}," in mail.get_content()
    assert f"https://status.example.org/applications/{number}" in mail.get_content()
    assert mail["Message-ID"].startswith(f"<{row['id']}@")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert isinstance(fact, NotificationSent)
    assert (fact.template, fact.language, fact.attempt, fact.repeated) == ("submitted", "en", 1, False)
    assert stage.intake.asked == [f"/applications/{number}/contact"]
    assert stage.intake.authorization == "Bearer the-token-of-notify"


async def test_mails_of_one_application_go_out_in_the_order_of_its_events_also_when_the_first_must_wait(
    stage: Stage,
) -> None:
    number = new_number()
    stage.post.recipient_answers.extend(["450 4.2.0 greylisted", "450 4.2.0 greylisted"])
    async with notify(stage, first_delay_s=0.2):
        await stage.happens(number, SUBMITTED, VERIFIED, APPROVED)
        await stage.settled(
            number,
            ("submitted", "sent", None),
            ("documents_verified", "sent", None),
            ("decided_approved", "sent", None),
        )
        first, second, third, *_ = await stage.outcomes(number, 5)
    assert [mail["Subject"].split(" – ")[0] for mail in stage.post.received] == [
        "Permohonan Anda sudah kami terima",
        "Dokumen Anda lengkap",
        "Permohonan Anda disetujui",
    ]
    assert isinstance(first, NotificationFailed)
    assert (first.attempt, first.final, first.reason.code) == (1, False, "mail_server_busy")
    assert isinstance(second, NotificationFailed)
    assert isinstance(third, NotificationSent)
    assert (third.attempt, third.repeated) == (3, False)


async def test_a_refused_recipient_is_final_and_what_comes_later_goes_on(stage: Stage) -> None:
    number = new_number()
    stage.post.recipient_answers.append("550 5.1.1 no such mailbox")
    async with notify(stage):
        await stage.happens(number, SUBMITTED, VERIFIED)
        await stage.settled(number, ("submitted", "failed", "recipient_refused"), ("documents_verified", "sent", None))
        failed, _ = await stage.outcomes(number, 2)
    assert isinstance(failed, NotificationFailed)
    assert failed.final


async def test_an_operator_has_a_failed_message_tried_again_and_nobody_else_may(stage: Stage) -> None:
    number = new_number()
    stage.post.answers.append("554 5.7.1 refused")
    async with notify(stage):
        await stage.happens(number, SUBMITTED)
        await stage.settled(number, ("submitted", "failed", "message_refused"))
        (row,) = (await stage.get("/deliveries?state=failed", role="auditor")).json()["deliveries"]
        retry = f"/deliveries/{row['id']}/retry"
        assert (await stage.post_to(retry, role="auditor")).status_code == 403
        answer = await stage.post_to(retry)
        assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
        await stage.settled(number, ("submitted", "sent", None))
        again = await stage.post_to(retry)
        assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")
        unknown = await stage.post_to("/deliveries/00000000-0000-0000-0000-000000000000/retry")
        assert unknown.status_code == 404
        _, sent = await stage.outcomes(number, 2)
    assert isinstance(sent, NotificationSent)
    assert (sent.attempt, sent.repeated) == (2, False)


async def test_after_the_last_attempt_a_message_has_finally_failed(stage: Stage) -> None:
    number = new_number()
    stage.post.answers.extend(["451 4.3.0 later"] * 9)
    async with notify(stage, attempts=2):
        await stage.happens(number, SUBMITTED)
        await stage.settled(number, ("submitted", "failed", "attempts_exhausted"))
        facts = await stage.outcomes(number, 2)
    assert [fact.final for fact in facts if isinstance(fact, NotificationFailed)] == [False, True]
    assert stage.post.received == []


async def test_a_mail_server_that_is_away_is_tried_again_until_it_is_back(stage: Stage) -> None:
    number = new_number()
    await stage.post.close()
    async with notify(stage):
        await stage.happens(number, SUBMITTED)
        await stage.settled(number, ("submitted", "waiting", "mail_server_unavailable"))
        await stage.post.open()
        await stage.settled(number, ("submitted", "sent", None))
    assert len(stage.post.received) == 1


async def test_a_server_that_took_the_message_and_fell_silent_gets_it_once_more_marked_and_counted(
    stage: Stage,
) -> None:
    number = new_number()
    stage.post.answers.append(None)
    async with notify(stage):
        await stage.happens(number, SUBMITTED)
        await stage.settled(number, ("submitted", "sent", None))
        unknown, sent = await stage.outcomes(number, 2)
        assert await stage.metric("notifications_repeated_total") == 1
    first, second = stage.post.received
    assert first["Message-ID"] == second["Message-ID"]
    assert isinstance(unknown, NotificationFailed)
    assert (unknown.reason.code, unknown.final) == ("mail_outcome_unknown", False)
    assert isinstance(sent, NotificationSent)
    assert sent.repeated


async def test_nobody_gets_a_message_three_times_however_often_the_server_falls_silent(stage: Stage) -> None:
    number = new_number()
    stage.post.silent = True
    async with notify(stage, smtp_timeout_s=0.3):
        await stage.happens(number, SUBMITTED)
        await stage.settled(number, ("submitted", "failed", "mail_outcome_unknown"))
    assert len(stage.post.received) == 2


async def test_while_intake_is_away_nothing_is_used_up(stage: Stage) -> None:
    number = new_number()
    stage.intake.status = 503
    async with notify(stage):
        await stage.happens(number, SUBMITTED)
        await until(lambda: _asked(stage, 2), lambda: stage.states(number))
        assert await stage.states(number) == [("submitted", "waiting", None)]
        stage.intake.status = 200
        await stage.settled(number, ("submitted", "sent", None))
        (sent,) = await stage.outcomes(number, 1)
    assert sent.attempt == 1


async def _asked(stage: Stage, times: int) -> bool:
    return len(stage.intake.asked) >= times


async def test_without_a_contact_or_an_address_the_message_is_skipped_for_good(stage: Stage) -> None:
    erased, by_phone, odd = new_number(), new_number(), new_number()
    async with notify(stage):
        stage.intake.status = 404
        await stage.happens(erased, SUBMITTED)
        await stage.settled(erased, ("submitted", "skipped", "no_contact"))
        stage.intake.status = 200
        stage.intake.contact["email"] = None
        await stage.happens(by_phone, SUBMITTED)
        await stage.settled(by_phone, ("submitted", "skipped", "no_email"))
        stage.intake.contact["email"] = "x@example.org\r\nRCPT TO:<y@example.org>"
        await stage.happens(odd, SUBMITTED)
        await stage.settled(odd, ("submitted", "failed", "recipient_refused"))
    assert stage.post.connections == 0


async def test_a_not_found_that_is_not_intakes_own_skips_nothing(stage: Stage) -> None:
    number = new_number()
    stage.intake.status, stage.intake.problem = 404, {"type": "about:blank", "status": 404}
    async with notify(stage):
        await stage.happens(number, SUBMITTED)
        await until(lambda: _asked(stage, 2), lambda: stage.states(number))
        assert await stage.states(number) == [("submitted", "waiting", None)]


async def test_history_of_an_older_system_is_told_to_nobody(stage: Stage) -> None:
    number = new_number()
    async with notify(stage):
        await stage.happens(number, SUBMITTED, APPROVED, at=dt.datetime(2011, 5, 2, tzinfo=dt.UTC))
        await stage.settled(number, ("submitted", "skipped", "too_old"), ("decided_approved", "skipped", "too_old"))
    assert stage.intake.asked == []


async def test_after_erasure_what_still_waits_is_not_sent(stage: Stage) -> None:
    number = new_number()
    stage.intake.status = 503
    erasure = PersonalDataErased(reason=Reason(code="erasure_requested"), legal_basis="UU 27/2022", by=OFFICER)
    async with notify(stage):
        await stage.happens(number, SUBMITTED)
        await stage.settled(number, ("submitted", "waiting", None))
        await stage.happens(number, erasure, APPROVED)
        await stage.settled(number, ("submitted", "skipped", "erased"), ("decided_approved", "skipped", "erased"))


async def test_a_billing_code_that_expired_while_the_message_waited_is_not_asked_to_be_paid(stage: Stage) -> None:
    number = new_number()
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    fee = FeeAssessed(billing_code="820220922465628", amount=650_000, expires_at=past, by=OFFICER)
    async with notify(stage):
        await stage.happens(number, fee)
        await stage.settled(number, ("fee_assessed", "skipped", "out_of_date"))


async def test_the_same_event_twice_is_one_message(stage: Stage) -> None:
    number, other = new_number(), new_number()
    async with notify(stage):
        await stage.happens(number, SUBMITTED)
        stage._sent -= 1
        await stage.happens(number, SUBMITTED)
        await stage.happens(other, SUBMITTED)
        await stage.settled(other, ("submitted", "sent", None))
        await stage.settled(number, ("submitted", "sent", None))
    assert len(stage.post.received) == 2


async def test_a_burst_goes_out_by_few_connections_and_each_message_once(stage: Stage) -> None:
    numbers = [new_number() for _ in range(150)]
    async with notify(stage):
        for number in numbers:
            await stage.happens(number, SUBMITTED)
        await until(lambda: _received(stage, 150), lambda: _count(stage))
        assert (await stage.get("/deliveries/counts")).json()["failed"] == 0
    assert max(Counter(mail["Message-ID"] for mail in stage.post.received).values()) == 1
    assert stage.post.connections <= 10


async def _received(stage: Stage, count: int) -> bool:
    return len(stage.post.received) >= count


async def _count(stage: Stage) -> int:
    return len(stage.post.received)


async def test_two_processes_share_the_work_and_send_nothing_twice(stage: Stage) -> None:
    numbers = [new_number() for _ in range(60)]
    async with notify(stage), notify(stage):
        for number in numbers:
            await stage.happens(number, SUBMITTED, WITHDRAWN)
        await until(lambda: _received(stage, 120), lambda: _count(stage))
    subjects = Counter(mail["Subject"] for mail in stage.post.received)
    assert len(subjects) == 120
    assert set(subjects.values()) == {1}


async def test_deliveries_are_listed_by_pages_without_personal_data(stage: Stage) -> None:
    numbers = [new_number() for _ in range(3)]
    async with notify(stage):
        for number in numbers:
            await stage.happens(number, SUBMITTED)
            await stage.settled(number, ("submitted", "sent", None))
        first = await stage.get("/deliveries?limit=2&state=sent")
        following = first.headers["link"].removeprefix("<").split(">")[0]
        second = await stage.get(following)
        listed = [row["number"] for row in first.json()["deliveries"] + second.json()["deliveries"]]
        unchanged = await stage.get("/deliveries?limit=2&state=sent", **{"If-None-Match": first.headers["etag"]})
        refused = await stage.get("/deliveries?number=LBG-1")
        unasked = await stage.get("/deliveries", role="officer")
    assert listed == numbers[::-1]
    assert "link" not in second.headers
    assert unchanged.status_code == 304
    assert (refused.status_code, unasked.status_code) == (400, 403)
    assert ADDRESS not in first.text
    assert NAME not in first.text


async def test_no_table_of_notify_holds_contact_data(stage: Stage) -> None:
    number = new_number()
    stage.post.recipient_answers.append("550 5.1.1 <pemohon@example.org> unknown")
    async with notify(stage):
        await stage.happens(number, SUBMITTED, VERIFIED)
        await stage.settled(number, ("submitted", "failed", "recipient_refused"), ("documents_verified", "sent", None))
    tables = await stage.reader.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'notify'")
    for (table,) in tables:
        dump = str(await stage.reader.fetch(f"SELECT t::text, encode(t::text::bytea, 'escape') FROM notify.{table} t"))
        for secret in (ADDRESS, NAME, ADDRESS.encode().hex(), NAME.encode().hex()):
            assert secret not in dump


@asynccontextmanager
async def process(stage: Stage, **more: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """Notify as a process of its own."""
    environment = {f"JEJAK_{name.upper()}": value for name, value in stage.environment(**more).items()}
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.notify.main",
        env=os.environ | environment,
        cwd=Path(__file__).parents[2],
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.send_signal(signal.SIGTERM)
        await started.wait()


async def test_killed_between_the_servers_acceptance_and_noting_it_sends_at_most_one_repeat_and_says_so(
    stage: Stage,
) -> None:
    number = new_number()
    async with process(stage) as victim:

        async def kill() -> None:
            stage.post.before_answer = None
            victim.kill()
            await victim.wait()

        stage.post.before_answer = kill
        await stage.happens(number, SUBMITTED)
        await victim.wait()
    assert len(stage.post.received) == 1
    async with notify(stage):
        await stage.settled(number, ("submitted", "sent", None))
        lost, sent = await stage.outcomes(number, 2)
        assert await stage.metric("notifications_repeated_total") == 1
    assert len(stage.post.received) == 2
    assert isinstance(lost, NotificationFailed)
    assert lost.reason.code == "mail_outcome_unknown"
    assert isinstance(sent, NotificationSent)
    assert (sent.attempt, sent.repeated) == (2, True)


async def test_an_outcome_that_reached_the_timeline_but_not_the_table_is_not_sent_again(stage: Stage) -> None:
    number = new_number()
    async with notify(stage):
        await stage.happens(number, SUBMITTED)
        await stage.settled(number, ("submitted", "sent", None))
    await stage.reader.execute(
        "UPDATE notify.deliveries SET state = 'waiting', attempts = 0, in_flight = true, closed_at = NULL,"
        " lease = gen_random_uuid(), leased_until = now()"
    )
    async with notify(stage):
        await stage.settled(number, ("submitted", "sent", None))
        assert await stage.metric("notifications_repeated_total") == 0
    assert len(stage.post.received) == 1


async def test_a_graceful_stop_lets_the_message_at_hand_be_finished(stage: Stage) -> None:
    number = new_number()
    reached = asyncio.Event()

    async def slow() -> None:
        reached.set()
        await asyncio.sleep(0.5)

    stage.post.before_answer = slow
    async with notify(stage):
        await stage.happens(number, SUBMITTED)
        await reached.wait()
    assert await stage.states(number) == [("submitted", "sent", None)]
    assert len(stage.post.received) == 1
