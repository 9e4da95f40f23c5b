"""A small catalogue in a folder of its own, to be spoilt by the tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

SERVICE: dict[str, Any] = {
    "code": "fishing_permit",
    "version": 1,
    "labels": {"id": "Izin memancing", "en": "Fishing permit"},
    "summary": {"id": "Untuk memancing di danau.", "en": "For fishing in the lake."},
    "category": "permit",
    "product": "permit",
    "requirements": [{"code": "identity_card", "labels": {"id": "KTP", "en": "Identity card"}}],
    "procedure": [{"id": "Ajukan permohonan.", "en": "Apply."}],
    "fees": [
        {
            "code": "small_boat",
            "labels": {"id": "Perahu kecil", "en": "Small boat"},
            "amount": 10000,
            "legal_basis": "Perda 1/2020",
            "valid_from": "2020-01-01",
            "group": "boat",
        },
        {
            "code": "large_boat",
            "labels": {"id": "Perahu besar", "en": "Large boat"},
            "amount": 30000,
            "legal_basis": "Perda 1/2020",
            "valid_from": "2020-01-01",
            "group": "boat",
        },
        {
            "code": "card",
            "labels": {"id": "Kartu", "en": "Card"},
            "amount": 500,
            "legal_basis": "Perda 1/2020",
            "valid_from": "2020-01-01",
        },
        {
            "code": "night",
            "labels": {"id": "Malam", "en": "Night"},
            "amount": 7000,
            "legal_basis": "Perda 1/2020",
            "valid_from": "2020-01-01",
            "charged": "when_applicable",
            "condition": {"id": "Bila memancing malam hari.", "en": "If you fish at night."},
        },
    ],
    "deadlines": [
        {
            "code": "permit_issue",
            "version": 1,
            "labels": {"id": "Siap dalam 2 hari kerja", "en": "Ready within 2 working days"},
            "start": "fee_paid",
            "end": "issued",
            "length": 2,
            "unit": "working_days",
            "legal_basis": "Perda 1/2020",
            "valid_from": "2020-01-01",
        }
    ],
    "stages": [
        {"code": "application", "labels": {"id": "Diajukan", "en": "Handed in"}, "reached_by": "submitted"},
        {
            "code": "lake_visit",
            "labels": {"id": "Kunjungan danau", "en": "Visit to the lake"},
            "reached_by": "stage_recorded:lake_visit",
            "optional": True,
        },
        {"code": "issue", "labels": {"id": "Terbit", "en": "Issued"}, "reached_by": "issued"},
    ],
}
OFFICE: dict[str, Any] = {
    "code": "danau",
    "prefix": "DNU",
    "labels": {"id": "Kantor Danau", "en": "Lake Office"},
    "source": "//danau.example",
    "time_zone": "Asia/Makassar",
    "holidays": "ID",
}
REASONS: dict[str, Any] = {
    "pause": {"storm": {"id": "Badai sampai {until}.", "en": "A storm until {until}."}},
    "refusal": {"no_fish": {"id": "Tidak ada ikan.", "en": "There are no fish."}},
}
NAMES: dict[str, Any] = {"agencies": {"harbour": {"id": "Pelabuhan", "en": "Harbour"}}}

Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write one file below the catalogue's folder, from a value or from text; gives its path."""

    def write_file(name: str, content: Any) -> Path:
        path = tmp_path / "catalogue" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))
        return path

    return write_file


@pytest.fixture
def folder(tmp_path: Path, write: Write) -> Path:
    """A folder with a valid catalogue of one service and one office."""
    write("services/fishing_permit.yaml", SERVICE)
    write("offices/danau.yaml", OFFICE)
    write("reasons.yaml", REASONS)
    write("names.yaml", NAMES)
    return tmp_path / "catalogue"
