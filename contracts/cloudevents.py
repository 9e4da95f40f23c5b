"""CloudEvents as other systems send them: structured, binary and batch mode, over HTTP and Kafka.

Source: CloudEvents 1.0.2, its JSON event format, HTTP protocol binding and Kafka protocol binding; RFC 7493 (I-JSON).
Stricter than `contracts.envelope`, because what is let in here stays on the event log for ever: a name may not occur
twice, a number must be one that every reader reads alike, nesting is bounded.

Errors: every refusal is a `MalformedEvent` whose message names the place and never repeats the content.

    MalformedEvent
    ├── UnknownType       well-formed, but of a type that these contracts do not have
    ├── UnsupportedMode   the content type is none of the three modes, or an event format other than JSON
    └── TooLarge          more than `MAX_EVENT_BYTES`, or more than `MAX_BATCH_EVENTS` in one batch
"""

import base64
import re
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from contracts.attributes import MAX_NAME_LENGTH, Value, checked_attributes, place
from contracts.envelope import MAX_EVENT_BYTES, MalformedEvent, decode_data
from contracts.facts import Fact
from contracts.strictjson import NotStrictJSON, read_strict_json

MAX_BATCH_EVENTS: Final = 1000

_FIRST: Final = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype")
_encode: Final = msgspec.json.Encoder().encode
_quoted_pair: Final = re.compile(r"\\(.)")
_lone_percent: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


class UnsupportedMode(MalformedEvent):
    """The content type is none of CloudEvents' modes, or an event format other than JSON."""


class TooLarge(MalformedEvent):
    """The event or the batch is larger than the contract allows."""


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """One event as it came: all its attributes, also unknown extensions, checked but not interpreted, and its JSON data.

    `id`, `source`, `type` and `time` (in UTC) are always there; `subject` may be missing, where intake can find it out.
    """

    attributes: dict[str, Value]
    data: Any

    @property
    def id(self) -> str:
        return str(self.attributes["id"])

    @property
    def source(self) -> str:
        return str(self.attributes["source"])

    @property
    def type(self) -> str:
        return str(self.attributes["type"])

    @property
    def subject(self) -> str | None:
        subject = self.attributes.get("subject")
        return None if subject is None else str(subject)

    @property
    def time(self) -> datetime:
        return msgspec.convert(self.attributes["time"], datetime)


def parse_http(
    headers: Iterable[tuple[str, str]], body: bytes, *, max_events: int = MAX_BATCH_EVENTS
) -> list[CloudEvent | MalformedEvent]:
    """The events of one HTTP request, in order; in a batch, a malformed event stands in its place as the error itself.

    Raises `UnsupportedMode`, `TooLarge` (more than `max_events`), or `MalformedEvent` when the body as a whole, or the
    only event, cannot be read.
    """
    named = [(name.lower(), value) for name, value in headers]
    content_type = next((value for name, value in named if name == "content-type"), "")
    media_type = _media_type(content_type)
    if media_type == "application/cloudevents-batch+json":
        return parse_batch(body, max_events=max_events)
    if media_type == "application/cloudevents+json":
        return [parse_structured(body)]
    attributes = [(name[3:], _unescape(name, value)) for name, value in named if name.startswith("ce-")]
    return [_parse_binary(attributes, content_type, body, mode="binary mode with `ce-` headers")]


def parse_kafka(headers: Iterable[tuple[str, bytes]], value: bytes | None) -> CloudEvent:
    """The event of one Kafka record, in structured mode (also without a content type) or in binary mode.

    Kafka has no batch mode. Raises `MalformedEvent`.
    """
    if value is None:
        raise MalformedEvent("a record without a value is no event")
    named = [(name.lower(), _utf8(name, text)) for name, text in headers if _belongs_to_binding(name)]
    content_type = next((text for name, text in named if name == "content-type"), "")
    attributes = [(name[3:], text) for name, text in named if name.startswith("ce_")]
    media_type = _media_type(content_type)
    if media_type == "application/cloudevents+json" or not (attributes or media_type):
        return parse_structured(value)
    return _parse_binary(attributes, content_type, value, mode="binary mode with `ce_` headers")


def parse_structured(body: bytes) -> CloudEvent:
    """One event in structured JSON mode. Raises `MalformedEvent`."""
    if len(body) > MAX_EVENT_BYTES:
        raise TooLarge(f"an event has at most {MAX_EVENT_BYTES} bytes")
    return _from_json(_read(body))


def parse_batch(body: bytes, *, max_events: int = MAX_BATCH_EVENTS) -> list[CloudEvent | MalformedEvent]:
    """The events of a batch (a JSON array), in order, each on its own: a malformed one is in the list as its error."""
    items = _read(body)
    if not isinstance(items, list):
        raise MalformedEvent("a batch is a JSON array of events - at `$`")
    if len(items) > max_events:
        raise TooLarge(f"a batch has at most {max_events} events, not {len(items)}: send several")
    return [_each(index, item) for index, item in enumerate(items)]


