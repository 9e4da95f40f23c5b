"""The permit log as applications of the status service: read by the importer's mapping, folded by the service's fold."""

from collections.abc import Iterator
from pathlib import Path

from contracts import catalogue
from services.intake.history.command import staged, translation
from services.intake.history.events import HistoryEvent
from services.intake.history.mapping import load_mapping
from services.status.domain import declare, evolve
from services.status.expected.expected import Case, History, case_of
from services.status.folding.procedure import UNDECLARED, procedures_of
from services.status.folding.progress import Progress
from services.status.folding.reading import in_us, read

EXAMPLE = Path(__file__).parents[2] / "examples" / "permit-receipts"
PERMITS = Path(__file__).parents[3] / "shared" / "data" / "permit-receipts.csv.gz"


def permit_history() -> History:
    """Every application of the log."""
    mapping = load_mapping(EXAMPLE / "mapping.yaml")
    procedures = procedures_of(catalogue.load(extra=mapping.catalogue_folders).services)
    translated = translation(mapping, office=mapping.file.office, number_key=bytes(32))
    progress: dict[str, Progress] = {}
    for _, event in sorted(_events(staged(PERMITS, mapping, translated)), key=lambda pair: pair[1].at_us):
        envelope, kind, data = read(event.body)
        application = progress.setdefault(event.number, Progress())
        procedure = procedures.get(application.service, UNDECLARED)
        at = in_us(envelope.time)
        evolve(application, procedure, kind.name, at, at, data)
        if procedure is UNDECLARED and application.service in procedures:
            declare(application, procedures[application.service])
    return History(_cases(progress, procedures[mapping.file.service]))


def _events(lines: Iterator[tuple[int, HistoryEvent | str]]) -> Iterator[tuple[int, HistoryEvent]]:
    for line, event in lines:
        if not isinstance(event, str):
            yield line, event


def _cases(progress: dict[str, Progress], procedure) -> Iterator[Case]:  # type: ignore[no-untyped-def]
    for application in progress.values():
        case = case_of(application, procedure)
        if case is not None:
            yield case
