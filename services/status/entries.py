"""The events of a timeline as the API shows them."""

from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from contracts.facts import FACTS, Actor, Decided
from services.status import words
from services.status.domain import REPORTED_LATE
from services.status.reading import in_us
from services.status.telling import Telling
from services.status.views import Deviation, Presenter
from services.status.words import Text, templates


class By(Struct, frozen=True, omit_defaults=True):
    """Who did it: role, office and desk, never the person."""

    role: str
    role_labels: Text
    office: str | None = None
    office_labels: Text | None = None
    desk: str | None = None


class Entry(Struct, frozen=True):
    """One event on a timeline."""

    n: int
    """From 1, in the order of the log."""
    type: str
    occurred_at: datetime
    recorded_at: datetime
    by: By
    title: Text
    text: Text
    deviations: list[Deviation]
    source: str
    id: str


class TimelineView(Struct, frozen=True):
    """A page of a timeline; the `Link` header leads to the next one."""

    number: str
    entries: list[Entry]


_DECODERS: Final = {name.split(".")[-2]: msgspec.json.Decoder(fact) for name, fact in FACTS.items()}


def _decoded(fact: str, data: bytes) -> Any:
    """The typed data of a timeline row; nothing where it holds what the fold did not need and does not fit its type."""
    try:
        return _DECODERS[fact].decode(data)
    except msgspec.DecodeError:
        return None


class Entries:
    """Puts timeline rows into words."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter

    def entry(self, row: Any, service: str, office: str) -> Entry:
        """One timeline row, of an application for `service` at `office`."""
        stages = self._presenter.stage_labels(service)
        data = _decoded(row["fact"], row["data"])
        title, text = self._words(row, data, service, office)
        return Entry(
            n=row["n"],
            type=row["fact"],
            occurred_at=row["occurred"],
            recorded_at=row["recorded"],
            by=self._by(data.by if data else None),
            title=title,
            text=text,
            deviations=[
                Deviation(code, words.deviation(code, stages))
                for code in row["deviations"] or ()
                if code != REPORTED_LATE
            ],
            source=row["source"],
            id=row["event_id"],
        )

    def _by(self, actor: Actor | None) -> By:
        roles = templates().roles
        if actor is None:
            return By("system", roles["system"])
        return By(
            actor.role,
            roles.get(actor.role, roles["system"]),
            actor.office,
            words.body(self._presenter.catalogue, actor.office) if actor.office else None,
            actor.desk,
        )

    def _words(self, row: Any, data: Any, service: str, office: str) -> tuple[Text, Text]:
        known = self._presenter.catalogue.services.get(service)
        of_fact = templates().facts[row["fact"]]
        if data is None:
            title = of_fact.get("bare_title", of_fact["title"])
            return title, templates().terms["details_unreadable"]
        values = Telling(self._presenter, known, self._presenter.zone(office)).values(row["fact"], data)
        text = of_fact[data.outcome if isinstance(data, Decided) else "text"].fill(**values)
        if REPORTED_LATE in (row["deviations"] or ()):
            late = of_fact["late"].fill(delay=words.duration(in_us(row["recorded"]) - in_us(row["occurred"])))
            text = Text(f"{text.id} {late.id}", f"{text.en} {late.en}")
        return of_fact["title"].fill(**values), text
