"""What comes from the event log: readable events are read alike by everyone, all else is a `MalformedEvent`."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope import (
    MalformedEvent,
    UnknownType,
    decode_event,
    decode_fact,
    decode_salt,
    encode_event,
    is_json,
    new_salt,
)
from contracts.facts import Actor, FeePaid, Resumed

NUMBER = "LBG-0000-0000-0000-0000-0"
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "//treasury.example",
    "type": "id.jejak.application.fee_paid.v1",
    "subject": NUMBER,
    "time": "2026-11-05T04:30:00Z",
    "data": {"billing_code": "820261104000017", "amount": 350000, "by": {"role": "treasury"}},
}


def event(**changes: Any) -> bytes:
    return json.dumps(EVENT | changes).encode()


def data(**changes: Any) -> bytes:
    return event(data=EVENT["data"] | changes)


def read(raw: bytes) -> object:
    return decode_fact(decode_event(raw))


def test_an_event_written_is_read_with_its_time_in_utc() -> None:
    fact = Resumed(by=Actor(role="officer"))
    at = datetime.fromisoformat("2026-11-05T11:30:00+07:00")
    raw = encode_event(
        fact, id="1", source="//a", subject=NUMBER, time=at, salt=new_salt(bytes(32)), traceparent="00-x"
    )

    decoded = decode_event(raw)

    assert decoded.time == at
    assert decoded.time.tzinfo is UTC
    assert decoded.traceparent == "00-x"
    assert decode_fact(decoded) == fact
    assert b'"time":"2026-11-05T04:30:00Z"' in raw


def test_a_time_with_another_offset_becomes_utc() -> None:
    assert decode_event(event(time="2026-11-05T11:30:00+07:00")).time.tzinfo is UTC


def test_unknown_attributes_and_unknown_fields_are_tolerated() -> None:
    raw = event(priority=1, data=EVENT["data"] | {"bank": {"code": ["x"]}, "by": {"role": "treasury", "floor": 3}})
    assert isinstance(read(raw), FeePaid)


@pytest.mark.parametrize("missing", ["specversion", "id", "source", "type", "subject", "time", "data"])
def test_a_missing_attribute_is_named(missing: str) -> None:
    with pytest.raises(MalformedEvent, match=f"`{missing}`"):
        decode_event(json.dumps({name: value for name, value in EVENT.items() if name != missing}).encode())


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "truncated"),
        (b"null", "Expected `object`"),
        (b"[]", "Expected `object`"),
        (b"\xef\xbb\xbf{}", "malformed"),
        (b"\x80\x05K\x01.", "not UTF-8"),
        (event() + b" x", "trailing characters"),
        (event().replace(b'"id": "1"', b'"id": "\xff"'), "not UTF-8"),
        (event(other="x").replace(b'"other": "x"', b'"other": "\xff"'), "not UTF-8"),
        (event(other="x").replace(b'"other": "x"', b'"other": NaN'), "malformed"),
        (event(id="\ud800"), "surrogate"),
        (event(other="x").replace(b'"other": "x"', b'"other": ' + b"[" * 50_000 + b"]" * 50_000), "nested too deeply"),
        (event(data=None).replace(b"null", b'{"a":' * 20_000 + b"1" + b"}" * 20_000), "nested too deeply"),
        (event(specversion="0.3"), r"\$\.specversion"),
        (event(specversion=1.0), r"\$\.specversion"),
        (event(id=""), r"\$\.id"),
        (event(id="x" * 201), r"\$\.id"),
        (event(id=7), r"\$\.id"),
        (event(id="a\u0000b"), r"\$\.id"),
        (event(source=""), r"\$\.source"),
        (event(source="//a\nb"), r"\$\.source"),
        (event(subject=None), r"\$\.subject"),
        (event(type="x\u0007"), r"\$\.type"),
        (event(time=1_700_000_000), r"\$\.time"),
        (event(time="2026-11-05"), r"\$\.time"),
        (event(time="2026-11-05T04:30:00"), r"no UTC offset - at `\$\.time"),
        (event(time="2026-13-05T04:30:00Z"), r"\$\.time"),
        (event(time="9999-12-31T23:59:59-12:00"), r"years 1 to 9999.* - at `\$\.time"),
        (event(time="0001-01-01T00:00:00+12:00"), r"years 1 to 9999.* - at `\$\.time"),
        (event(datacontenttype="text/xml"), r"\$\.datacontenttype"),
    ],
)
def test_what_is_no_event_is_malformed_and_the_place_is_named(raw: bytes, message: str) -> None:
    with pytest.raises(MalformedEvent, match=message):
        decode_event(raw)


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (event(data=None), r"\$\.data"),
        (event(data="text"), r"\$\.data"),
        (data(amount=-1), r"\$\.amount"),
        (data(amount="350000"), r"\$\.amount"),
        (data(amount=1.5), r"\$\.amount"),
        (data(amount=10**30), r"\$\.amount"),
        (data(amount=True), r"\$\.amount"),
        (data(billing_code="٨٢٠٢٦١١٠٤٠٠٠٠١٧"), r"\$\.billing_code"),
        (data(billing_code="820261104000017\n"), r"\$\.billing_code"),
        (data(currency="idr"), r"\$\.currency"),
        (data(by={"role": "treasury", "office": "lebong\n"}), r"\$\.by\.office"),
        (data(by={"role": "king"}), r"\$\.by\.role"),
        (data(by=[]), r"\$\.by"),
    ],
)
def test_data_that_does_not_fit_its_type_is_malformed_and_the_place_is_named(raw: bytes, place: str) -> None:
    with pytest.raises(MalformedEvent, match=place):
        read(raw)


@pytest.mark.parametrize(
    ("short_name", "fields"),
    [
        ("invited", {"examination": "interview", "at": "9999-12-31T23:59:59-12:00", "by": {"role": "system"}}),
        ("issued", {"product": "x", "collect_by": "0001-01-01T00:00:00+12:00", "by": {"role": "system"}}),
    ],
)
def test_an_instant_that_has_no_utc_form_is_malformed(short_name: str, fields: dict[str, Any]) -> None:
    with pytest.raises(MalformedEvent, match="years 1 to 9999"):
        read(event(type=f"id.jejak.application.{short_name}.v1", data=fields))


def test_a_control_character_in_words_is_malformed_because_no_database_column_holds_it() -> None:
    labels = {"id": "Cetak\u0000", "en": "Print"}
    fields = {"stage": "printing", "labels": labels, "by": {"role": "system"}}
    with pytest.raises(MalformedEvent, match=r"\$\.labels\.id"):
        read(event(type="id.jejak.application.stage_recorded.v1", data=fields))


def test_an_unknown_type_is_told_apart_from_a_malformed_event() -> None:
    with pytest.raises(UnknownType, match=r"\$\.type"):
        read(event(type="id.jejak.application.appealed.v1"))


def test_a_message_does_not_repeat_the_content() -> None:
    for raw in (data(by={"role": "Siti Contoh"}), event(id="Siti Contoh\u0001"), data(currency="Siti Contoh")):
        with pytest.raises(MalformedEvent) as refusal:
            read(raw)
        assert "Siti" not in str(refusal.value)


@settings(deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_an_event_or_malformed(raw: bytes) -> None:
    with pytest.raises(MalformedEvent):
        decode_event(raw)


@settings(deadline=None)
@given(st.integers(0, len(event()) - 1), st.binary(min_size=1, max_size=3))
def test_a_damaged_event_is_read_or_malformed_and_nothing_else(place: int, damage: bytes) -> None:
    raw = event()
    try:
        read(raw[:place] + damage + raw[place + len(damage) :])
    except MalformedEvent:
        return


@settings(deadline=None)
@given(st.binary(min_size=32, max_size=32))
def test_a_salt_is_read_as_its_32_bytes(random: bytes) -> None:
    assert decode_salt(new_salt(random)) == random


@pytest.mark.parametrize(
    "salt", ["", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "B", "A" * 42 + "+", "ä" * 43, "A" * 42 + "\n"]
)
def test_anything_else_is_no_salt(salt: str) -> None:
    with pytest.raises(MalformedEvent, match=r"\$\.salt"):
        decode_salt(salt)


def test_a_salt_is_made_of_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        new_salt(bytes(31))


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=utf-8", "application/x.y+json", "text/json"]
)
def test_json_media_types_are_recognised(media_type: str) -> None:
    assert is_json(media_type)


@pytest.mark.parametrize(
    "media_type", ["", "json", "application/xml", "application/jsonp", "application/json-seq", "a/b+jsonx"]
)
def test_other_media_types_are_not_json(media_type: str) -> None:
    assert not is_json(media_type)
