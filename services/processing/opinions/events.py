"""What a case remembers of the opinions asked of other bodies. Internal; what the applicant sees of it is a `stage_recorded`."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from contracts.facts import Actor, Code, Fact, Instant, Reason

Digest = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{43}$(?!\n)",
        description="SHA-256 of the link's secret, base64url without padding. The secret itself is never sent here.",
    ),
]
Outcome = Literal["favourable", "unfavourable", "needs_more"]


class OpinionAsked(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Another body was asked for its opinion. The version of the case that this event makes names the opinion."""

    TYPE: ClassVar[str] = "id.jejak.processing.opinion_asked.v1"
    body: Annotated[Code, Meta(description="Which body, by its code among the catalogue's agencies.")]
    question: Annotated[Reason, Meta(description="On what, by a code of the catalogue's `opinion_question`.")]
    answer_by: Annotated[Instant, Meta(description="Until when an answer is awaited.")]
    expires_at: Annotated[Instant, Meta(description="Until when the link can be used: some time after that.")]
    link: Digest
    by: Actor
    requirements: Annotated[list[Code], Meta(description="The documents that it is about.")] = msgspec.field(
        default_factory=list
    )


class OpinionLinkReissued(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The opinion has a new link; the earlier ones are no longer good."""

    TYPE: ClassVar[str] = "id.jejak.processing.opinion_link_reissued.v1"
    opinion: Annotated[int, Meta(ge=1)]
    answer_by: Instant
    expires_at: Instant
    link: Digest
    by: Actor


class OpinionWithdrawn(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The opinion is no longer asked for."""

    TYPE: ClassVar[str] = "id.jejak.processing.opinion_withdrawn.v1"
    opinion: Annotated[int, Meta(ge=1)]
    by: Actor


class OpinionGiven(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The body answered, once."""

    TYPE: ClassVar[str] = "id.jejak.processing.opinion_given.v1"
    opinion: Annotated[int, Meta(ge=1)]
    outcome: Outcome
    reasons: list[Reason]
    by: Actor


class OpinionLinkReserved(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The one event of a stream `opinion:<digest>`: by this link the opinion of its subject is answered."""

    TYPE: ClassVar[str] = "id.jejak.processing.opinion_link_reserved.v1"
    opinion: Annotated[int, Meta(ge=1)]
