"""What a board shows, ready for its template."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol
from urllib.parse import urlencode

from markupsafe import Markup
from msgspec import Struct

from services.portal.language import N_, Speech

PARTIES: Final = ("office", "applicant", "agency", "bank", "legal_pause")
PARTY_NAMES: Final = {
    "office": N_("Petugas kantor"),
    "applicant": N_("Pemohon"),
    "agency": N_("Instansi lain"),
    "bank": N_("Laporan bank"),
    "legal_pause": N_("Jeda menurut aturan"),
    "nobody": N_("Tidak ada (selesai)"),
}


class Says(Protocol):
    """As much of a visit as a view needs."""

    @property
    def speech(self) -> Speech:
        """How the visitor's language puts things."""
        ...

    def _(self, text: str, /, **values: object) -> str: ...

    def text(self, words: Any) -> str:
        """`{id, en}` in the visitor's language."""
        ...

    def url(self, path: str) -> str:
        """A path of ours in the visitor's language."""
        ...


class Cell(Struct, frozen=True):
    """A cell of a table; `href` leads to the cases behind it."""

    text: str
    href: str = ""


class Legend(Struct, frozen=True):
    """What a part of the bars is. `kind`: its class in the style sheet."""

    kind: str
    label: str


class Chart(Struct, frozen=True, kw_only=True):
    """One question, its answer in a sentence, the picture, the table. Without rows: nothing to show, and `finding` says why."""

    question: str
    finding: str
    svg: Markup = Markup()
    legend: Sequence[Legend] = ()
    head: Sequence[str] = ()
    rows: Sequence[Sequence[Cell]] = ()
    way: Cell | None = None
    """Where to go on, in place of a picture."""
    notes: Sequence[str] = ()


class Cases:
    """Addresses of the cases behind figures: `path` is where this visitor may look at them."""

    def __init__(self, visit: Says, path: str, common: Mapping[str, str]) -> None:
        self._visit = visit
        self._path = path
        self._common = common

    def of(self, **conditions: str | None) -> str:
        """Those that fit `conditions` (parameters of the search), and what the whole board is narrowed to."""
        given = {name: value for name, value in conditions.items() if value is not None}
        return self._visit.url(f"{self._path}?{urlencode({**self._common, **given})}")

    def counted(
        self, what: str, begin: datetime, end: datetime, *, parts: Mapping[str, str | None] | None = None, **more: str | None
    ) -> str:  # fmt: skip
        """Those that statistics counted as `what` from `begin` to before `end`."""
        named = {f"counted_{name}": value for name, value in (parts or {}).items()}
        return self.of(counted=what, counted_from=begin.isoformat(), counted_to=end.isoformat(), **named, **more)


def of_parts(many: int, whole: int, visit: Says) -> str:
    """`12 dari 240`."""
    number = visit.speech.number
    return visit._("%(many)s dari %(whole)s", many=number(many), whole=number(whole))


def percent(share: float | None, visit: Says) -> str:
    """`93 %`; a dash of nothing."""
    return "–" if share is None else f"{visit.speech.number(round(share * 100, 1))} %"
