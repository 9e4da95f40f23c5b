"""What a search is asked for in the portal: the status service's own parameters, with days where it takes instants. Pure.

`submitted_from=2026-03-02` is the beginning of that day at the office, `submitted_to=2026-03-02` its end; an instant with its
zone stays what it is.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from services.portal.language import N_

WORDS: Final[Mapping[str, str]] = {
    "service": N_("Nama layanan"),
    "office": N_("Kantor tujuan"),
    "stage": N_("Tahap terjauh (kode)"),
    "situation": N_("Keadaan (kode)"),
    "desk": N_("Meja (kode)"),
    "waits_for": N_("Yang ditunggu"),
    "state": N_("Terbuka atau selesai"),
    "overdue": N_("Hanya yang lewat batas waktu"),
    "deviation": N_("Penyimpangan (kode, atau any)"),
    "counted": N_("Dihitung statistik sebagai"),
    "counted_rule": N_("Aturan batas waktu (kode)"),
    "counted_stage": N_("Tahap (kode)"),
    "counted_desk": N_("Meja (kode)"),
    "counted_party": N_("Pihak yang ditunggu"),
    "sort": N_("Urutan hasil"),
    "cursor": N_("Halaman hasil"),
}
"""What the parameters are called on the page."""
PERIODS: Final[Mapping[str, str]] = {
    "submitted": N_("Diajukan"),
    "last_event": N_("Kejadian terakhir"),
    "due": N_("Batas waktu"),
    "waiting": N_("Menunggu sejak"),
    "ended": N_("Berakhir"),
    "counted": N_("Dihitung"),
}
FIGURES: Final[Mapping[str, str]] = {
    "submitted": N_("diajukan"),
    "approved": N_("disetujui"),
    "refused": N_("ditolak"),
    "issued": N_("diterbitkan"),
    "collected": N_("diambil"),
    "withdrawn": N_("ditarik"),
    "met": N_("batas waktu terpenuhi"),
    "missed": N_("batas waktu lewat"),
    "left": N_("meninggalkan tahap"),
    "waited": N_("menunggu di dalam masa itu"),
    "open": N_("terbuka pada akhir masa"),
}
SORTS: Final[Mapping[str, str]] = {
    "-last_event": N_("kejadian terbaru dahulu"),
    "last_event": N_("kejadian terlama dahulu"),
    "due": N_("batas waktu terdekat dahulu"),
    "-due": N_("batas waktu terjauh dahulu"),
    "submitted": N_("diajukan paling awal dahulu"),
    "-submitted": N_("diajukan terbaru dahulu"),
    "number": N_("menurut nomor"),
}
_INSTANTS: Final = tuple(f"{name}_{end}" for name in PERIODS for end in ("from", "to"))
EMPTY_MEANS_NONE: Final = frozenset({"desk", "stage", "counted_stage", "counted_desk"})
"""Parameters whose empty value says something (no desk yet) where it comes from a figure; from the form it says nothing."""
FILTERS: Final = (*[name for name in WORDS if name not in ("sort", "cursor")], *_INSTANTS)


def asked(query: Mapping[str, str], zone: ZoneInfo) -> dict[str, str]:
    """The parameters for the status service. What does not make sense is left as it is: the service names it."""
    from_form = "dari_formulir" in query
    found = {}
    for name in (*FILTERS, "sort", "cursor"):
        if (text := query.get(name)) is None:
            continue
        text = text.strip()
        if not text and (from_form or name not in EMPTY_MEANS_NONE):
            continue
        found[name] = _instant(name, text, zone) if name in _INSTANTS else text
    return found


def _instant(name: str, text: str, zone: ZoneInfo) -> str:
    try:
        day = date.fromisoformat(text)
        begin = day + timedelta(days=1) if name.endswith("_to") else day
    except (ValueError, OverflowError):
        return text.replace(" ", "+")  # a `+` that a URL turned into a space
    return datetime(begin.year, begin.month, begin.day, tzinfo=zone).isoformat()


def selection(params: Mapping[str, str]) -> str:
    """The query that means the same cases, without order and place."""
    return urlencode({name: value for name, value in params.items() if name in FILTERS})


def label(name: str) -> str:
    """What a parameter is called (Indonesian source)."""
    if name in WORDS:
        return WORDS[name]
    return PERIODS.get(name.rpartition("_")[0], name)
