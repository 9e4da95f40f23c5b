"""What the status service reads of an event: as much as the timeline and the status need, as fast as it can be had.

`contracts.decode_event` and `decode_fact` check everything about an event and cost six times as much; admission and our
own services have done that before an event is on the log. Here the same bytes are read into smaller structs. The live
projection and the rebuild share this reading, so both keep and refuse the same records. Times are whole microseconds
since 1970 in UTC.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Raw, Struct

from contracts.envelope import MAX_ATTRIBUTE_LENGTH, MalformedEvent, UnknownType, check_characters
from contracts.facts import FACTS

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_REAL_TIMESTAMPS_MS: Final = 1_000_000_000
"""A broker's clock reads more than this (twelve days after 1970); librdkafka's in-process broker says 1234."""

Attribute = Annotated[str, Meta(min_length=1, max_length=MAX_ATTRIBUTE_LENGTH)]
Instant = Annotated[datetime, Meta(tz=True)]


class Envelope(Struct, gc=False):
    """The attributes of a CloudEvent that are used here."""

    specversion: Literal["1.0"]
    id: Attribute
    source: Attribute
    type: Attribute
    subject: Attribute
    time: Instant
    data: Raw


class Actor(Struct, gc=False):
    """Who did it."""

    role: str
    office: str | None = None
    desk: str | None = None


class Data(Struct, gc=False):
    """The data of any fact."""

    by: Actor


class Reason(Struct, gc=False):
    """Why, by a code of the catalogue."""

    code: str
    parameters: dict[str, str] = {}


class Remedy(Struct, gc=False):
    """What can be done against a decision."""

    code: str
    legal_basis: str
    within_days: int | None = None
    unit: str = "working_days"


class Labels(Struct, gc=False):
    """The same words in Indonesian and English."""

    id: str
    en: str


class Requirement(Struct, gc=False):
    """One requirement of the service."""

    requirement: str
    reason: Reason | None = None


class Submitted(Data, gc=False):
    """Which service, where."""

    service: str
    office: str


class DocumentsRequested(Data, gc=False):
    """What is asked for."""

    documents: list[Requirement]


class DocumentSupplied(Data, gc=False):
    """What came."""

    document: Requirement


class FeeAssessed(Data, gc=False):
    """What is to be paid."""

    billing_code: str
    amount: int
    expires_at: Instant
    currency: str = "IDR"


class FeePaid(Data, gc=False):
    """What was paid."""

    billing_code: str
    amount: int
    currency: str = "IDR"


class Invited(Data, gc=False):
    """Where to come to, and when."""

    examination: str
    at: Instant


class Examined(Data, gc=False):
    """What was done."""

    examinations: list[str]


class Decided(Data, gc=False):
    """What was decided."""

    outcome: Literal["approved", "refused"]
    reasons: list[Reason] = []
    remedy: Remedy | None = None


class Issued(Data, gc=False):
    """What can be collected."""

    product: str
    collect_by: Instant | None = None


class Paused(Data, gc=False):
    """Why it rests."""

    reason: Reason


class Transferred(Data, gc=False):
    """Who acts next."""

    to: str
    reason: Reason | None = None


class Collected(Data, gc=False):
    """To whom."""

    to: str = "applicant"


class Withdrawn(Data, gc=False):
    """Why, where it was said."""

    reason: Reason | None = None


class DeadlinePassed(Data, gc=False):
    """Which moment passed."""

    deadline: Instant


class NotificationSent(Data, gc=False):
    """By which channel."""

    channel: str


class NotificationFailed(Data, gc=False):
    """By which channel, and why not."""

    channel: str
    reason: Reason | None = None


class PersonalDataErased(Data, gc=False):
    """Why."""

    reason: Reason | None = None


class StageRecorded(Data, gc=False):
    """A stage of the office's own."""

    stage: str
    labels: Labels


_READ_AS: Final[dict[str, type[Data]]] = {
    "submitted": Submitted,
    "documents_requested": DocumentsRequested,
    "document_supplied": DocumentSupplied,
    "fee_assessed": FeeAssessed,
    "fee_paid": FeePaid,
    "invited": Invited,
    "examined": Examined,
    "decided": Decided,
    "issued": Issued,
    "paused": Paused,
    "transferred": Transferred,
    "collected": Collected,
    "withdrawn": Withdrawn,
    "deadline_passed": DeadlinePassed,
    "notification_sent": NotificationSent,
    "notification_failed": NotificationFailed,
    "personal_data_erased": PersonalDataErased,
    "stage_recorded": StageRecorded,
}


class FactType(Struct, frozen=True, gc=False):
    """One type of event: its short name, as stages use it, and the decoder of its data."""

    name: str
    decode: Callable[[Any], Any]


FACT_TYPES: Final[dict[str, FactType]] = {
    full: FactType(name, msgspec.json.Decoder(_READ_AS.get(name, Data)).decode)
    for full in FACTS
    for name in [full.split(".")[-2]]
}
"""Every event type by its CloudEvents `type`."""

FACTS_BY_NAME: Final = {kind.name: kind for kind in FACT_TYPES.values()}
"""The same by short name."""

decode_envelope: Final = msgspec.json.Decoder(Envelope).decode


class Reading(Struct, gc=False):
    """One event as read. `raw_data` is the event's `data` as received."""

    source: str
    id: str
    number: str
    fact: str
    at: int
    data: Any
    raw_data: Raw


def read(value: bytes | None) -> Reading:
    """The event in a record's value.

    Raises `MalformedEvent` (`UnknownType` for a type that these contracts do not have) when it cannot be read.
    """
    try:
        value = value or b""
        if not value.isascii():
            str(value, "utf-8")  # msgspec does not look into what it skips, and the kept data must be text
        envelope = decode_envelope(value)
        kind = FACT_TYPES.get(envelope.type)
        if kind is None:
            raise UnknownType(f"unknown event type {envelope.type[:100]!r} - at `$.type`")
        data = kind.decode(envelope.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedEvent(_without_content(error)) from error
    if not (envelope.id.isprintable() and envelope.source.isprintable()):
        check_characters("id", envelope.id)
        check_characters("source", envelope.source)
    return Reading(envelope.source, envelope.id, envelope.subject, kind.name, in_us(envelope.time), data, envelope.data)


def in_us(time: datetime) -> int:
    """Microseconds since 1970."""
    since = time - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def recorded_at(timestamp_ms: int, at: int) -> int:
    """When the log recorded an event, from its record's timestamp; the event's own time where the broker has no clock."""
    return timestamp_ms * 1_000 if timestamp_ms > _REAL_TIMESTAMPS_MS else at


def _without_content(error: Exception) -> str:
    """What the decoder complained of; of values that it would quote only the place."""
    text = str(error)
    if isinstance(error, RecursionError):
        return "JSON is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "the text is not UTF-8"
    return text if not text.startswith("Invalid enum value") else f"Invalid value{text[text.rfind(' - at ') :]}"
