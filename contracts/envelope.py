"""The envelope of every event: CloudEvents 1.0 in structured JSON mode.

Source: CloudEvents 1.0.2 and its JSON format; the extension attributes `traceparent` (distributed tracing)
and `salt` (ours: 32 random bytes, base64url without padding, so that a published commitment reveals nothing).
"""

import base64
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from contracts.facts import FACTS, FORBIDDEN_CHARACTERS, Fact

CONTENT_TYPE: Final = "application/cloudevents+json; charset=utf-8"
BATCH_CONTENT_TYPE: Final = "application/cloudevents-batch+json; charset=utf-8"
EVENT_LOG_TOPIC: Final = "applications.v1"
"""The topic that is the event log: key = application id, unlimited retention, never compacted."""
PARTITIONS: Final = 12
"""Fixed for the life of the topic's generation: it decides which partition an application's history is in."""
PUBLIC_PREFIX: Final = "id.jejak.application."
"""Begins the types that leave a service; what else it stores is its own."""
SALT_BYTES: Final = 32
MAX_EVENT_BYTES: Final = 64 * 1024


MAX_ATTRIBUTE_LENGTH: Final = 200
Attribute = Annotated[str, Meta(min_length=1, max_length=MAX_ATTRIBUTE_LENGTH)]


class MalformedEvent(ValueError):
    """The bytes are no event of ours; the message says what is wrong and where, without repeating the content."""


class UnknownType(MalformedEvent):
    """A well-formed CloudEvent of a type that these contracts do not have."""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A CloudEvent whose `data` is still undecoded JSON. `decode_fact` gives its typed data.

    (`source`, `id`) is unique; `time` is when the fact happened, in UTC; `subject` is the application's tracking number.
    """

    specversion: str
    id: Attribute
    source: Attribute
    type: Attribute
    subject: Attribute
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
_quoted_content: Final = re.compile(r"(Invalid enum value) .*?( - at |$)", re.DOTALL)
_forbidden_character: Final = re.compile(f"[{FORBIDDEN_CHARACTERS}]")
_json_media_type: Final = re.compile(r"[\w.!#$&^-]+/(?:[\w.!#$&^-]+\+)?json\s*(?:;.*)?", re.ASCII | re.IGNORECASE)


def new_salt(random: bytes) -> str:
    """The `salt` attribute of 32 random bytes."""
    if len(random) != SALT_BYTES:
        raise ValueError(f"a salt is {SALT_BYTES} bytes")
    return base64.urlsafe_b64encode(random).rstrip(b"=").decode()


def decode_salt(salt: str) -> bytes:
    """The 32 bytes of a `salt` attribute. Raises `MalformedEvent` for any other text, also for a second spelling of them."""
    try:
        random = base64.urlsafe_b64decode(salt + "=")
    except ValueError:
        random = b""
    if len(random) != SALT_BYTES or new_salt(random) != salt:
        raise MalformedEvent("the salt is not 32 bytes in base64url without padding - at `$.salt`")
    return random


def is_json(content_type: str) -> bool:
    """Whether a media type, with or without parameters, is JSON: `application/json`, `…/…+json`."""
    return _json_media_type.fullmatch(content_type.strip()) is not None


def check_characters(name: str, text: str) -> None:
    """Raises `MalformedEvent` when attribute `name` holds what CloudEvents forbids: control characters, noncharacters."""
    if not text.isprintable() and _forbidden_character.search(text):
        raise MalformedEvent(f"a character that an attribute may not have (control or noncharacter) - at `$.{name}`")


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
    """The envelope of one structured-mode CloudEvent, its `time` in UTC; its `data` stays raw.

    Attributes that are not in `Event` are tolerated and left out. Where a name occurs twice the last one counts; admission
    (`contracts.cloudevents`) lets no such event in. Raises `MalformedEvent` for anything else: no JSON, an attribute
    missing or of the wrong type, a time without an offset.
    """
    try:
        str(raw, "utf-8")  # msgspec does not look into what it skips, and a canonical form needs all of it
        event = _event_decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedEvent(_reason(error)) from error
    _check_envelope(event)
    if event.time.tzinfo is UTC:
        return event
    return msgspec.structs.replace(event, time=in_utc(event.time))


def decode_fact(event: Event) -> Fact:
    """The typed data of `event`; fields that its type does not have are tolerated and left out.

    Raises `UnknownType`, or `MalformedEvent` when the data does not fit its type.
    """
    return decode_data(event.type, event.data)


def decode_data(event_type: str, data: bytes | msgspec.Raw) -> Fact:
    """As `decode_fact`, of the JSON `data` of an event of `event_type`."""
    decoder = _fact_decoders.get(event_type)
    if decoder is None:
        raise UnknownType(f"unknown event type {event_type[:100]!r} - at `$.type`")
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedEvent(f"{_reason(error)} (under `$.data`)") from error


def _check_envelope(event: Event) -> None:
    if event.specversion != "1.0":
        raise MalformedEvent("specversion is not 1.0 - at `$.specversion`")
    check_characters("id", event.id)
    check_characters("source", event.source)
    check_characters("type", event.type)
    check_characters("subject", event.subject)
    if event.datacontenttype != "application/json" and not is_json(event.datacontenttype):
        raise MalformedEvent("the data is not JSON - at `$.datacontenttype`")


def in_utc(time: datetime) -> datetime:
    """`time` in UTC. Raises `MalformedEvent` when it has no offset, or no UTC form within the calendar."""
    if time.tzinfo is None:
        raise MalformedEvent("the time has no UTC offset - at `$.time`")
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise MalformedEvent("the time lies outside the years 1 to 9999 in UTC - at `$.time`") from error


def _reason(error: Exception) -> str:
    """What a decoder complained of, without the content that some of its messages quote."""
    if isinstance(error, RecursionError):
        return "JSON is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "the text is not UTF-8"
    return _quoted_content.sub(r"\1\2", str(error))


def is_public(event_type: str) -> bool:
    """Whether events of this type belong on the event log."""
    return event_type.startswith(PUBLIC_PREFIX)


def key_of(raw: bytes) -> bytes:
    """The Kafka key of an event's bytes: its application. Raises `MalformedEvent`."""
    return decode_event(raw).subject.encode()
