"""What the files of the catalogue may say: one struct per kind of entry. A field that is not here is refused."""

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta, Struct

from contracts.calendar import Country
from contracts.catalogue.asking import Choosing, HowToPay, Question
from contracts.catalogue.texts import Text
from contracts.catalogue.visiting import Visiting
from contracts.facts import Amount, Code, Currency, Labels, LegalBasis

FactName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z_]+(:[a-z][a-z0-9_.-]*)?$",
        description="A fact by its short name, e.g. `fee_paid`, or `stage_recorded:<stage>`.",
    ),
]
Language = Literal["id", "en"]


class Requirement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A document that the applicant brings."""

    code: Code
    labels: Labels
    help: Text | None = None
    accepts: list[Labels] = []
    """Which documents meet it, where any one of several does."""
    mandatory: bool = True
    """False: only in the case that `help` describes, or after an answer of `Service.questions` that brings it."""


class Fee(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fee; the applicable one is that whose validity holds on the day of assessment."""

    code: Code
    labels: Labels
    amount: Amount
    legal_basis: LegalBasis
    valid_from: dt.date
    valid_until: dt.date | None = None
    """Its last day; empty: until further notice."""
    currency: Currency = "IDR"
    charged: Literal["always", "when_applicable"] = "always"
    """`when_applicable`: the officer adds it when its condition holds (`condition`)."""
    condition: Text | None = None
    source: Literal["official", "secondary"] = "official"
    group: Code | None = None
    """Fees of one group are alternatives: exactly one of them is charged (at most one, where they are charged
    `when_applicable`), e.g. one book of the group `book`."""


class DeadlineRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A legal or promised time limit, in one version of the rule."""

    code: Code
    version: Annotated[int, Meta(ge=1)]
    labels: Labels
    start: FactName
    end: FactName
    length: Annotated[int, Meta(ge=0)]
    unit: Literal["working_days", "calendar_days", "hours"]
    legal_basis: LegalBasis
    valid_from: dt.date
    """First day for which the catalogue answers for this version: that of the law, or of its verification."""
    valid_until: dt.date | None = None
    """Its last day; empty: until further notice."""
    paused_by: tuple[Literal["documents_requested", "paused", "transferred"], ...] = ("documents_requested", "paused")
    restarts: bool = False
    """True: a later start event starts the clock anew."""
    holidays: Country | None = None
    """Whose calendar its working days are counted by; empty: the office's."""


class Stage(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step of the declared process, in order; reached when its fact happened."""

    code: Code
    labels: Labels
    reached_by: FactName
    optional: bool = False
    what_happens: Text | None = None


class Service(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One service of an office."""

    code: Code
    version: Annotated[int, Meta(ge=1)]
    labels: Labels
    summary: Text
    category: Code
    product: Code
    requirements: list[Requirement]
    procedure: list[Text]
    fees: list[Fee]
    deadlines: list[DeadlineRule]
    stages: list[Stage]
    handled_by: Literal["jejak", "external"] = "jejak"
    """`external`: another system decides; its events are admitted and no case is opened here."""
    published: bool = True
    """False: not offered to applicants (history of an older system, or figures still unverified)."""
    who: list[Text] = []
    """For whom it is: conditions that all hold."""
    also_called: list[Labels] = []
    """Other words by which people look for it."""
    questions: list[Question] = []
    """What the form asks, in order, so that it shows only what this applicant needs."""


class Office(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One office."""

    code: Code
    prefix: Annotated[str, Meta(pattern=r"^[A-Z]{3}$", description="Begins its tracking numbers.")]
    labels: Labels
    source: Annotated[str, Meta(description="CloudEvents source of its systems, e.g. `//lebong.imigrasi.go.id`.")]
    time_zone: str
    holidays: Country
    """Whose calendar its working days are counted by (`contracts/calendars`)."""
    services: list[Code] = []
    """Which services it offers; empty: all that are published."""
    visiting: Visiting | None = None


class ReasonWords(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reasons.yaml`: the words of every reason code, by what the reason is for. A code is in one of them only."""

    document_request: dict[Code, Text] = {}
    """Why a document is asked for (`documents_requested`)."""
    approval: dict[Code, Text] = {}
    """Why a decision was favourable (`decided`)."""
    refusal: dict[Code, Text] = {}
    """Why a decision was against the applicant (`decided`)."""
    pause: dict[Code, Text] = {}
    """Why a case rests (`paused`)."""
    transfer: dict[Code, Text] = {}
    """Why a case went to another body or came back (`transferred`)."""
    withdrawal: dict[Code, Text] = {}
    """Why an application was withdrawn (`withdrawn`)."""
    payment: dict[Code, Text] = {}
    """What is unusual about a payment."""
    payment_settlement: dict[Code, Text] = {}
    """How a payment that did not settle a fee was put right; seen by officers only."""
    opinion_question: dict[Code, Text] = {}
    """What another body is asked for its opinion on."""
    opinion_favourable: dict[Code, Text] = {}
    """Why another body's opinion was favourable; seen by officers only."""
    opinion_unfavourable: dict[Code, Text] = {}
    """Why another body's opinion was unfavourable; seen by officers only."""
    opinion_needs_more: dict[Code, Text] = {}
    """What another body needs before it can say; seen by officers only."""
    case_opening: dict[Code, Text] = {}
    """Why an officer of the help desk opened a case."""
    notification: dict[Code, Text] = {}
    """Why an attempt to tell the applicant failed (`notification_failed`)."""
    erasure: dict[Code, Text] = {}
    """Why personal data was erased (`personal_data_erased`)."""


class Names(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`names.yaml`: what codes are called that stand in events or services and are not defined elsewhere."""

    agencies: dict[Code, Labels] = {}
    """Bodies that a case may be transferred to, other than offices (`transferred.to`)."""
    categories: dict[Code, Labels] = {}
    """Kinds of services (`Service.category`)."""
    products: dict[Code, Labels] = {}
    """What is issued (`Service.product`, `issued.product`)."""
    examinations: dict[Code, Labels] = {}
    """What an applicant is examined by (`invited`, `examined`)."""
    remedies: dict[Code, Labels] = {}
    """What can be done against a decision (`decided.remedy`)."""


class Catalogue(Struct, frozen=True, kw_only=True):
    """Everything, by code."""

    services: dict[str, Service]
    offices: dict[str, Office]
    reasons: dict[str, Text]
    reason_uses: dict[str, tuple[str, ...]] = {}
    """The reason codes that fit a use, in the order of the file; the uses are the fields of `ReasonWords`."""
    names: Names = Names()
    choosing: Choosing | None = None
    how_to_pay: HowToPay | None = None
