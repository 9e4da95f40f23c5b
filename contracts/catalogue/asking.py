"""What applicants are asked: the questions of a service's form, those that lead to a service, and how a fee is paid."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from contracts.catalogue.texts import Text
from contracts.facts import Code, Labels


class Answer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One answer to a question of a form, and what it brings."""

    code: Code
    labels: Labels
    help: Text | None = None
    requirements: list[Code] = []
    """Requirements of the service, not mandatory otherwise, that this answer makes necessary."""
    fees: list[Code] = []
    """Fees of the service that this answer leads to, as far as the applicant can tell; the officer assesses the fee."""


class Question(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question of a service's form. One of `answers` is chosen; yes and no are answers like others."""

    code: Code
    labels: Labels
    """The question, as a sentence."""
    help: Text | None = None
    answers: Annotated[list[Answer], Meta(min_length=2)]


class Choice(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer that leads on: exactly one of `next` (a question) and `service`, or only `words` where neither fits."""

    code: Code
    labels: Labels
    help: Text | None = None
    next: Code | None = None
    service: Code | None = None
    words: Text | None = None
    """What to tell whoever answers so: the end of the questions, or a remark beside the service."""


class Crossroads(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question on the way to a service."""

    labels: Labels
    help: Text | None = None
    answers: Annotated[list[Choice], Meta(min_length=2)]


class Choosing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`choosing.yaml`: questions that lead to the right service, as a tree."""

    first: Code
    questions: dict[Code, Crossroads]


class PlaceToPay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a billing code is taken."""

    code: Code
    labels: Labels
    help: Text | None = None


class HowToPay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`paying.yaml`: how and where any fee is paid."""

    steps: list[Text]
    places: list[PlaceToPay]
    proof: Text | None = None
    """How a payer knows that the money arrived."""
    basis: Annotated[str, Meta(min_length=1)]
    """Where this is laid down."""
    source: Literal["official", "secondary"] = "official"
