"""The catalogue: what an office offers, as data. A service or an office is added by adding a YAML file here.

Layout: `services/<code>.yaml` one `Service` each, `offices/<code>.yaml` one `Office` each, `reasons.yaml` the words
of every reason code, `names.yaml` what other codes are called, `choosing.yaml` the questions that lead to a service,
`paying.yaml` how fees are paid. `load()` reads and checks all of it, including references between the files.
`docs/catalogue.md` explains every field.
"""

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from contracts.catalogue.asking import (
    Answer,
    Choice,
    Choosing,
    Crossroads,
    HowToPay,
    PlaceToPay,
    Question,
)
from contracts.catalogue.checks import faults_between, faults_of_office, faults_of_service, faults_of_words
from contracts.catalogue.checks_asking import faults_of_choosing, faults_of_several
from contracts.catalogue.lookup import (
    FeeChoiceError,
    answers_to,
    assess,
    body_labels,
    deadlines_on,
    fact_name,
    fees_on,
    reason_words,
    requirements_after,
    services_of,
    stage_reached_by,
)
from contracts.catalogue.reading import CatalogueError, Entry
from contracts.catalogue.schema import (
    Catalogue,
    DeadlineRule,
    FactName,
    Fee,
    Language,
    Names,
    Office,
    ReasonWords,
    Requirement,
    Service,
    Stage,
)
from contracts.catalogue.texts import Text
from contracts.catalogue.visiting import (
    Assistance,
    ContactChannel,
    Facility,
    FrequentQuestion,
    HoursOn,
    Position,
    Visiting,
    Week,
)
from contracts.facts import Labels

__all__ = [
    "Answer", "Assistance", "Catalogue", "CatalogueError", "Choice", "Choosing", "ContactChannel", "Crossroads",
    "DeadlineRule", "Facility", "FactName", "Fee", "FeeChoiceError", "FrequentQuestion", "HoursOn", "HowToPay",
    "Language", "Names", "Office", "PlaceToPay", "Position", "Question", "ReasonWords", "Requirement", "Service",
    "Stage", "Text", "Visiting", "Week", "additions", "answers_to", "assess", "body_labels", "deadlines_on",
    "fact_name", "fees_on", "load", "reason_words", "requirements_after", "services_of", "stage_reached_by",
]  # fmt: skip


def load(folder: Path = Path(__file__).parent, extra: Sequence[Path] = ()) -> Catalogue:
    """The catalogue under `folder`, with what `extra` adds: a YAML file (one service) or a folder of this layout.

    Raises `CatalogueError` with a line for each fault, naming file, line and place: those of the first file that does
    not fit the schema, otherwise those of all files. Read once for the same arguments.
    """
    return _load(folder, tuple(extra))


def additions(text: str) -> tuple[Path, ...]:
    """What a setting such as `JEJAK_CATALOGUE_EXTRA` adds: files and folders separated as in `PATH`, for `load(extra=…)`.

    Raises `CatalogueError` for one that is not there.
    """
    paths = tuple(Path(part) for part in text.split(os.pathsep) if part)
    if missing := [str(path) for path in paths if not path.exists()]:
        raise CatalogueError(f"no such file or folder in the additions to the catalogue: {', '.join(missing)}")
    return paths


@cache
def _load(folder: Path, extra: tuple[Path, ...]) -> Catalogue:
    folders = [folder, *(path for path in extra if path.is_dir())]
    files = [path for path in extra if not path.is_dir()]
    services = [Entry(path, Service) for path in [*_files(folders, "services/*.yaml"), *files]]
    offices = [Entry(path, Office) for path in _files(folders, "offices/*.yaml")]
    reasons = [Entry(path, ReasonWords) for path in _files(folders, "reasons.yaml")]
    names = [Entry(path, Names) for path in _files(folders, "names.yaml")]
    choosing = [Entry(path, Choosing) for path in _files(folders, "choosing.yaml")]
    paying = [Entry(path, HowToPay) for path in _files(folders, "paying.yaml")]
    if not services:
        raise CatalogueError(f"{folder}: has no services; expected files such as services/passport_new.yaml")
    faults = [
        *(entry.describe(fault) for entry in services for fault in faults_of_service(entry)),
        *(entry.describe(fault) for entry in offices for fault in faults_of_office(entry)),
        *(entry.describe(fault) for entry in reasons for fault in faults_of_words(entry, placeholders=True)),
        *(entry.describe(fault) for entry in names for fault in faults_of_words(entry, placeholders=False)),
        *(entry.describe(fault) for entry in choosing for fault in faults_of_words(entry, placeholders=False)),
        *(entry.describe(fault) for entry in paying for fault in faults_of_words(entry, placeholders=False)),
        *faults_between(services, offices, reasons, names),
        *(entry.describe(fault) for entry in choosing for fault in faults_of_choosing(entry, services)),
        *faults_of_several(choosing, paying),
    ]
    if faults:
        raise CatalogueError("\n".join(faults))
    words = [_by_use(entry.value) for entry in reasons]
    return Catalogue(
        services={entry.value.code: entry.value for entry in services},
        offices={entry.value.code: entry.value for entry in offices},
        reasons={code: text for uses in words for texts in uses.values() for code, text in texts.items()},
        reason_uses={use: tuple(code for uses in words for code in uses[use]) for use in ReasonWords.__struct_fields__},
        names=Names(**{field: _merged(names, field) for field in Names.__struct_fields__}),
        choosing=choosing[0].value if choosing else None,
        how_to_pay=paying[0].value if paying else None,
    )


def _files(folders: Sequence[Path], pattern: str) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.glob(pattern))]


def _by_use(words: ReasonWords) -> dict[str, dict[str, Text]]:
    return {use: getattr(words, use) for use in ReasonWords.__struct_fields__}


def _merged(entries: Sequence[Entry[Names]], section: str) -> dict[str, Labels]:
    return {code: labels for entry in entries for code, labels in getattr(entry.value, section).items()}
