"""The catalogue: what an office offers, as data. A service or an office is added by adding a YAML file here.

Layout: `services/<code>.yaml` one `Service` each, `offices/<code>.yaml` one `Office` each, `reasons.yaml` the words
of every reason code. `load()` reads and checks all of it, including references between the files.
"""

import datetime as dt
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from contracts.facts import Amount, Code, Currency, Labels

_T = TypeVar("_T")
FactName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z_]+(:[a-z][a-z0-9_.-]*)?$",
        description="A fact by its short name, e.g. `fee_paid`, or `stage_recorded:<stage>`.",
    ),
]


class Text(Struct, frozen=True, kw_only=True):
    """Longer words in Indonesian and English; `{name}` are placeholders."""

    id: str
    en: str


class Requirement(Struct, frozen=True, kw_only=True):
    """A document that the applicant brings."""

    code: Code
    labels: Labels
    help: Text | None = None
    accepts: list[Labels] = []
    """Which documents meet it, where any one of several does."""
    mandatory: bool = True
    """False: only in the case that `help` describes."""


class Fee(Struct, frozen=True, kw_only=True):
    """One fee; the applicable one is that whose validity holds on the day of assessment."""

    code: Code
    labels: Labels
    amount: Amount
    legal_basis: str
    valid_from: dt.date
    valid_until: dt.date | None = None
    currency: Currency = "IDR"
    charged: Literal["always", "when_applicable"] = "always"
    """`when_applicable`: the officer adds it when its condition holds (`condition`)."""
    condition: Text | None = None
    source: Literal["official", "secondary"] = "official"
    group: Code | None = None
    """Fees of one group are alternatives: exactly one of them is charged, e.g. one book of `book`."""


class DeadlineRule(Struct, frozen=True, kw_only=True):
    """A legal or promised time limit, in one version of the rule."""

    code: Code
    version: Annotated[int, Meta(ge=1)]
    labels: Labels
    start: FactName
    end: FactName
    length: Annotated[int, Meta(ge=0)]
    unit: Literal["working_days", "calendar_days", "hours"]
    legal_basis: str
    valid_from: dt.date
    valid_until: dt.date | None = None
    paused_by: tuple[Literal["documents_requested", "paused", "transferred"], ...] = ("documents_requested", "paused")
    restarts: bool = False
    """True: a later start event starts the clock anew."""


class Stage(Struct, frozen=True, kw_only=True):
    """A step of the declared process, in order; reached when its fact happened."""

    code: Code
    labels: Labels
    reached_by: FactName
    optional: bool = False
    what_happens: Text | None = None


class Service(Struct, frozen=True, kw_only=True):
    """One service of an office."""

    code: Code
    version: Annotated[int, Meta(ge=1)]
    labels: Labels
    summary: Text
    category: Code
    product: Code
    requirements: list[Requirement]
    procedure: list[Text]
    fees: list[Fee]
    deadlines: list[DeadlineRule]
    stages: list[Stage]
    handled_by: Literal["jejak", "external"] = "jejak"
    """`external`: another system decides; its events are admitted and no case is opened here."""
    published: bool = True
    """False: not offered to applicants (history of an older system, or figures still unverified)."""


class Office(Struct, frozen=True, kw_only=True):
    """One office."""

    code: Code
    prefix: Annotated[str, Meta(pattern=r"^[A-Z]{3}$", description="Begins its tracking numbers.")]
    labels: Labels
    source: Annotated[str, Meta(description="CloudEvents source of its systems, e.g. `//lebong.imigrasi.go.id`.")]
    time_zone: str
    holidays: Annotated[str, Meta(pattern=r"^[A-Z]{2}$", description="ISO 3166 country of its calendar.")]
    services: list[Code] = []
    """Which services it offers; empty: all that are published."""


class Catalogue(Struct, frozen=True, kw_only=True):
    """Everything, by code."""

    services: dict[str, Service]
    offices: dict[str, Office]
    reasons: dict[str, Text]


class CatalogueError(ValueError):
    """A file of the catalogue is wrong; the message names file, place and what to do."""


@cache
def load(folder: Path = Path(__file__).parent) -> Catalogue:
    """The catalogue under `folder`. Raises `CatalogueError` naming the file and the place of the first fault."""
    services = [_read(path, Service) for path in sorted((folder / "services").glob("*.yaml"))]
    offices = [_read(path, Office) for path in sorted((folder / "offices").glob("*.yaml"))]
    return Catalogue(
        services={service.code: service for service in services},
        offices={office.code: office for office in offices},
        reasons={
            code: text
            for use in _read(folder / "reasons.yaml", dict[Code, dict[Code, Text]]).values()
            for code, text in use.items()
        },
    )


def _read(path: Path, kind: type[_T]) -> _T:
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=kind)
    except (msgspec.DecodeError, OSError) as error:
        raise CatalogueError(f"{path.name}: {error}") from error
