"""The declared process of a service, made ready for folding events: which facts must come before which."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

if TYPE_CHECKING:  # the workers of a rebuild are given procedures, and start faster without the catalogue
    from contracts.catalogue import Service


class Procedure(Struct, frozen=True):
    """A service's stages in order. A set of stages is a bit mask: bit 0 is the first stage."""

    stages: tuple[tuple[str, str, bool], ...] = ()
    """(stage code, the fact that reaches it, optional) in the declared order."""
    steps: dict[str, tuple[int, int]] = {}
    """fact → (the stages that it reaches, the mandatory stages that the service puts before it)."""
    stage_of: dict[str, str] = {}
    """fact → code of the stage that it reaches."""

    def codes(self, mask: int) -> list[str]:
        """The codes of the stages in `mask`."""
        return [code for place, (code, _, _) in enumerate(self.stages) if mask >> place & 1]

    def mask(self, facts: Mapping[str, int]) -> int:
        """The stages that `facts` reach."""
        mask = 0
        for fact, (reaches, _) in self.steps.items():
            if fact in facts:
                mask |= reaches
        return mask


UNDECLARED: Final = Procedure()
"""Of a service that the catalogue does not have: nothing is expected, so nothing deviates."""


def procedure_of(service: Service) -> Procedure:
    """The procedure that `service` declares."""
    stages = tuple((stage.code, stage.reached_by, stage.optional) for stage in service.stages)
    steps: dict[str, tuple[int, int]] = {}
    before = 0
    for place, (_, fact, optional) in enumerate(stages):
        reaches, needs = steps.get(fact, (0, before))
        steps[fact] = (reaches | 1 << place, needs)
        before |= 0 if optional else 1 << place
    return Procedure(stages, steps, {fact: code for code, fact, _ in stages})


def procedures_of(services: Mapping[str, Service]) -> dict[str, Procedure]:
    """By service code."""
    return {code: procedure_of(service) for code, service in services.items()}
