"""What is read of a record, and what cannot be."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import MalformedEvent, UnknownType, decode_event
from contracts.number import InvalidNumber, format_number, parse_number
from services.status.folding.fold import PartitionFold
from services.status.folding.partitions import is_canonical, murmur2, partition_of
from services.status.folding.reading import FACT_TYPES, in_us, read
from tests.unit.status.story import MONDAY, NUMBER, PROCEDURES, as_event, paid, submitted, whole_way

EVENT = as_event(submitted(), MONDAY, id="1")


def test_every_fact_of_the_contracts_can_be_read() -> None:
    for fact in whole_way():
        event = as_event(fact, MONDAY, id="1")
        found, kind, _ = read(event)
        known = decode_event(event)
        assert (found.source, found.id, found.subject) == (known.source, known.id, known.subject)
        assert datetime.fromtimestamp(in_us(found.time) / 1e6, UTC) == known.time
        assert bytes(found.data) == bytes(known.data)
        assert kind.name == known.type.split(".")[-2]
    assert len(FACT_TYPES) == 20


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\x00\xffgarbage",
        b"[]",
        b"{}",
        EVENT[:-20],
        EVENT.replace(b'"specversion":"1.0"', b'"specversion":"0.3"'),
        EVENT.replace(b"Z", b""),
        EVENT.replace(b'"id":"1"', b'"id":""'),
        EVENT.replace(b'"id":"1"', b'"id":"\\u0000"'),
        EVENT.replace(b'"service":', b'"dienst":'),
        EVENT.replace(b'"internet"', b'"\xff"'),
        as_event(paid(), MONDAY, id="1").replace(b"650000", b'"650000"'),
        b"[" * 100_000,
    ],
)
def test_what_is_no_event_is_malformed(value: bytes | None) -> None:
    with pytest.raises(MalformedEvent) as raised:
        read(value)
    assert "garbage" not in str(raised.value)


def test_an_event_of_unknown_type_is_told_apart() -> None:
    with pytest.raises(UnknownType):
        read(EVENT.replace(b"application.submitted.v1", b"application.teleported.v1"))


def _refused(*records: tuple[bytes | None, bytes], partition: int | None = None) -> list[bool]:
    """For each (key, value) record whether it is refused, by a fold of the partition of `NUMBER`."""
    refused: set[int] = set()
    fold = PartitionFold(partition_of(NUMBER, 12) if partition is None else partition, 12, PROCEDURES)
    rows = fold.take([(at, 0, *record) for at, record in enumerate(records)], lambda offset, _: refused.add(offset))
    assert len(rows) == len(records) - len(refused)
    return [at in refused for at in range(len(records))]


def test_a_record_whose_key_is_not_the_subject_cannot_be_read() -> None:
    own = NUMBER.encode()
    payment = as_event(paid(), MONDAY, id="2")
    assert _refused((None, EVENT), (b"", EVENT), (b"other", EVENT), (own, EVENT), (b"other", payment), (own, payment)) == [
        True, True, True, False, True, False,
    ]  # fmt: skip


def test_a_broker_without_a_clock_records_an_event_at_its_own_time() -> None:
    recorded = []
    for timestamp_ms in (1_234, 1_772_420_400_000):
        fold = PartitionFold(partition_of(NUMBER, 12), 12, PROCEDURES)
        fold.take([(0, timestamp_ms, NUMBER.encode(), EVENT)], lambda *_: None)
        recorded.append(fold.tracks[NUMBER].progress.last_recorded)
    assert recorded == [in_us(MONDAY), 1_772_420_400_000_000]


def test_a_source_with_control_characters_cannot_be_read() -> None:
    own = NUMBER.encode()
    assert _refused((own, EVENT.replace(b"//lebong", b"//lebong\\u0000"))) == [True]


def test_a_record_in_the_wrong_partition_cannot_be_read() -> None:
    elsewhere = (partition_of(NUMBER, 12) + 1) % 12
    assert _refused((NUMBER.encode(), EVENT), partition=elsewhere) == [True]


def test_a_subject_that_is_no_tracking_number_cannot_be_read() -> None:
    for subject in (NUMBER.lower(), NUMBER.replace("-", ""), NUMBER[:-1] + "!", "x"):
        record = (subject.encode(), as_event(submitted(), MONDAY, id="1", number=subject))
        assert _refused(record, partition=partition_of(subject, 12)) == [True]


def test_an_unreadable_record_does_not_hinder_those_after_it() -> None:
    own = NUMBER.encode()
    assert _refused((own, b"{corrupt"), (own, EVENT), (own, EVENT[:-9])) == [True, False, True]


@given(st.binary(min_size=10, max_size=10))
def test_tracking_numbers_are_recognised(random: bytes) -> None:
    number = format_number("LBG", random)
    assert is_canonical(number)


@given(st.text(alphabet="0123456789ABCDEFGHJKMNPQRSTVWXYZ*~$=U-OIL", min_size=25, max_size=25), st.booleans())
def test_only_tracking_numbers_are_recognised(text: str, shaped: bool) -> None:
    candidate = f"LBG-{text[0:4]}-{text[5:9]}-{text[10:14]}-{text[15:19]}-{text[20]}" if shaped else text
    try:
        canonical = parse_number(candidate) == candidate
    except InvalidNumber:
        canonical = False
    assert is_canonical(candidate) == canonical


@given(st.binary(max_size=64))
def test_the_hash_is_the_one_of_kafkas_clients(data: bytes) -> None:
    from aiokafka.partitioner import murmur2 as of_aiokafka

    assert murmur2(data) == of_aiokafka(data) & 0xFFFFFFFF


def test_an_unknown_field_is_tolerated() -> None:
    event = msgspec.json.decode(EVENT)
    event["data"]["novelty"] = 1
    event["extension"] = "x"
    assert read(msgspec.json.encode(event))[1].name == "submitted"


def test_a_number_that_no_row_can_hold_cannot_be_read() -> None:
    payment = as_event(paid(amount=7), MONDAY, id="2")
    own = NUMBER.encode()
    assert _refused((own, EVENT), (own, payment.replace(b":7,", b":" + b"7" * 30 + b","))) == [False, True]
