"""The catalogue that is delivered: its figures, its words, its completeness."""

import datetime as dt
from itertools import chain
from typing import Any

import msgspec
import pytest

from contracts.catalogue import assess, deadlines_on, fees_on, load, reason_words, services_of
from contracts.facts import Reason

CATALOGUE = load()
DAY = dt.date(2026, 3, 2)

SUMS = [
    ("passport_new", ["book_non_electronic_5y"], 350_000),
    ("passport_new", ["book_non_electronic_10y"], 650_000),
    ("passport_new", ["book_electronic_5y"], 650_000),
    ("passport_new", ["book_electronic_10y"], 950_000),
    ("passport_replacement", ["book_electronic_10y"], 950_000),
    ("passport_child", ["book_non_electronic_5y"], 350_000),
    ("passport_child", ["book_electronic_5y"], 650_000),
    ("passport_same_day", ["book_non_electronic_5y"], 1_350_000),
    ("passport_same_day", ["book_electronic_10y"], 1_950_000),
    ("passport_lost", ["book_electronic_10y", "lost_passport"], 1_950_000),
    ("passport_lost", ["book_electronic_10y", "lost_passport_force_majeure"], 950_000),
    ("passport_damaged", ["book_non_electronic_5y", "damaged_passport"], 850_000),
    ("passport_damaged", ["book_non_electronic_5y", "damaged_passport_force_majeure"], 350_000),
    ("travel_document", ["splp_citizen"], 100_000),
    ("travel_document", ["splp_foreigner"], 150_000),
    ("itk", ["itk_7d"], 250_000),
    ("itk", ["itk_14d"], 350_000),
    ("itk", ["itk_30d"], 500_000),
    ("itk_extension", ["itk_90d"], 1_500_000),
    ("itk_extension", ["itk_180d"], 2_000_000),
    ("voa_extension", [], 500_000),
    ("itas", ["itas_60d"], 1_000_000),
    ("itas", ["itas_90d"], 1_500_000),
    ("itas", ["itas_6m"], 2_000_000),
    ("itas_extension", ["itas_1y"], 3_000_000),
    ("itas_extension", ["itas_2y"], 5_000_000),
    ("itas_extension", ["itas_5y"], 7_000_000),
    ("itap", [], 7_000_000),
    ("imk", ["imk_30d"], 300_000),
    ("imk", ["imk_1y"], 1_500_000),
    ("imk", ["imk_2y"], 2_000_000),
    ("imk", ["imk_5y"], 3_500_000),
    ("imk", ["imk_10y"], 5_000_000),
]
DEADLINES = {
    "passport_new": ("examined", "issued", 4),
    "passport_replacement": ("examined", "issued", 4),
    "passport_child": ("examined", "issued", 4),
    "itk_extension": ("fee_paid", "issued", 3),
    "itas_extension": ("fee_paid", "issued", 4),
    "itap": ("fee_paid", "transferred", 3),
}


@pytest.mark.parametrize(("service", "chosen", "total"), SUMS)
def test_the_sum_of_the_fee_is_that_of_the_domain_facts(service: str, chosen: list[str], total: int) -> None:
    assert sum(line.amount for line in assess(CATALOGUE.services[service], chosen, DAY)) == total


def test_every_service_has_a_sum_in_the_table() -> None:
    assert {service for service, _, _ in SUMS} == set(CATALOGUE.services)


def test_figures_that_nobody_could_verify_are_not_in_the_catalogue() -> None:
    fees = {fee.code for service in CATALOGUE.services.values() for fee in service.fees}
    assert fees.isdisjoint({"itk_60d", "imk_6m", "itap_unlimited"})


def test_every_fee_rests_on_the_regulation_in_force_and_not_before_its_first_day() -> None:
    for service in CATALOGUE.services.values():
        assert {fee.legal_basis for fee in service.fees} == {"PP 45/2024"}
        assert fees_on(service, dt.date(2024, 12, 16)) == []
        assert fees_on(service, dt.date(2024, 12, 17)) == service.fees


def test_every_deadline_is_that_of_the_domain_facts_and_other_services_have_none() -> None:
    found = {
        code: (rule.start, rule.end, rule.length)
        for code, service in CATALOGUE.services.items()
        for rule in deadlines_on(service, DAY)
    }
    assert found == DEADLINES
    assert all(rule.unit == "working_days" for service in CATALOGUE.services.values() for rule in service.deadlines)


def test_time_at_the_regional_and_central_office_is_not_counted_for_a_limited_stay_permit() -> None:
    (rule,) = CATALOGUE.services["itas_extension"].deadlines
    assert "transferred" in rule.paused_by


def test_a_clock_runs_between_stages_that_its_service_declares() -> None:
    for service in CATALOGUE.services.values():
        reached = {stage.reached_by for stage in service.stages}
        assert all({rule.start, rule.end} <= reached for rule in service.deadlines), service.code


def test_every_service_begins_with_the_application_and_ends_with_the_collection() -> None:
    for service in CATALOGUE.services.values():
        assert [service.stages[0].reached_by, service.stages[-1].reached_by] == ["submitted", "collected"]


def test_a_child_gets_a_book_of_five_years_only() -> None:
    assert all(fee.code.endswith("_5y") for fee in CATALOGUE.services["passport_child"].fees)


def test_lebong_offers_every_service_with_a_prefix_and_zone_of_its_own() -> None:
    lebong = CATALOGUE.offices["lebong"]
    assert (lebong.prefix, lebong.time_zone, lebong.source) == ("LBG", "Asia/Jakarta", "//lebong.imigrasi.go.id")
    assert {service.code for service in services_of(CATALOGUE, lebong)} == set(CATALOGUE.services)


def test_every_text_is_there_in_both_languages() -> None:
    texts = list(_texts(msgspec.to_builtins(CATALOGUE)))
    assert len(texts) > 500
    assert all(text["id"].strip() and text["en"].strip() for text in texts)


def test_every_category_and_product_of_a_service_has_a_name() -> None:
    for service in CATALOGUE.services.values():
        assert service.category in CATALOGUE.names.categories
        assert service.product in CATALOGUE.names.products


def test_the_same_code_means_the_same_fee_in_every_service() -> None:
    amounts: dict[str, set[int]] = {}
    for fee in chain.from_iterable(service.fees for service in CATALOGUE.services.values()):
        amounts.setdefault(fee.code, set()).add(fee.amount)
    assert all(len(found) == 1 for found in amounts.values())


@pytest.mark.parametrize(
    "code",
    [
        "unreadable", "missing", "payment_twice", "payment_after_expiry", "payment_wrong_amount",
        "payment_unknown_code", "force_majeure", "system_outage", "recipient_refused", "no_contact",
        "mail_server_unavailable", "regional_approval", "central_approval", "erasure_requested",
    ],
)  # fmt: skip
def test_a_reason_that_services_use_has_words(code: str) -> None:
    assert reason_words(CATALOGUE, Reason(code=code), "id") != reason_words(CATALOGUE, Reason(code=code), "en")


def test_every_reason_belongs_to_one_use() -> None:
    codes = list(chain.from_iterable(CATALOGUE.reason_uses.values()))
    assert sorted(codes) == sorted(CATALOGUE.reasons)
    assert all(CATALOGUE.reason_uses.values())


def _texts(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"id", "en"}:
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
