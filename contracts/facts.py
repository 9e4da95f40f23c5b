"""The facts of an application's life, one struct each: the `data` of the events on `applications.v1`.

No struct has a field for personal data: no names, no numbers of identity papers, no contact data, no free text.
What needs words is a reason code with parameters; what needs the person is a random id or a salted commitment.
Field documentation is part of the contract: it goes into JSON Schema, AsyncAPI and the reference page.
"""

import datetime as dt
from typing import Annotated, ClassVar, Final, Literal

from msgspec import Meta, Struct

END: Final = r"$(?!\n)"
"""The end of a pattern. A bare `$` would, in Python, also accept a trailing line feed (in JSON Schema it does not)."""
FORBIDDEN_CHARACTERS: Final = r"\x00-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff"
"""Controls and noncharacters: what CloudEvents forbids in attributes. PostgreSQL, besides, stores no U+0000 in text."""
PLAIN_TEXT: Final = rf"^[^{FORBIDDEN_CHARACTERS}]*{END}"

Code = Annotated[
    str,
    Meta(
        pattern=rf"^[a-z][a-z0-9_.-]{{0,63}}{END}",
        description="A stable code of the catalogue: lower case, no words meant for people.",
    ),
]
Id = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=rf"^[A-Za-z0-9._~-]+{END}", description="A random or opaque id.")
]
Commitment = Annotated[
    str,
    Meta(
        pattern=rf"^[A-Za-z0-9_-]{{43}}{END}",
        description="SHA-256 over salt and content, base64url without padding: fixes the content, reveals nothing of it.",
    ),
]
BillingCode = Annotated[
    str, Meta(pattern=rf"^[0-9]{{15}}{END}", description="Billing code of the treasury (SIMPONI): 15 digits.")
]
Amount = Annotated[
    int, Meta(ge=0, le=10**12, description="Whole units of the currency (rupiah has no subunit in use).")
]
Currency = Annotated[str, Meta(pattern=rf"^[A-Z]{{3}}{END}", description="ISO 4217 code.")]
Parameter = Annotated[
    str,
    Meta(
        max_length=100,
        pattern=PLAIN_TEXT,
        description="A value put into the words of a reason: a code, a number or a date, never free text.",
    ),
]
Instant = Annotated[dt.datetime, Meta(tz=True)]
Receipt = Annotated[str, Meta(pattern=rf"^[0-9A-Z]{{16}}{END}")]
Days = Annotated[int, Meta(ge=1, le=3650)]
LegalBasis = Annotated[str, Meta(max_length=200, pattern=PLAIN_TEXT)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Role = Literal["applicant", "officer", "supervisor", "system", "agency", "treasury"]
Channel = Literal["internet", "mobile", "desk", "post", "email", "agency", "internal"]


def _check_fits_utc(*instants: dt.datetime | None) -> None:
    """Every instant has a UTC form. At the ends of the calendar an offset may leave it; no database stores that."""
    for instant in instants:
        try:
            _ = instant and instant.astimezone(dt.UTC)
        except OverflowError:
            raise ValueError("a time lies outside the years 1 to 9999 in UTC") from None


class Labels(Struct, frozen=True, kw_only=True):
    """The same words in Indonesian and English."""

    id: Annotated[str, Meta(min_length=1, max_length=200, pattern=PLAIN_TEXT, description="Indonesian.")]
    en: Annotated[str, Meta(min_length=1, max_length=200, pattern=PLAIN_TEXT, description="English.")]


class Actor(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who did it: role, office and desk, never the person."""

    role: Annotated[Role, Meta(description="In what capacity.")]
    office: Annotated[Code | None, Meta(description="The office, by its code in the catalogue.")] = None
    desk: Annotated[Code | None, Meta(description="The desk or group within the office.")] = None


class Reason(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why, as a code that the catalogue puts into words in both languages."""

    code: Annotated[Code, Meta(description="Reason code.")]
    parameters: Annotated[
        dict[Code, Parameter], Meta(max_length=10, description="Values for the words' placeholders.")
    ] = {}


class DocumentRef(Struct, frozen=True, kw_only=True):
    """A document that intake keeps; nobody else has its content."""

    document: Annotated[Id, Meta(description="Random id of the document at intake.")]
    requirement: Annotated[Code, Meta(description="Which requirement of the service it is meant to meet.")]
    commitment: Annotated[Commitment, Meta(description="Salted commitment to the document's bytes.")]


class RequestedDocument(Struct, frozen=True, kw_only=True):
    """One document that the applicant is asked for."""

    requirement: Annotated[Code, Meta(description="Which requirement it must meet.")]
    reason: Annotated[Reason, Meta(description="Why it is needed (again).")]


class FeeLine(Struct, frozen=True, kw_only=True):
    """One position of the fee."""

    fee: Annotated[Code, Meta(description="The fee's code in the catalogue.")]
    amount: Annotated[Amount, Meta(description="Its amount.")]
    legal_basis: Annotated[LegalBasis, Meta(description="The regulation that sets it.")]


class Remedy(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the applicant can do against a decision."""

    code: Annotated[Code, Meta(description="Kind of remedy, e.g. `administrative_objection`.")]
    legal_basis: Annotated[LegalBasis, Meta(description="The law that gives it.")]
    within_days: Annotated[Days | None, Meta(description="Time limit, in the unit below.")] = None
    unit: Annotated[Literal["working_days", "calendar_days"], Meta(description="Unit of the time limit.")] = (
        "working_days"
    )


class EventRef(Struct, frozen=True, kw_only=True):
    """Another event, by what makes it unique."""

    source: Annotated[str, Meta(min_length=1, max_length=200, pattern=PLAIN_TEXT, description="Its `source`.")]
    id: Annotated[str, Meta(min_length=1, max_length=200, pattern=PLAIN_TEXT, description="Its `id`.")]


class Fact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What happened. `TYPE` is the CloudEvents `type`."""

    TYPE: ClassVar[str]
    corrects: Annotated[
        EventRef | None,
        Meta(
            description="The event of the same application that this one takes the place of. Both stay on the timeline; "
            "from when this one is recorded the other no longer counts."
        ),
    ] = None


class Submitted(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The application was handed in: its history begins."""

    TYPE: ClassVar[str] = "id.jejak.application.submitted.v1"
    service: Annotated[Code, Meta(description="The service applied for, by its code in the catalogue.")]
    office: Annotated[Code, Meta(description="The office that will handle it.")]
    channel: Annotated[Channel, Meta(description="How it came in.")]
    by: Annotated[Actor, Meta(description="Who handed it in.")]
    documents: Annotated[list[DocumentRef], Meta(max_length=50, description="What came with it.")] = []


class DocumentsRequested(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The office asks the applicant for documents; it waits until the last of them is supplied."""

    TYPE: ClassVar[str] = "id.jejak.application.documents_requested.v1"
    documents: Annotated[
        list[RequestedDocument], Meta(min_length=1, max_length=50, description="What is asked for, and why.")
    ]
    by: Annotated[Actor, Meta(description="Who asks.")]
    answer_by: Annotated[Instant | None, Meta(description="Until when an answer is awaited.")] = None

    def __post_init__(self) -> None:
        _check_fits_utc(self.answer_by)


class DocumentSupplied(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The applicant supplied one document that was asked for."""

    TYPE: ClassVar[str] = "id.jejak.application.document_supplied.v1"
    document: Annotated[DocumentRef, Meta(description="The document.")]
    by: Annotated[Actor, Meta(description="Who supplied it.")]


class DocumentsVerified(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The office accepted the documents as complete and genuine."""

    TYPE: ClassVar[str] = "id.jejak.application.documents_verified.v1"
    by: Annotated[Actor, Meta(description="Who verified.")]


class FeeAssessed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The fee was set and a billing code issued; the applicant can pay."""

    TYPE: ClassVar[str] = "id.jejak.application.fee_assessed.v1"
    billing_code: Annotated[BillingCode, Meta(description="Under which code to pay.")]
    amount: Annotated[Amount, Meta(description="Sum of the lines.")]
    expires_at: Annotated[Instant, Meta(description="After this instant the code can no longer be paid.")]
    by: Annotated[Actor, Meta(description="Who assessed it.")]
    lines: Annotated[list[FeeLine], Meta(max_length=20, description="What it is made of.")] = []
    currency: Annotated[Currency, Meta(description="Currency of every amount.")] = "IDR"

    def __post_init__(self) -> None:
        _check_fits_utc(self.expires_at)


class FeePaid(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A payment was made. The event's `time` is when it was paid, however late it was reported."""

    TYPE: ClassVar[str] = "id.jejak.application.fee_paid.v1"
    billing_code: Annotated[BillingCode, Meta(description="Under which code it was paid.")]
    amount: Annotated[Amount, Meta(description="What was paid, whether or not it is what was asked.")]
    by: Annotated[Actor, Meta(description="Who reports it.")]
    currency: Annotated[Currency, Meta(description="Currency of the amount.")] = "IDR"
    receipt: Annotated[Receipt | None, Meta(description="State revenue receipt (NTPN).")] = None


class Invited(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The applicant was invited to an examination at the office."""

    TYPE: ClassVar[str] = "id.jejak.application.invited.v1"
    examination: Annotated[Code, Meta(description="To what, e.g. `interview`, `biometrics`.")]
    at: Annotated[Instant, Meta(description="When to come.")]
    by: Annotated[Actor, Meta(description="Who invites.")]

    def __post_init__(self) -> None:
        _check_fits_utc(self.at)


class Examined(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The applicant was examined: interview, photograph, fingerprints."""

    TYPE: ClassVar[str] = "id.jejak.application.examined.v1"
    examinations: Annotated[list[Code], Meta(min_length=1, max_length=10, description="What was done.")]
    by: Annotated[Actor, Meta(description="Who examined.")]


class Decided(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The decision, with its reasons and, where it is against the applicant, the legal remedy."""

    TYPE: ClassVar[str] = "id.jejak.application.decided.v1"
    outcome: Annotated[Literal["approved", "refused"], Meta(description="What was decided.")]
    by: Annotated[Actor, Meta(description="Who decided.")]
    reasons: Annotated[list[Reason], Meta(max_length=20, description="Why.")] = []
    remedy: Annotated[Remedy | None, Meta(description="What can be done against it.")] = None


class Issued(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """What was applied for is ready to be collected."""

    TYPE: ClassVar[str] = "id.jejak.application.issued.v1"
    product: Annotated[Code, Meta(description="What was issued.")]
    by: Annotated[Actor, Meta(description="Who issued it.")]
    valid_until: Annotated[dt.date | None, Meta(description="Last day of its validity.")] = None
    collect_by: Annotated[Instant | None, Meta(description="After this instant it is cancelled uncollected.")] = None

    def __post_init__(self) -> None:
        _check_fits_utc(self.collect_by)


class Collected(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """It was handed over: the end."""

    TYPE: ClassVar[str] = "id.jejak.application.collected.v1"
    by: Annotated[Actor, Meta(description="Who handed it over.")]
    to: Annotated[Literal["applicant", "representative"], Meta(description="To whom.")] = "applicant"


class Withdrawn(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The applicant withdrew: the end."""

    TYPE: ClassVar[str] = "id.jejak.application.withdrawn.v1"
    by: Annotated[Actor, Meta(description="Who withdrew it.")]
    reason: Annotated[Reason | None, Meta(description="Why, where it was said.")] = None


class Paused(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The case rests by law or by force majeure."""

    TYPE: ClassVar[str] = "id.jejak.application.paused.v1"
    reason: Annotated[Reason, Meta(description="Why.")]
    by: Annotated[Actor, Meta(description="Who paused it.")]
    legal_basis: Annotated[LegalBasis | None, Meta(description="The law that allows it.")] = None


class Resumed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The case goes on."""

    TYPE: ClassVar[str] = "id.jejak.application.resumed.v1"
    by: Annotated[Actor, Meta(description="Who resumed it.")]


class Transferred(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The case went to another body, or came back: `to` is who acts next."""

    TYPE: ClassVar[str] = "id.jejak.application.transferred.v1"
    to: Annotated[Code, Meta(description="The office or agency that acts next, by its code.")]
    reason: Annotated[Reason, Meta(description="Why.")]
    by: Annotated[Actor, Meta(description="Who transferred it.")]


class DeadlinePassed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The legal deadline passed without the act that would have met it."""

    TYPE: ClassVar[str] = "id.jejak.application.deadline_passed.v1"
    rule: Annotated[Code, Meta(description="The deadline rule, by its code in the catalogue.")]
    rule_version: Annotated[Count, Meta(description="Version of the rule.")]
    deadline: Annotated[Instant, Meta(description="The instant that passed.")]
    by: Annotated[Actor, Meta(description="Who noticed.")]

    def __post_init__(self) -> None:
        _check_fits_utc(self.deadline)


class NotificationSent(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The applicant was told of an event."""

    TYPE: ClassVar[str] = "id.jejak.application.notification_sent.v1"
    about: Annotated[EventRef, Meta(description="Of which event.")]
    channel: Annotated[Code, Meta(description="How, e.g. `email`.")]
    template: Annotated[Code, Meta(description="With which words.")]
    language: Annotated[Literal["id", "en"], Meta(description="In which language.")]
    attempt: Annotated[Count, Meta(description="Which attempt succeeded.")]
    by: Annotated[Actor, Meta(description="Who sent it.")]
    repeated: Annotated[
        bool, Meta(description="True when a crash left open whether an earlier attempt had already arrived.")
    ] = False


class NotificationFailed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """An attempt to tell the applicant failed."""

    TYPE: ClassVar[str] = "id.jejak.application.notification_failed.v1"
    about: Annotated[EventRef, Meta(description="Of which event.")]
    channel: Annotated[Code, Meta(description="How it was tried.")]
    template: Annotated[Code, Meta(description="With which words.")]
    attempt: Annotated[Count, Meta(description="Which attempt failed.")]
    reason: Annotated[Reason, Meta(description="Why it failed.")]
    final: Annotated[bool, Meta(description="True when no further attempt will be made.")]
    by: Annotated[Actor, Meta(description="Who tried.")]


class PersonalDataErased(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The applicant's key was destroyed: what intake held can no longer be read."""

    TYPE: ClassVar[str] = "id.jejak.application.personal_data_erased.v1"
    reason: Annotated[Reason, Meta(description="On request, or at the end of retention.")]
    legal_basis: Annotated[LegalBasis, Meta(description="The law that asks for it.")]
    by: Annotated[Actor, Meta(description="Who erased.")]


class StageRecorded(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A stage of an office's own that none of the other facts fits."""

    TYPE: ClassVar[str] = "id.jejak.application.stage_recorded.v1"
    stage: Annotated[Code, Meta(description="The stage's code in the office's own process.")]
    labels: Annotated[Labels, Meta(description="What it is called.")]
    by: Annotated[Actor, Meta(description="Who recorded it.")]


FACTS: Final[dict[str, type[Fact]]] = {
    fact.TYPE: fact
    for fact in (
        Submitted, DocumentsRequested, DocumentSupplied, DocumentsVerified, FeeAssessed, FeePaid, Invited, Examined,
        Decided, Issued, Collected, Withdrawn, Paused, Resumed, Transferred, DeadlinePassed, NotificationSent,
        NotificationFailed, PersonalDataErased, StageRecorded,
    )
}  # fmt: skip
"""Every event type, by its CloudEvents `type`."""