def read_fact(event: CloudEvent) -> Fact:
    """The typed data of `event`. Raises `UnknownType`, or `MalformedEvent` naming the place in the data."""
    return decode_data(event.type, msgspec.json.encode(event.data))


def encode_admitted(event: CloudEvent, *, fact: Fact, subject: str, salt: str) -> bytes:
    """The bytes that go on the event log: structured JSON with every attribute of `event`, also unknown extensions.

    The data is that of `fact` (from `read_fact`) and nothing besides: fields that no contract knows could hold personal
    data, and the log can never forget. `salt` is used where the publisher set none. Raises `TooLarge`.
    """
    attributes = {"salt": salt, **event.attributes, "subject": subject, "datacontenttype": "application/json"}
    ordered: dict[str, Any] = {name: attributes.pop(name) for name in _FIRST}
    for name in sorted(attributes):
        ordered[name] = attributes[name]
    ordered["data"] = fact
    encoded = _encode(ordered)
    if len(encoded) > MAX_EVENT_BYTES:
        raise TooLarge(f"an event has at most {MAX_EVENT_BYTES} bytes")
    return encoded


def _each(index: int, item: Any) -> CloudEvent | MalformedEvent:
    try:
        return _from_json(item)
    except MalformedEvent as error:
        return type(error)(f"{error} (event {index} of the batch, counted from 0)")


def _from_json(item: Any) -> CloudEvent:
    if not isinstance(item, dict):
        raise MalformedEvent("an event is a JSON object - at `$`")
    if "data" in item and "data_base64" in item:
        raise MalformedEvent("both `data` and `data_base64` - at `$`")
    if "data_base64" in item:
        data = _read(_base64(item["data_base64"]))
    elif "data" in item:
        data = item["data"]
    else:
        raise MalformedEvent("the event has no data - at `$.data`")
    attributes = {
        name: value for name, value in item.items() if value is not None and name not in {"data", "data_base64"}
    }
    return CloudEvent(checked_attributes(attributes), data)


def _parse_binary(attributes: list[tuple[str, str]], content_type: str, body: bytes, *, mode: str) -> CloudEvent:
    media_type = _media_type(content_type)
    if media_type.startswith("application/cloudevents") or not any(name == "specversion" for name, _ in attributes):
        raise UnsupportedMode(
            "the content type is no CloudEvents mode of ours: send application/cloudevents+json, "
            f"application/cloudevents-batch+json (HTTP), or {mode}"
        )
    if len(body) > MAX_EVENT_BYTES:
        raise TooLarge(f"an event has at most {MAX_EVENT_BYTES} bytes")
    named: dict[str, Value] = {}
    for name, value in attributes:
        if name in named:
            raise MalformedEvent("an attribute is given twice" + place(name))
        if name in {"data", "datacontenttype"}:
            raise MalformedEvent("not an attribute in binary mode (the body and Content-Type say it)" + place(name))
        named[name] = value
    if content_type:
        named["datacontenttype"] = content_type
    return CloudEvent(checked_attributes(named), _read(body))


def _read(raw: bytes) -> Any:
    try:
        return read_strict_json(raw)
    except NotStrictJSON as error:
        raise MalformedEvent(str(error)) from error


def _base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, TypeError) as error:
        raise MalformedEvent("no base64" + place("data_base64")) from error


def _media_type(content_type: str) -> str:
    """The media type without parameters, in lower case. Raises `UnsupportedMode` for a charset other than UTF-8."""
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "charset" and value.strip().strip('"') not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedMode("the charset of JSON is UTF-8")
    return media_type


def _unescape(name: str, value: str) -> str:
    """A header's value as an attribute: a quoted string unquoted, then percent-decoded once (HTTP binding, 3.1.3.2)."""
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = _quoted_pair.sub(r"\1", value[1:-1])
    if _lone_percent.search(value):
        raise MalformedEvent(f"`%` is not followed by two hexadecimal digits - in header `{name[:MAX_NAME_LENGTH]}`")
    try:
        return urllib.parse.unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise MalformedEvent(f"percent-decoded, it is not UTF-8 - in header `{name[:MAX_NAME_LENGTH]}`") from error


def _belongs_to_binding(name: str) -> bool:
    return name.lower() == "content-type" or name.lower().startswith("ce_")


def _utf8(name: str, value: bytes) -> str:
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError as error:
        raise MalformedEvent(f"not UTF-8 - in header `{name[:MAX_NAME_LENGTH]}`") from error
