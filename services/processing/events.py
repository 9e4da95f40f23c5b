"""What a case's stream holds: the office's public facts, and what the case must remember that is not public.

A public fact (`id.jejak.application.…`) is stored as the very CloudEvent that the relay publishes. What came in from
the event log is already public; it is remembered as an internal event (`id.jejak.processing.…`), never published again,
and names the event it is about. The `time` of an internal event is the time of that event.
"""

from datetime import datetime
from typing import Annotated, ClassVar, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta

from contracts.catalogue import fact_name
from contracts.envelope import MalformedEvent, decode_event, decode_fact
from contracts.facts import (
    Actor,
    Amount,
    BillingCode,
    Code,
    Currency,
    DocumentRef,
    EventRef,
    Fact,
    Instant,
    Reason,
    Receipt,
)  # fmt: skip
from services.processing.handling.events import (
    CaseAssigned,
    CaseClaimed,
    CaseEscalated,
    CaseLookedInto,
    CaseReleased,
)  # fmt: skip
from services.processing.opinions.events import (
    OpinionAsked,
    OpinionGiven,
    OpinionLinkReissued,
    OpinionLinkReserved,
    OpinionWithdrawn,
)  # fmt: skip

ProblemKind = Literal[
    "payment_unknown_code", "payment_twice", "payment_after_end", "payment_wrong_currency", "payment_wrong_amount",
    "payment_after_expiry",
]  # fmt: skip
"""Why a payment did not settle the fee; each is a reason code whose words are in the catalogue."""


class CaseOpened(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """An application came in: the office has a case."""

    TYPE: ClassVar[str] = "id.jejak.processing.case_opened.v1"
    about: Annotated[EventRef, Meta(description="The `submitted` that opened it.")]
    service: Code
    office: Code
    documents: Annotated[list[DocumentRef], Meta(description="What came with it.")] = msgspec.field(
        default_factory=list
    )


class DocumentReceived(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A `document_supplied` was taken in."""

    TYPE: ClassVar[str] = "id.jejak.processing.document_received.v1"
    about: EventRef
    document: DocumentRef


class PaymentAccepted(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A `fee_paid` settled the fee: known code, right amount, paid in time, however late it was reported."""

    TYPE: ClassVar[str] = "id.jejak.processing.payment_accepted.v1"
    about: EventRef
    billing_code: BillingCode
    amount: Amount
    currency: Currency
    reported_at: Annotated[Instant, Meta(description="When the log recorded it; the event's time is when it was paid.")]
    receipt: Receipt | None = None


class PaymentProblemFound(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A `fee_paid` that did not settle the fee: an officer has to look at it."""

    TYPE: ClassVar[str] = "id.jejak.processing.payment_problem_found.v1"
    about: EventRef
    kind: ProblemKind
    billing_code: BillingCode
    amount: Amount
    currency: Currency
    reported_at: Instant
    receipt: Receipt | None = None
    expected_amount: Amount | None = None
    expires_at: Instant | None = None


class PaymentProblemSettled(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """An officer put a payment problem right: nobody has to look at it any more."""

    TYPE: ClassVar[str] = "id.jejak.processing.payment_problem_settled.v1"
    problem: Annotated[int, Meta(ge=1, description="The version of the case that noted the problem.")]
    reason: Annotated[Reason, Meta(description="How, by a code of the catalogue.")]
    by: Actor


class ApplicationWithdrawn(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A `withdrawn` ended the case."""

    TYPE: ClassVar[str] = "id.jejak.processing.application_withdrawn.v1"
    about: EventRef


class TransferAnswered(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A `transferred` of the body that had the case: it is with `to` now."""

    TYPE: ClassVar[str] = "id.jejak.processing.transfer_answered.v1"
    about: EventRef
    to: Code


class BillingCodeReserved(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The one event of a stream `billing:<code>`: the code belongs to the application that is its subject."""

    TYPE: ClassVar[str] = "id.jejak.processing.billing_code_reserved.v1"
    billing_code: BillingCode


INTERNAL: Final[dict[str, type[Fact]]] = {
    fact.TYPE: fact
    for fact in (
        CaseOpened, DocumentReceived, PaymentAccepted, PaymentProblemFound, PaymentProblemSettled, ApplicationWithdrawn,
        TransferAnswered, BillingCodeReserved, OpinionAsked, OpinionGiven, OpinionLinkReissued, OpinionLinkReserved,
        OpinionWithdrawn, CaseClaimed, CaseReleased, CaseAssigned, CaseEscalated, CaseLookedInto,
    )
}  # fmt: skip
"""Every internal event type, by name."""


class Happened(NamedTuple):
    """One event of a case, decoded: the fact and when it happened (UTC)."""

    at: datetime
    fact: Fact


_decoders: Final = {name: msgspec.json.Decoder(fact) for name, fact in INTERNAL.items()}


def read_event(state: bytes) -> Happened:
    """Decode one stored event, public or internal. Raises `MalformedEvent` when the bytes are none of ours."""
    event = decode_event(state)
    decoder = _decoders.get(event.type)
    if decoder is None:
        return Happened(event.time, decode_fact(event))
    try:
        return Happened(event.time, decoder.decode(event.data))
    except msgspec.DecodeError as error:
        raise MalformedEvent(f"{error} (under `$.data`)") from error


_PUBLIC_NAMES: Final[dict[type[Fact], str]] = {
    CaseOpened: "submitted",
    DocumentReceived: "document_supplied",
    PaymentAccepted: "fee_paid",
    ApplicationWithdrawn: "withdrawn",
    TransferAnswered: "transferred",
}


def public_name(fact: Fact) -> str:
    """The short name of the fact, e.g. `fee_assessed`; for what was taken in from the log, that of the public fact."""
    return _PUBLIC_NAMES.get(type(fact)) or fact_name(fact)
