"""Admission: which outside events become part of the log. Rules only; `admitting.py` carries them out.

An event is refused for being malformed or unauthorised, never for being surprising: a payment for an application that
was withdrawn, a decision without a submission, an event of years ago are all let in.
"""

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from contracts.attributes import Value
from contracts.cloudevents import CloudEvent, TooLarge, UnsupportedMode, encode_admitted, read_fact
from contracts.envelope import MalformedEvent, UnknownType, decode_event, decode_fact
from contracts.facts import Fact, FeePaid
from contracts.number import InvalidNumber, parse_number
from services.intake.publishers import Publisher
from services.intake.refusals import Refused

FUTURE_TOLERANCE: Final = timedelta(minutes=5)
KNOWN_ATTRIBUTES: Final = frozenset(
    {
        "specversion", "id", "source", "type", "subject", "time",
        "datacontenttype", "dataschema", "traceparent", "tracestate", "salt",
    }
)  # fmt: skip
"""What goes on to the log. Other extension attributes could hold personal data, and the log can never forget."""


class EventRefused(Refused):
    """One event is not let in."""


class Malformed(EventRefused):
    """Parameters: reason."""

    slug = "malformed-event"


class WrongMode(EventRefused):
    """None of CloudEvents' modes. Parameters: reason."""

    slug = "unsupported-mode"


class TypeUnknown(EventRefused):
    """Parameters: reason."""

    slug = "unknown-event-type"


class EventTooLarge(EventRefused):
    """Parameters: reason."""

    slug = "event-too-large"


class SourceNotAllowed(EventRefused):
    """Parameters: publisher, allowed."""

    slug = "source-not-allowed"


class TypeNotAllowed(EventRefused):
    """Parameters: publisher, allowed."""

    slug = "type-not-allowed"


class FromTheFuture(EventRefused):
    """Parameters: ahead_s, tolerance_s."""

    slug = "event-from-the-future"


class MalformedSubject(EventRefused):
    """No tracking number, or none at all where the contracts need one. Parameters: reason."""

    slug = "malformed-subject"


class IdReused(EventRefused):
    """Another event was admitted under this source and id."""

    slug = "event-id-reused"


def refusal_of(error: MalformedEvent) -> EventRefused:
    """What the contracts found wrong, as a refusal."""
    kinds: tuple[tuple[type[MalformedEvent], type[EventRefused]], ...] = (
        (UnknownType, TypeUnknown), (UnsupportedMode, WrongMode), (TooLarge, EventTooLarge), (MalformedEvent, Malformed),
    )  # fmt: skip
    return next(refusal for kind, refusal in kinds if isinstance(error, kind))(reason=str(error))


class Candidate(Struct, frozen=True, kw_only=True):
    """An event that may be let in. `subject` is canonical; `None`: it is to be found by the payment's billing code."""

    stream: str
    event: CloudEvent
    fact: Fact
    subject: str | None

    def encoded(self, subject: str, salt: str) -> bytes:
        """The bytes for the log. Raises `EventTooLarge`."""
        try:
            return encode_admitted(_with_known_attributes(self.event), fact=self.fact, subject=subject, salt=salt)
        except TooLarge as error:
            raise EventTooLarge(reason=str(error)) from error

    def says_the_same_as(self, state: bytes) -> bool:
        """Whether the event that was admitted as `state` is this one, sent again. Trace and salt may differ."""
        admitted = decode_event(state)
        return (
            admitted.type == self.event.type
            and admitted.time == self.event.time
            and self.subject in (None, admitted.subject)
            and decode_fact(admitted) == self.fact
        )


def stream_of(source: str, id: str) -> str:
    """The stream of an admitted event: one event of one (`source`, `id`), so that the store itself refuses a second."""
    text = source.encode()
    return "admitted-" + hashlib.sha256(len(text).to_bytes(4) + text + id.encode()).hexdigest()


def examine(
    publisher: Publisher, received: CloudEvent | MalformedEvent, now: datetime, own_sources: Collection[str] = ()
) -> Candidate:
    """What is to be let in. Raises an `EventRefused`. `own_sources` are ours: nobody else may speak for them."""
    if isinstance(received, MalformedEvent):
        raise refusal_of(received)
    if not publisher.may_use(received.source) or received.source in own_sources:
        raise SourceNotAllowed(publisher=publisher.name, allowed=publisher.sources)
    try:
        fact = read_fact(received)
    except MalformedEvent as error:
        raise refusal_of(error) from error
    if not publisher.may_say(received.type):
        raise TypeNotAllowed(publisher=publisher.name, allowed=publisher.types)
    if (ahead := received.time - now) > FUTURE_TOLERANCE:
        raise FromTheFuture(ahead_s=round(ahead.total_seconds()), tolerance_s=int(FUTURE_TOLERANCE.total_seconds()))
    return Candidate(
        stream=stream_of(received.source, received.id), event=received, fact=fact, subject=_subject(received, fact)
    )


def _subject(event: CloudEvent, fact: Fact) -> str | None:
    if event.subject is None:
        if isinstance(fact, FeePaid):
            return None
        raise MalformedSubject(reason="only a payment may come without subject, to be found by its billing code")
    try:
        return parse_number(event.subject)
    except InvalidNumber as error:
        raise MalformedSubject(reason=str(error)) from error


class HeldEvent(Struct, frozen=True, kw_only=True):
    """A payment that waits for its application, as stored: what is needed to admit it later."""

    attributes: dict[str, Value]
    data: dict[str, Any]
    salt: str

    def admitted(self, subject: str) -> bytes:
        """The bytes for the log, now that its application is known."""
        event = CloudEvent(self.attributes, self.data)
        return encode_admitted(event, fact=read_fact(event), subject=subject, salt=self.salt)


def hold(candidate: Candidate, salt: str) -> HeldEvent:
    """A payment put aside, without anything that no contract names."""
    attributes = _with_known_attributes(candidate.event).attributes
    return HeldEvent(attributes=attributes, data=msgspec.to_builtins(candidate.fact), salt=salt)


def _with_known_attributes(event: CloudEvent) -> CloudEvent:
    if event.attributes.keys() <= KNOWN_ATTRIBUTES:
        return event
    attributes = {name: value for name, value in event.attributes.items() if name in KNOWN_ATTRIBUTES}
    return CloudEvent(attributes, event.data)
