"""What is shown of opinions: to officers, and to the body that is asked."""

from datetime import datetime

from msgspec import Struct

from contracts.catalogue import Text
from contracts.facts import Labels
from services.processing.shapes import Named, OpinionView, WordedReason

__all__ = ["Choice", "OpinionQuestion", "OpinionView"]


class Choice(Struct, frozen=True):
    """A reason code that fits, with its words."""

    code: str
    words: Text


class OpinionQuestion(Struct, frozen=True, kw_only=True):
    """What a body is asked. No personal data: what it needs of the person it has, or asks the office for."""

    number: str
    service: Named
    office: Labels
    body: Named
    question: WordedReason
    documents: list[Named]
    """The documents that it is about, by what they are."""
    asked_at: datetime
    answer_by: datetime
    expires_at: datetime
    late: bool
    answered_at: datetime | None
    outcome: str | None
    answers: dict[str, list[Choice]]
    """The reasons that fit each outcome: `favourable`, `unfavourable`, `needs_more`."""
