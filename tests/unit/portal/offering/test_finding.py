"""Services are found by the words that people use."""

import msgspec
import pytest

from contracts.catalogue import load
from services.portal.catalogue import ServiceSummary
from services.portal.offering.finding import QUERY_CHARACTERS, find, words_of

CATALOGUE = load()
SERVICES = [
    ServiceSummary(**{field: getattr(one, field) for field in ServiceSummary.__struct_fields__ if field != "offices"})
    for one in CATALOGUE.services.values()
]


def found(query: str, category: str = "") -> list[str]:
    return [one.code for one in find(SERVICES, CATALOGUE.names, query, category).services]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("perpanjang paspor", "passport_replacement"),
        ("perpanjangan pasport", "passport_replacement"),
        ("paspor hilang", "passport_lost"),
        ("PASPOR  Anak", "passport_child"),
        ("kitas", "itas"),
        ("KITAP", "itap"),
        ("re-entry", "imk"),
        ("renew passport", "passport_replacement"),
        ("visa on arrival", "voa_extension"),
        ("splp", "travel_document"),
    ],
)
def test_what_people_type_finds_the_service_they_mean(query: str, first: str) -> None:
    assert found(query)[0] == first


def test_without_words_everything_of_the_category_is_shown_in_the_order_of_the_categories() -> None:
    assert len(found("")) == len(SERVICES)
    assert found("")[0].startswith("passport_")
    assert {CATALOGUE.services[code].category for code in found("", "stay_permit")} == {"stay_permit"}
    assert found("paspor", "stay_permit") == []


def test_where_no_service_fits_every_word_the_nearest_are_shown_and_said_to_be_so() -> None:
    nearest = find(SERVICES, CATALOGUE.names, "paspor hilang kemarin sore", "")
    assert nearest.services[0].code == "passport_lost"
    assert not nearest.all_words
    assert find(SERVICES, CATALOGUE.names, "zzzz", "").services == []
    assert find(SERVICES, CATALOGUE.names, "  ?! ", "").all_words


def test_accents_and_case_make_no_difference_and_a_long_query_is_cut() -> None:
    assert words_of("Pérpanjang  PASPOR!") == ["perpanjang", "paspor"]
    assert found("paspor " + "x" * QUERY_CHARACTERS * 1000) == found("paspor " + "x" * 50)


def test_a_summary_of_an_older_intake_is_read_all_the_same() -> None:
    old = {
        "code": "a", "version": 1, "labels": {"id": "A", "en": "A"}, "summary": {"id": "A", "en": "A"}, "category": "c",
        "offices": [], "fees": [], "new_field": 1,
    }  # fmt: skip
    assert msgspec.convert(old, ServiceSummary).who == []
