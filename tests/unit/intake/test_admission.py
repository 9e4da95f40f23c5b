import datetime as dt
import secrets
from typing import Any

import msgspec
import pytest

from contracts.cloudevents import CloudEvent, TooLarge, parse_structured
from contracts.envelope import MalformedEvent, decode_event
from contracts.number import RANDOM_BYTES, format_number
from services.intake.admission import (
    EventRefused,
    EventTooLarge,
    FromTheFuture,
    HeldEvent,
    Malformed,
    MalformedSubject,
    SourceNotAllowed,
    TypeNotAllowed,
    TypeUnknown,
    examine,
    hold,
    refusal_of,
    stream_of,
)
from services.intake.admitting import Batch
from services.intake.publishers import Publisher

NOW = dt.datetime(2026, 3, 2, 5, 0, tzinfo=dt.UTC)
NUMBER = format_number("LBG", bytes(range(RANDOM_BYTES)))
SALT = "A" * 43
TREASURY = Publisher(name="treasury", sources=["//treasury.example/payments"], types=["fee_paid"], client="t")
AGENCY = Publisher(name="agency", sources=["//agency.example/"], types=["*"], client="a")
PAYMENT = {"billing_code": "8" * 15, "amount": 350000, "by": {"role": "treasury"}}


def received(publisher: Publisher = TREASURY, **changes: Any) -> CloudEvent:
    attributes = {
        "specversion": "1.0",
        "id": "e1",
        "source": publisher.sources[0],
        "type": "id.jejak.application.fee_paid.v1",
        "subject": NUMBER,
        "time": "2026-03-02T04:00:00Z",
        "data": PAYMENT,
    }
    merged = {name: value for name, value in {**attributes, **changes}.items() if value is not None}
    return parse_structured(msgspec.json.encode(merged))


def refused(publisher: Publisher = TREASURY, **changes: Any) -> EventRefused:
    with pytest.raises(EventRefused) as refusal:
        examine(publisher, received(publisher, **changes), NOW)
    return refusal.value


def test_an_event_of_a_known_publisher_is_let_in() -> None:
    assert examine(TREASURY, received(), NOW).subject == NUMBER


def test_a_source_that_is_not_the_publishers_is_refused_with_those_that_are() -> None:
    refusal = refused(source="//lebong.example/processing")
    assert isinstance(refusal, SourceNotAllowed)
    assert refusal.parameters["allowed"] == ["//treasury.example/payments"]


def test_an_exact_source_is_no_prefix() -> None:
    assert isinstance(refused(source="//treasury.example/payments/other"), SourceNotAllowed)


def test_a_source_that_ends_in_a_slash_allows_what_is_below_it() -> None:
    examine(AGENCY, received(AGENCY, source="//agency.example/permits/7"), NOW)


def test_nobody_else_may_speak_for_our_own_services() -> None:
    ours = "//agency.example/processing"
    with pytest.raises(SourceNotAllowed):
        examine(AGENCY, received(AGENCY, source=ours), NOW, {ours})


def test_a_type_that_the_publisher_may_not_send_is_refused() -> None:
    data = {"outcome": "approved", "by": {"role": "agency"}}
    assert isinstance(refused(type="id.jejak.application.decided.v1", data=data), TypeNotAllowed)


def test_a_type_that_nobody_knows_is_refused() -> None:
    assert isinstance(
        refused(AGENCY, type="id.jejak.application.vanished.v1", source="//agency.example/x"), TypeUnknown
    )


def test_data_that_does_not_fit_its_type_is_refused_naming_the_place() -> None:
    refusal = refused(data={**PAYMENT, "billing_code": "12"})
    assert isinstance(refusal, Malformed)
    assert "billing_code" in refusal.parameters["reason"]


def test_an_event_more_than_five_minutes_ahead_is_from_the_future() -> None:
    refusal = refused(time="2026-03-02T05:05:01Z")
    assert isinstance(refusal, FromTheFuture)
    assert refusal.parameters["ahead_s"] == 301


def test_a_clock_five_minutes_fast_is_forgiven() -> None:
    examine(TREASURY, received(time="2026-03-02T05:05:00Z"), NOW)


def test_an_event_of_years_ago_is_let_in() -> None:
    examine(TREASURY, received(time="2009-01-05T00:00:00Z"), NOW)


def test_a_subject_that_is_no_tracking_number_is_refused() -> None:
    assert isinstance(refused(subject="LBG-1"), MalformedSubject)


def test_a_subject_is_put_into_its_canonical_form() -> None:
    assert examine(TREASURY, received(subject=NUMBER.lower().replace("-", "")), NOW).subject == NUMBER


