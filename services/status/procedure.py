"""The declared process of a service, made ready for folding events: which facts must come before which."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from contracts.catalogue import Service


class Procedure(Struct, frozen=True):
    """A service's stages in order, and for each fact the mandatory stages that the service puts before it."""

    stages: tuple[tuple[str, str, bool], ...] = ()
    """(stage code, the fact that reaches it, optional) in the declared order."""
    needs: dict[str, tuple[tuple[str, str], ...]] = {}
    """fact → (fact, stage code) of each mandatory stage before it."""
    stage_of: dict[str, str] = {}
    """fact → code of the stage that it reaches."""


UNDECLARED: Final = Procedure()
"""Of a service that the catalogue does not have: nothing is expected, so nothing deviates."""


def procedure_of(service: Service) -> Procedure:
    """The procedure that `service` declares."""
    stages = tuple((stage.code, stage.reached_by, stage.optional) for stage in service.stages)
    needs = {
        fact: tuple((earlier, code) for code, earlier, optional in stages[:place] if not optional)
        for place, (_, fact, _) in enumerate(stages)
    }
    return Procedure(stages, needs, {fact: code for code, fact, _ in stages})


def procedures_of(services: Mapping[str, Service]) -> dict[str, Procedure]:
    """By service code."""
    return {code: procedure_of(service) for code, service in services.items()}
