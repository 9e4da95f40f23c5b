"""What other systems send: every CloudEvents mode is read the same, and each refusal names its place."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.cloudevents import (
    CloudEvent,
    TooLarge,
    UnsupportedMode,
    encode_admitted,
    parse_batch,
    parse_http,
    parse_kafka,
    parse_structured,
    read_fact,
)
from contracts.envelope import MAX_EVENT_BYTES, MalformedEvent, UnknownType, decode_event, decode_fact
from contracts.ingress import ingress_topic, refused_topic

NUMBER = "LBG-0000-0000-0000-0000-0"
DATA = {"billing_code": "820261104000017", "amount": 350000, "by": {"role": "treasury"}}
ATTRIBUTES: dict[str, Any] = {
    "specversion": "1.0",
    "id": "ä/1",
    "source": "//treasury.example/simponi",
    "type": "id.jejak.application.fee_paid.v1",
    "subject": NUMBER,
    "time": "2026-11-05T04:30:00Z",
    "partner": "bank 7",
}
STRUCTURED = [("Content-Type", "application/cloudevents+json; charset=UTF-8")]
BATCH = [("content-type", "application/cloudevents-batch+json")]
BINARY = [
    ("Content-Type", "application/json"),
    ("CE-SpecVersion", "1.0"),
    ("ce-id", "%C3%A4/1"),
    ("ce-source", "//treasury.example/simponi"),
    ("ce-type", "id.jejak.application.fee_paid.v1"),
    ("ce-subject", NUMBER),
    ("ce-time", "2026-11-05T04:30:00Z"),
    ("ce-partner", '"bank%207"'),
    ("accept", "*/*"),
]


def body(**changes: Any) -> bytes:
    return json.dumps({**ATTRIBUTES, "data": DATA, **changes}).encode()


def the_event(parsed: list[CloudEvent | MalformedEvent]) -> CloudEvent:
    (event,) = parsed
    assert isinstance(event, CloudEvent)
    return event


def without_content_type(event: CloudEvent) -> CloudEvent:
    kept = {name: value for name, value in event.attributes.items() if name != "datacontenttype"}
    return CloudEvent(kept, event.data)


def test_every_mode_is_read_as_the_same_event() -> None:
    structured = the_event(parse_http(STRUCTURED, body()))
    kafka_headers = [(f"ce_{name}", str(value).encode()) for name, value in ATTRIBUTES.items()]
    data = json.dumps(DATA).encode()

    assert structured == CloudEvent(ATTRIBUTES, DATA)
    assert the_event(parse_http(BATCH, b"[" + body() + b"]")) == structured
    assert without_content_type(the_event(parse_http(BINARY, data))) == structured
    assert parse_kafka([], body()) == structured
    assert parse_kafka([("content-type", b"application/cloudevents+json"), ("x", b"\xff")], body()) == structured
    assert parse_kafka(kafka_headers, data) == structured
    assert (
        without_content_type(parse_kafka([*kafka_headers, ("content-type", b"application/json")], data)) == structured
    )


def test_data_in_base64_is_the_json_that_it_holds() -> None:
    packed = base64.b64encode(json.dumps(DATA).encode()).decode()
    assert parse_structured(json.dumps({**ATTRIBUTES, "data_base64": packed}).encode()).data == DATA


def test_an_admitted_event_has_every_attribute_a_salt_and_nothing_but_the_fact() -> None:
    event = parse_structured(
        body(data=DATA | {"payer": "Siti Contoh"}, time="2026-11-05T11:30:00+07:00", rank=7, ok=True)
    )

    admitted = encode_admitted(event, fact=read_fact(event), subject=NUMBER, salt="S" * 43)

    assert json.loads(admitted) == {
        **ATTRIBUTES, "rank": 7, "ok": True, "datacontenttype": "application/json", "salt": "S" * 43, "data": DATA
    }  # fmt: skip
    assert decode_fact(decode_event(admitted)) == read_fact(event)


def test_the_salt_of_the_publisher_stays() -> None:
    event = parse_structured(body(salt="A" * 43))
    admitted = encode_admitted(event, fact=read_fact(event), subject=NUMBER, salt="S" * 43)
    assert json.loads(admitted)["salt"] == "A" * 43


def test_an_event_may_come_without_subject_and_gets_it_on_admission() -> None:
    event = parse_structured(body(subject=None))
    assert event.subject is None
    admitted = encode_admitted(event, fact=read_fact(event), subject=NUMBER, salt="S" * 43)
    assert decode_event(admitted).subject == NUMBER


def test_in_a_batch_a_malformed_event_stands_in_its_place_and_the_others_are_read() -> None:
    batch = b"[" + b",".join([body(id="1"), body(id=""), b"7", body(id="4", type="id.example.other")]) + b"]"

    first, second, third, fourth = parse_batch(batch)

    assert isinstance(first, CloudEvent)
    assert isinstance(second, MalformedEvent)
    assert "`$.id`" in str(second)
    assert "event 1 of the batch" in str(second)
    assert isinstance(third, MalformedEvent)
    assert isinstance(fourth, CloudEvent)
    with pytest.raises(UnknownType):
        read_fact(fourth)


def test_an_empty_batch_is_no_error() -> None:
    assert parse_http(BATCH, b"[]") == []


def test_a_batch_has_a_largest_size() -> None:
    with pytest.raises(TooLarge, match="at most 2 events"):
        parse_http(BATCH, b"[{},{},{}]", max_events=2)


@pytest.mark.parametrize("headers", [STRUCTURED, BINARY])
def test_an_event_has_a_largest_size(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(TooLarge):
        parse_http(headers, b" " * (MAX_EVENT_BYTES + 1))


def test_an_event_that_is_too_large_only_inside_a_batch_is_noticed_on_admission() -> None:
    extras = {f"x{n}": "y" * 1000 for n in range(70)}
    event = the_event(parse_batch(b"[" + body(**extras) + b"]"))
    with pytest.raises(TooLarge):
        encode_admitted(event, fact=read_fact(event), subject=NUMBER, salt="S" * 43)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"specversion": "0.3"}, r"\$\.specversion"),
        ({"specversion": None}, r"\$\.specversion"),
        ({"id": None}, r"missing - at `\$\.id"),
        ({"id": ""}, r"1 to 200 characters - at `\$\.id"),
        ({"id": "x" * 201}, r"\$\.id"),
        ({"id": 5}, r"\$\.id"),
        ({"id": "a\u0000"}, r"\$\.id"),
        ({"id": "a\ufffe"}, r"\$\.id"),
        ({"source": ""}, r"\$\.source"),
        ({"source": "//" + "x" * 200}, r"\$\.source"),
        ({"source": "not a uri"}, r"URI-reference - at `\$\.source"),
        ({"source": "//a/%zz"}, r"\$\.source"),
        ({"source": "1a:b"}, r"\$\.source"),
        ({"source": "//a/[b]"}, r"\$\.source"),
        ({"source": "//a\\b"}, r"\$\.source"),
        ({"source": "/ä"}, r"\$\.source"),
        ({"type": ""}, r"\$\.type"),
        ({"time": None}, r"missing - at `\$\.time"),
        ({"time": "yesterday"}, r"RFC 3339 has it - at `\$\.time"),
        ({"time": "2026-11-05T04:30:00"}, r"UTC offset - at `\$\.time"),
        ({"time": "9999-12-31T23:59:59-12:00"}, r"\$\.time"),
        ({"datacontenttype": "application/xml"}, r"not JSON - at `\$\.datacontenttype"),
        ({"salt": "short"}, r"\$\.salt"),
        ({"traceparent": 7}, r"\$\.traceparent"),
        ({"tracestate": "x" * 513}, r"\$\.tracestate"),
        ({"Partner": "x"}, "lower-case letters"),
        ({"my_ext": "x"}, "lower-case letters"),
        ({"a" * 65: "x"}, "lower-case letters"),
        ({"äb": "x"}, "lower-case letters"),
        ({"": "x"}, "lower-case letters"),
        ({"partner": 1.5}, r"an integer - at `\$\.partner"),
        ({"partner": 2**31}, r"32 bits - at `\$\.partner"),
        ({"partner": {"a": 1}}, r"\$\.partner"),
        ({"partner": "a\nb"}, r"\$\.partner"),
        ({"data_base64": "e30="}, "both `data` and `data_base64`"),
    ],
)
def test_a_rule_that_is_broken_is_named_with_its_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(MalformedEvent, match=message):
        parse_structured(body(**changes))


@pytest.mark.parametrize(
    "source",
    [
        "//treasury.example",
        "https://a.example/b?c=d#e",
        "urn:a:b",
        "/relative",
        "a/b",
        "?q",
        "#f",
        "//[::1]:80/x",
        "mailto:a@b",
        "//a/%C3%A4",
    ],
)
def test_any_uri_reference_may_be_a_source(source: str) -> None:
    assert parse_structured(body(source=source)).source == source


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "malformed"),
        (b"[]", "JSON object"),
        (b"\xff", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "malformed"),
        (body().replace(b'"specversion"', b'"id": "2", "specversion"'), "same name twice"),
        (body(data={"a": 1}).replace(b'"a": 1', b'"a": 1, "a": 2'), "same name twice"),
        (body(data=0).replace(b'"data": 0', b'"data": NaN'), "no JSON"),
        (body(data=0).replace(b'"data": 0', b'"data": -Infinity'), "no JSON"),
        (body(data=0).replace(b'"data": 0', b'"data": 1e999'), "too large"),
        (body(data=2**53), "2\\^53"),
        (body(data=0).replace(b'"data": 0', b'"data": ' + b"9" * 60_000), "2\\^53"),
        (body(data="\ud800"), "surrogate"),
        (body(data={"\udc00": 1}), "surrogate"),
        (body(data=0).replace(b'"data": 0', b'"data": ' + b"[" * 30_000 + b"]" * 30_000), "nested"),
        (body(data=0).replace(b'"data": 0', b'"data": ' + b"[" * 33 + b"]" * 33), "nested"),
        (json.dumps(ATTRIBUTES).encode(), r"\$\.data"),
        (json.dumps({**ATTRIBUTES, "data_base64": "%"}).encode(), r"\$\.data_base64"),
        (json.dumps({**ATTRIBUTES, "data_base64": 7}).encode(), r"\$\.data_base64"),
        (json.dumps({**ATTRIBUTES, "data_base64": "/w=="}).encode(), "not UTF-8"),
    ],
)
def test_json_that_readers_would_understand_differently_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(MalformedEvent, match=message):
        parse_structured(raw)


@pytest.mark.parametrize(
    ("headers", "error", "message"),
    [
        ([], UnsupportedMode, "application/cloudevents"),
        ([("content-type", "application/json")], UnsupportedMode, "binary mode"),
        ([("content-type", "application/cloudevents+avro"), *BINARY[1:]], UnsupportedMode, "mode of ours"),
        ([("content-type", "application/cloudevents+json; charset=latin-1")], UnsupportedMode, "UTF-8"),
        ([*BINARY, ("ce-id", "2")], MalformedEvent, r"twice - at `\$\.id"),
        ([*BINARY, ("ce-data", "2")], MalformedEvent, r"binary mode.* - at `\$\.data"),
        ([*BINARY, ("ce-datacontenttype", "text/xml")], MalformedEvent, r"\$\.datacontenttype"),
        ([*BINARY, ("ce-my_ext", "2")], MalformedEvent, "lower-case letters"),
        ([*BINARY, ("ce-x", "100%")], MalformedEvent, "header `ce-x`"),
        ([*BINARY, ("ce-x", "%FF")], MalformedEvent, "header `ce-x`"),
        ([*BINARY, ("ce-x", "%00")], MalformedEvent, r"\$\.x"),
        ([("content-type", "text/plain"), *BINARY[1:]], MalformedEvent, r"\$\.datacontenttype"),
    ],
)
def test_a_request_in_no_mode_or_with_wrong_headers_is_refused(
    headers: list[tuple[str, str]], error: type[MalformedEvent], message: str
) -> None:
    with pytest.raises(error, match=message):
        parse_http(headers, json.dumps(DATA).encode())


@pytest.mark.parametrize(
    ("headers", "value", "message"),
    [
        ([], None, "without a value"),
        ([("content-type", b"application/cloudevents-batch+json")], b"[]", "mode of ours"),
        ([("content-type", b"application/json")], body(), "mode of ours"),
        ([("ce_specversion", b"\xff")], b"{}", "header `ce_specversion`"),
        ([("ce_id", b"1")], b"{}", "mode of ours"),
    ],
)
def test_a_record_that_is_no_event_is_refused(
    headers: list[tuple[str, bytes]], value: bytes | None, message: str
) -> None:
    with pytest.raises(MalformedEvent, match=message):
        parse_kafka(headers, value)


def test_a_refusal_does_not_repeat_the_content() -> None:
    for raw in (body(id="Siti Contoh\u0001"), body(time="Siti Contoh"), body(source="Siti Contoh"), b'{"Siti Contoh'):
        with pytest.raises(MalformedEvent) as refusal:
            parse_structured(raw)
        assert "Siti" not in str(refusal.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from([*ATTRIBUTES, "data", "salt", "datacontenttype", "x"]), json_values))
def test_any_json_is_an_event_that_can_be_admitted_or_it_is_malformed(changes: dict[str, Any]) -> None:
    try:
        event = parse_structured(body(**changes))
        admitted = encode_admitted(event, fact=read_fact(event), subject=event.subject or NUMBER, salt="S" * 43)
    except MalformedEvent:
        return
    assert decode_fact(decode_event(admitted)) == read_fact(event)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([name for name, _ in BINARY]), st.text(max_size=20))), st.binary(max_size=50))
def test_any_headers_and_body_are_events_or_malformed(headers: list[tuple[str, str]], raw: bytes) -> None:
    try:
        parse_http(headers, raw)
    except MalformedEvent:
        return


def test_the_ingress_topics_are_named_by_the_system() -> None:
    assert ingress_topic("treasury") == "ingress.treasury.v1"
    assert refused_topic("treasury") == "ingress.treasury.refused.v1"


@pytest.mark.parametrize("system", ["", "Treasury", "a.b", "a" * 33, "7a", "a\n"])
def test_what_is_no_name_of_a_system_has_no_topic(system: str) -> None:
    with pytest.raises(ValueError, match="system's name"):
        ingress_topic(system)
