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

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
REAL_TIMESTAMPS_MS: Final = 1_000_000_000
"""A broker's clock reads more than this (twelve days after 1970); librdkafka's in-process broker says 1234: what it
records is dated by the event's own time."""

Attribute = Annotated[str, Meta(min_length=1, max_length=MAX_ATTRIBUTE_LENGTH)]
Instant = Annotated[datetime, Meta(tz=True)]
Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
"""What a row can hold; no event of ours comes near it, but the log may have what nobody admitted."""


class Envelope(Struct, gc=False):
    """The attributes of a CloudEvent that are used here."""

    specversion: Literal["1.0"]
    id: Attribute
    source: Attribute
    type: Attribute
    subject: Attribute
    time: Instant
    data: Raw


class Reason(Struct, gc=False):
    """Why, by a code of the catalogue."""

    code: str
    parameters: dict[str, str] = {}


class Remedy(Struct, gc=False):
    """What can be done against a decision."""

    code: str
    legal_basis: str
    within_days: Whole | None = None
    unit: str = "working_days"


class Labels(Struct, gc=False):
    """The same words in Indonesian and English."""

    id: str
    en: str


class Requirement(Struct, gc=False):
    """One requirement of the service."""

    requirement: str


class By(Struct, gc=False, frozen=True):
    """At which desk it was done."""

    desk: str | None = None


class EventRef(Struct, gc=False):
    """Another event, by what makes it unique."""

    source: str
    id: str


class Act(Struct, gc=False, kw_only=True):
    """What is read of every fact."""

    by: By = By()
    corrects: EventRef | None = None


class Submitted(Act, gc=False):
    """Which service, where."""

    service: str
    office: str


class DocumentsRequested(Act, gc=False):
    """What is asked for."""

    documents: list[Requirement]


class DocumentSupplied(Act, gc=False):
    """What came."""

    document: Requirement


class FeeAssessed(Act, gc=False):
    """What is to be paid."""

    billing_code: str
    amount: Whole
    expires_at: Instant
    currency: str = "IDR"


class FeePaid(Act, gc=False):
    """What was paid."""

    billing_code: str
    amount: Whole
    currency: str = "IDR"


class Invited(Act, gc=False):
    """Where to come to, and when."""

    examination: str
    at: Instant


class Examined(Act, gc=False):
    """What was done."""

    examinations: list[str]


class Decided(Act, gc=False):
    """What was decided."""

    outcome: Literal["approved", "refused"]
    reasons: list[Reason] = []
    remedy: Remedy | None = None


class Issued(Act, gc=False):
    """What can be collected."""

    product: str
    collect_by: Instant | None = None


class Paused(Act, gc=False):
    """Why it rests."""

    reason: Reason


class Transferred(Act, gc=False):
    """Who acts next."""

    to: str


class StageRecorded(Act, gc=False):
    """A stage of the office's own."""

    stage: str
    labels: Labels


_READ_AS: Final[dict[str, type[Struct]]] = {
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
    "stage_recorded": StageRecorded,
}
"""The facts of whose data the fold needs more than who did it."""


class FactType(Struct, frozen=True, gc=False):
    """One type of event: its short name, as stages use it, and the decoder of what is needed of its data."""

    name: str
    decode: Callable[[Any], Any]


FACT_TYPES: Final[dict[str, FactType]] = {
    full: FactType(name, msgspec.json.Decoder(_READ_AS.get(name, Act)).decode)
    for full in FACTS
    for name in [full.split(".")[-2]]
}
"""Every event type by its CloudEvents `type`."""
DECODERS: Final[dict[str, Callable[[Any], Any]]] = {kind.name: kind.decode for kind in FACT_TYPES.values()}
"""The decoder of a fact's data by the fact's short name."""

decode_envelope: Final = msgspec.json.Decoder(Envelope).decode


def read(value: bytes | None) -> tuple[Envelope, FactType, Any]:
    """The event in a record's value: its attributes, its type, and what the fold needs of its data.

    Raises `MalformedEvent` (`UnknownType` for a type that these contracts do not have) when it cannot be read.
    """
    try:
        if value is None or not value.isascii():
            str(value or b"", "utf-8")  # msgspec does not look into what it skips, and the kept data must be text
        envelope = decode_envelope(value or b"")
        kind = FACT_TYPES.get(envelope.type)
        if kind is None:
            raise UnknownType(f"unknown event type {envelope.type[:100]!r} - at `$.type`")
        data = kind.decode(envelope.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedEvent(_without_content(error)) from error
    if not envelope.id.isprintable():
        check_characters("id", envelope.id)
    return envelope, kind, data


def in_us(time: datetime) -> int:
    """Microseconds since 1970."""
    since = time - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _without_content(error: Exception) -> str:
    """What the decoder complained of; of values that it would quote only the place."""
    text = str(error)
    if isinstance(error, RecursionError):
        return "JSON is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "the text is not UTF-8"
    return text if not text.startswith("Invalid enum value") else f"Invalid value{text[text.rfind(' - at ') :]}"
