"""What officers can command: the bodies of `POST /cases/{number}/{command}`."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from contracts.facts import Code, Instant, LegalBasis, Reason, Remedy, RequestedDocument
from services.processing.opinions.commands import AskOpinion, ReissueOpinionLink, WithdrawOpinion


def _check_calendar(*instants: datetime | None) -> None:
    """At the ends of the calendar an offset may leave it: such a time cannot be stored. Raises ValueError."""
    for instant in instants:
        try:
            _ = instant and instant.astimezone(UTC)
        except OverflowError:
            raise ValueError("a time lies outside the years 1 to 9999 in UTC") from None


class RequestDocuments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask the applicant for documents."""

    documents: Annotated[list[RequestedDocument], Meta(min_length=1, max_length=50)]
    answer_by: Instant | None = None
    """Until when an answer is awaited; empty: the office's usual time."""

    def __post_init__(self) -> None:
        _check_calendar(self.answer_by)


class VerifyDocuments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Accept the documents as complete and genuine."""


class AssessFee(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Set the fee. Fees that are always charged and have no alternative need not be named."""

    fees: Annotated[list[Code], Meta(max_length=20)] = []


class Invite(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Invite the applicant to an examination."""

    examination: Code
    at: Instant

    def __post_init__(self) -> None:
        _check_calendar(self.at)


class Examine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Note which examinations were done."""

    examinations: Annotated[list[Code], Meta(min_length=1, max_length=10)]


class Decide(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Approve or refuse."""

    outcome: Literal["approved", "refused"]
    reasons: Annotated[list[Reason], Meta(max_length=20)] = []
    remedy: Remedy | None = None
    """What can be done against a refusal; empty: the office's usual remedy."""


class Issue(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Note that the product is ready."""

    product: Code | None = None
    """Empty: the service's product."""
    valid_until: date | None = None
    collect_by: Instant | None = None
    """Empty: the office's usual time."""

    def __post_init__(self) -> None:
        _check_calendar(self.collect_by)


class HandOver(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Note that it was handed over."""

    to: Literal["applicant", "representative"] = "applicant"


class Pause(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let the case rest."""

    reason: Reason
    legal_basis: LegalBasis | None = None


class Resume(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let the case go on."""


class Transfer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Hand the case to another office or agency, or take it back."""

    to: Code
    reason: Reason


class SettlePaymentProblem(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Note that a payment that did not settle the fee was put right."""

    problem: Annotated[int, Meta(ge=1)]
    """Which one: its `version` in the list of payment problems."""
    reason: Reason
    """How: a code of the catalogue's `payment_settlement`."""


Command = (
    RequestDocuments | VerifyDocuments | AssessFee | Invite | Examine | Decide | Issue | HandOver | Pause | Resume
    | Transfer | SettlePaymentProblem | AskOpinion | ReissueOpinionLink | WithdrawOpinion
)  # fmt: skip
