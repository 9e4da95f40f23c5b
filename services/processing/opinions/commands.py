"""What officers can command about opinions, and what the other body sends."""

from typing import Annotated

from msgspec import Meta, Struct

from contracts.facts import Code, Instant, Reason
from services.processing.opinions.events import Digest, Outcome


class AskOpinion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask another body for its opinion. Whoever asks makes the link's secret and sends its SHA-256 only."""

    body: Code
    question: Code
    link: Digest
    requirements: Annotated[list[Code], Meta(max_length=20)] = []
    answer_by: Instant | None = None
    """Empty: the office's usual time."""


class ReissueOpinionLink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Give an opinion that is still awaited a new link; the earlier one is no longer good."""

    opinion: Annotated[int, Meta(ge=1)]
    link: Digest
    answer_by: Instant | None = None


class WithdrawOpinion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No longer ask for an opinion; its link ends."""

    opinion: Annotated[int, Meta(ge=1)]


class GiveOpinion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The other body's answer: by reason codes, no free text."""

    outcome: Outcome
    reasons: Annotated[list[Reason], Meta(min_length=1, max_length=10)]
