"""The envelope of every event: CloudEvents 1.0 in structured JSON mode.

Source: CloudEvents 1.0.2 and its JSON format; the extension attributes `traceparent` (distributed tracing)
and `salt` (ours: 32 random bytes, base64url without padding, so that a published commitment reveals nothing).
"""

import base64
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from contracts.facts import FACTS, Fact

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
BATCH_CONTENT_TYPE: Final = "application/cloudevents-batch+json; charset=utf-8"
EVENT_LOG_TOPIC: Final = "applications.v1"
"""The topic that is the event log: key = application id, unlimited retention, never compacted."""
PARTITIONS: Final = 12
"""Fixed for the life of the topic's generation: it decides which partition an application's history is in."""
SALT_BYTES: Final = 32
MAX_EVENT_BYTES: Final = 64 * 1024


class MalformedEvent(ValueError):
    """The bytes are no event of ours; the message says what is wrong and where, without repeating the content."""


class UnknownType(MalformedEvent):
    """A well-formed CloudEvent of a type that these contracts do not have."""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A CloudEvent whose `data` is still undecoded JSON. `decode_fact` gives its typed data.

    (`source`, `id`) is unique; `time` is when the fact happened, in UTC; `subject` is the application's tracking number.
    """

    specversion: str = msgspec.field(default="1.0")
    id: str
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: str = "application/json"
    dataschema: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None
    salt: str | None = None
    data: msgspec.Raw


_event_decoder: Final = msgspec.json.Decoder(Event)
_fact_decoders: Final = {name: msgspec.json.Decoder(fact) for name, fact in FACTS.items()}
_encoder: Final = msgspec.json.Encoder()


def new_salt(random: bytes) -> str:
    """The `salt` attribute of 32 random bytes."""
    if len(random) != SALT_BYTES:
        raise ValueError(f"a salt is {SALT_BYTES} bytes")
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode()


def encode_event(
    fact: Fact, *, id: str, source: str, subject: str, time: datetime, salt: str, traceparent: str | None = None
) -> bytes:
    """The bytes of one event as they go to the event store and, unchanged, to Kafka."""
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": fact.TYPE,
        "subject": subject,
        "time": time.astimezone(UTC),
        "datacontenttype": "application/json",
        "salt": salt,
    }
    if traceparent:
        attributes["traceparent"] = traceparent
    return _encoder.encode(attributes | {"data": fact})


def decode_event(raw: bytes) -> Event:
    """The envelope of one structured-mode CloudEvent; its `data` stays raw.

    Raises `MalformedEvent` for anything else: no JSON, an attribute missing or of the wrong type, a time without an offset.
    """
    try:
        event = _event_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedEvent(str(error)) from error
    if event.specversion != "1.0":
        raise MalformedEvent("specversion is not 1.0 - at `$.specversion`")
    if event.time.tzinfo is None:
        raise MalformedEvent("the time has no UTC offset - at `$.time`")
    return event


def decode_fact(event: Event) -> Fact:
    """The typed data of `event`. Raises `UnknownType`, or `MalformedEvent` when the data does not fit its type."""
    decoder = _fact_decoders.get(event.type)
    if decoder is None:
        raise UnknownType(f"unknown event type {event.type[:100]!r} - at `$.type`")
    try:
        return decoder.decode(event.data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedEvent(f"{error} (under `$.data`)") from error
