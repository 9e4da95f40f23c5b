"""What a catalogue says that the projection depends on."""

from typing import NamedTuple

from contracts.catalogue import Catalogue
from services.status.clocks.clockwork import ClockRules, clock_rules
from services.status.folding.procedure import Procedure, procedures_of
from services.status.store.generations import version_of


class Definitions(NamedTuple):
    """The declared processes and the rules of the clocks, as data that can be sent to the workers of a rebuild."""

    procedures: dict[str, Procedure]
    rules: ClockRules
    version: str
    """Of what this code and these definitions make of the log."""


def definitions_of(catalogue: Catalogue) -> Definitions:
    """The definitions of a catalogue."""
    return Definitions(procedures_of(catalogue.services), clock_rules(catalogue), version_of(catalogue))