def test_a_payment_may_come_without_subject() -> None:
    assert examine(TREASURY, received(subject=None), NOW).subject is None


def test_no_other_event_may_come_without_subject() -> None:
    data = {"outcome": "approved", "by": {"role": "agency"}}
    changes = {"source": "//agency.example/x", "type": "id.jejak.application.decided.v1", "data": data}
    assert isinstance(refused(AGENCY, subject=None, **changes), MalformedSubject)


def test_what_could_not_be_read_is_refused_in_its_place() -> None:
    with pytest.raises(Malformed):
        examine(TREASURY, MalformedEvent("no JSON"), NOW)
    assert isinstance(refusal_of(TooLarge("too large")), EventTooLarge)


def test_what_goes_on_the_log_has_only_what_the_contracts_name() -> None:
    event = received(applicantname="Pemohon Contoh", data={**PAYMENT, "payer": "Pemohon Contoh"})
    encoded = examine(TREASURY, event, NOW).encoded(NUMBER, SALT)
    assert b"Pemohon" not in encoded


def test_a_missing_salt_is_added_and_a_given_one_kept() -> None:
    assert decode_event(examine(TREASURY, received(), NOW).encoded(NUMBER, SALT)).salt == SALT
    own = "B" * 42 + "A"
    assert decode_event(examine(TREASURY, received(salt=own), NOW).encoded(NUMBER, SALT)).salt == own


def test_the_stream_of_an_event_tells_source_and_id_apart() -> None:
    assert stream_of("ab", "c") != stream_of("a", "bc")


@pytest.mark.parametrize("changes", [{}, {"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"}, {"subject": None}])
def test_the_same_event_sent_again_is_recognised(changes: dict[str, Any]) -> None:
    state = examine(TREASURY, received(), NOW).encoded(NUMBER, SALT)
    assert examine(TREASURY, received(**changes), NOW).says_the_same_as(state)


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {**PAYMENT, "amount": 1}},
        {"time": "2026-03-02T04:00:01Z"},
        {"subject": format_number("LBG", secrets.token_bytes(RANDOM_BYTES))},
    ],
)
def test_another_event_under_the_same_id_is_told_apart(changes: dict[str, Any]) -> None:
    state = examine(TREASURY, received(), NOW).encoded(NUMBER, SALT)
    assert not examine(TREASURY, received(**changes), NOW).says_the_same_as(state)


def test_a_held_payment_is_admitted_later_with_all_it_said() -> None:
    candidate = examine(TREASURY, received(subject=None), NOW)
    held = msgspec.json.decode(msgspec.json.encode(hold(candidate, SALT)), type=HeldEvent)
    event = decode_event(held.admitted(NUMBER))
    assert (event.id, event.source, event.subject, event.salt) == ("e1", TREASURY.sources[0], NUMBER, SALT)
    assert candidate.says_the_same_as(held.admitted(NUMBER))


def settle(*events: CloudEvent, **known: Any) -> list[str]:
    batch = Batch(known.get("admitted", {}), known.get("held", {}), known.get("numbers", {}))
    candidates = {index: examine(TREASURY, event, NOW) for index, event in enumerate(events)}
    outcomes = batch.settle(candidates)
    assert sum(len(append.events) for append in batch.appends) == [one.status for one in outcomes.values()].count(
        "accepted"
    )
    return [outcome.status for outcome in outcomes.values()]


def test_the_same_event_twice_in_one_batch_is_let_in_once() -> None:
    assert settle(received(), received()) == ["accepted", "duplicate"]


def test_two_events_of_one_id_in_one_batch_are_not_both_let_in() -> None:
    assert settle(received(), received(data={**PAYMENT, "amount": 1})) == ["accepted", "refused"]


def test_a_payment_is_held_until_its_billing_code_is_known() -> None:
    assert settle(received(subject=None)) == ["held"]
    assert settle(received(subject=None), numbers={"8" * 15: NUMBER}) == ["accepted"]


def test_a_held_payment_sent_again_is_a_duplicate_and_changed_it_is_refused() -> None:
    candidate = examine(TREASURY, received(subject=None), NOW)
    held = {candidate.stream: hold(candidate, SALT)}
    again, changed = received(subject=None), received(subject=None, data={**PAYMENT, "amount": 1})
    assert settle(again, changed, held=held) == ["duplicate", "refused"]


def test_one_refused_event_loses_no_other() -> None:
    late = received(id="e2", time="2026-03-02T04:59:00Z")
    assert settle(received(), received(data={**PAYMENT, "amount": 1}), late) == ["accepted", "refused", "accepted"]
