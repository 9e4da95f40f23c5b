"""What happens around a case and not to it: the stream `handling:<number>`. Internal, never published.

A stream of its own, so that a colleague's claim or a call to the help desk makes no officer's work stale. Officers are
named by a pseudonym (`officer_code`), never by name or sign-in.
"""

from typing import Annotated, ClassVar

from msgspec import Meta

from contracts.facts import Actor, Code, Fact, Instant, Reason

Officer = Annotated[Code, Meta(description="An officer's pseudonym, the same for the same sign-in.")]


class CaseClaimed(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """An officer took the case."""

    TYPE: ClassVar[str] = "id.jejak.processing.case_claimed.v1"
    officer: Officer
    by: Actor


class CaseReleased(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """Nobody has the case any more; whoever is free may take it."""

    TYPE: ClassVar[str] = "id.jejak.processing.case_released.v1"
    by: Actor


class CaseAssigned(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """The case was handed to an officer, or to a desk of which any officer may take it."""

    TYPE: ClassVar[str] = "id.jejak.processing.case_assigned.v1"
    by: Actor
    officer: Officer | None = None
    desk: Code | None = None


class CaseEscalated(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """A legal deadline is near: the supervisor is to see to it. Once for each run of a deadline rule."""

    TYPE: ClassVar[str] = "id.jejak.processing.case_escalated.v1"
    rule: Annotated[Code, Meta(description="The deadline rule.")]
    started_at: Annotated[Instant, Meta(description="When the rule's clock began: what tells its runs apart.")]
    deadline: Annotated[Instant, Meta(description="The deadline as it was then.")]
    by: Actor


class CaseLookedInto(Fact, frozen=True, kw_only=True, omit_defaults=True):
    """An officer opened the case for a reason of the help desk."""

    TYPE: ClassVar[str] = "id.jejak.processing.case_looked_into.v1"
    officer: Officer
    reason: Annotated[Reason, Meta(description="Why, by a code of the catalogue's `case_opening`.")]
    by: Actor
