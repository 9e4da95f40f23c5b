"""What arrives on the log becomes cases: batches, repetitions, what is not ours, what cannot be read."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import msgspec
import pytest

from contracts import catalogue
from contracts.envelope import MalformedEvent, decode_event, encode_event, new_salt
from contracts.facts import Actor, DocumentSupplied, Fact, FeeAssessed, FeePaid, Issued, Submitted
from contracts.number import format_number
from runtime.eventstore import Append, InMemoryEventStore
from runtime.records import Record
from services.processing.application import Dossier, dossier_of
from services.processing.handlers import CaseHandler, UnknownService
from services.processing.stamping import Stamp
from tests.unit.processing.story import APPLICANT, MONDAY, OFFICER, TREASURY, document

OURS = "//lebong.imigrasi.go.id/processing"
INTAKE = "//lebong.imigrasi.go.id/intake"
SALT = new_salt(bytes(32))
_ids = count()


def number(n: int) -> str:
    return format_number("LBG", n.to_bytes(10))


def record(
    fact: Fact, n: int = 1, *, source: str = INTAKE, id: str | None = None, at: datetime = MONDAY, **changes: Any
) -> Record:
    state = encode_event(fact, id=id or f"e{next(_ids)}", source=source, subject=number(n), time=at, salt=SALT)
    recorded = int((at + timedelta(minutes=5)).timestamp() * 1000)
    return Record("applications.v1", 0, next(_ids), recorded, number(n).encode(), state)._replace(**changes)


def submission(service: str = "passport_new", office: str = "lebong") -> Submitted:
    documents = [document(code) for code in ("identity_card", "family_card", "birth_record")]
    return Submitted(service=service, office=office, channel="internet", by=APPLICANT, documents=documents)


class Log:
    """Hands records to the handler and keeps what it appends."""

    def __init__(self) -> None:
        self.store = InMemoryEventStore()
        self.handler = CaseHandler(self.store, catalogue.load(), Stamp(OURS))

    async def deliver(self, *records: Record) -> int:
        appends = await self.handler(records)
        await self.store.append(*appends)
        return sum(len(append.events) for append in appends)

    async def case(self, n: int = 1) -> Dossier:
        return dossier_of(number(n), await self.store.load(number(n)))


async def test_a_submission_opens_a_case() -> None:
    log = Log()
    await log.deliver(record(submission()))
    case = (await log.case()).case
    assert (case.service, case.office, case.submitted_at) == ("passport_new", "lebong", MONDAY)
    assert len(case.documents) == 3


async def test_what_comes_from_the_log_is_never_published_again() -> None:
    log = Log()
    await log.deliver(record(submission()), record(DocumentSupplied(document=document("x"), by=APPLICANT)))
    types = [event.type for event in await log.store.load(number(1))]
    assert types == ["id.jejak.processing.case_opened.v1", "id.jejak.processing.document_received.v1"]


async def test_events_of_one_case_in_one_batch_are_folded_in_order_in_one_append() -> None:
    log = Log()
    supplied = record(DocumentSupplied(document=document("statement_letter"), by=APPLICANT))
    appends = await log.handler([record(submission()), supplied, record(submission(), 2)])
    assert [(append.stream, append.expected_version, len(append.events)) for append in appends] == [
        (number(1), 0, 2),
        (number(2), 0, 1),
    ]


async def test_a_repeated_record_changes_nothing_in_the_same_batch_or_later() -> None:
    log = Log()
    first = record(submission())
    assert await log.deliver(first, first) == 1
    assert await log.deliver(first) == 0


async def test_our_own_events_coming_back_are_passed_over() -> None:
    log = Log()
    assert await log.deliver(record(submission(), source=OURS)) == 0


async def test_facts_that_cases_do_not_listen_to_are_passed_over() -> None:
    log = Log()
    await log.deliver(record(submission()))
    assert await log.deliver(record(Issued(product="passport", by=OFFICER))) == 0


async def test_an_unknown_event_type_is_passed_over() -> None:
    raw = record(submission()).value
    assert raw is not None
    strange = raw.replace(b"id.jejak.application.submitted.v1", b"id.jejak.application.teleported.v9")
    assert await Log().deliver(record(submission(), value=strange)) == 0


async def test_an_application_that_another_system_handles_opens_no_case() -> None:
    services = catalogue.load().services
    external = next((code for code, service in services.items() if service.handled_by == "external"), None)
    store = InMemoryEventStore()
    known = catalogue.load()
    if external is None:
        external = "passport_new"
        changed = msgspec.structs.replace(known.services[external], handled_by="external")
        known = msgspec.structs.replace(known, services={**known.services, external: changed})
    handler = CaseHandler(store, known, Stamp(OURS))
    assert await handler([record(submission(external))]) == []


async def test_facts_of_an_application_without_a_case_are_passed_over() -> None:
    log = Log()
    paid = FeePaid(billing_code="8" * 15, amount=1, by=TREASURY)
    assert await log.deliver(record(DocumentSupplied(document=document("x"), by=APPLICANT)), record(paid)) == 0


@pytest.mark.parametrize("changes", [{"service": "teleportation"}, {"office": "atlantis"}])
async def test_a_submission_for_what_the_catalogue_does_not_have_cannot_be_handled(changes: dict[str, str]) -> None:
    with pytest.raises(UnknownService):
        await Log().deliver(record(submission(**changes)))


@pytest.mark.parametrize("value", [None, b"", b"\xff\xfe", b"{}", b'{"specversion":"1.0"}'])
async def test_a_record_that_is_no_event_cannot_be_handled(value: bytes | None) -> None:
    with pytest.raises(MalformedEvent):
        await Log().deliver(record(submission(), value=value))


async def test_an_event_whose_data_does_not_fit_its_type_cannot_be_handled() -> None:
    raw = record(submission()).value
    assert raw is not None
    with pytest.raises(MalformedEvent):
        await Log().deliver(record(submission(), value=raw.replace(b'"passport_new"', b"12")))


async def test_a_case_opens_only_under_a_tracking_number() -> None:
    raw = record(submission()).value
    assert raw is not None
    forged = raw.replace(number(1).encode(), b"billing:820260302000001")
    with pytest.raises(MalformedEvent):
        await Log().deliver(record(submission(), value=forged))


async def test_a_payment_from_the_log_keeps_its_own_time_and_when_it_was_reported() -> None:
    log = Log()
    await log.deliver(record(submission()))
    await log.store.append(Append(number(1), 1, [Stamp(OURS).event(_assessed(), number(1), MONDAY)]))
    paid_at = MONDAY + timedelta(days=1)
    paid = FeePaid(billing_code="820260302000001", amount=350_000, by=TREASURY)
    await log.deliver(record(paid, source="//treasury.example", at=paid_at))
    case = (await log.case()).case
    assert case.payment is not None
    assert case.times["fee_paid"] == (paid_at,)
    assert case.payment.reported_at == paid_at + timedelta(minutes=5)


async def test_a_broker_without_a_clock_does_not_report_a_payment_before_it_was_made() -> None:
    log = Log()
    await log.deliver(record(submission()))
    await log.store.append(Append(number(1), 1, [Stamp(OURS).event(_assessed(), number(1), MONDAY)]))
    paid = FeePaid(billing_code="820260302000001", amount=350_000, by=TREASURY)
    await log.deliver(record(paid, timestamp_ms=1234))
    payment = (await log.case()).case.payment
    assert payment is not None
    assert payment.reported_at == MONDAY


async def test_what_the_case_notes_of_an_event_continues_its_trace() -> None:
    log = Log()
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    state = encode_event(
        submission(), id="t", source=INTAKE, subject=number(1), time=MONDAY, salt=SALT, traceparent=parent
    )
    await log.deliver(record(submission(), value=state))
    (opened,) = await log.store.load(number(1))
    assert decode_event(opened.state).traceparent == parent


def _assessed() -> FeeAssessed:
    return FeeAssessed(
        billing_code="820260302000001",
        amount=350_000,
        expires_at=datetime(2026, 3, 9, tzinfo=UTC),
        by=Actor(role="officer", office="lebong"),
    )
