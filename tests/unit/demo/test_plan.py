"""The plan of the simulated office day, and the ledger it is measured by."""

from collections import Counter
from datetime import date

import pytest

from contracts.catalogue import assess, load
from deploy.demo.day import End, Plan, plan_day
from deploy.demo.ledger import Ledger

TODAY = date(2026, 11, 24)


def plans(size: int = 285, seed: int = 285) -> list[Plan]:
    return plan_day(load(), size, TODAY, seed)


def test_a_full_day_has_the_quotas_of_the_real_office() -> None:
    assert Counter(plan.queue for plan in plans()) == {"general": 200, "priority": 50, "same-day": 35}


@pytest.mark.parametrize("size", [0, 1, 10, 100, 1000])
def test_a_day_of_any_size_has_as_many_applications_as_asked_for(size: int) -> None:
    assert len(plans(size)) == size


def test_the_same_seed_plans_the_same_day() -> None:
    assert plans() == plans()
    assert plans(seed=1) != plans(seed=2)


def test_applicants_come_in_the_order_of_their_arrival() -> None:
    arrivals = [plan.arrives_min for plan in plans()]
    assert arrivals == sorted(arrivals)


def test_every_fee_is_one_that_the_catalogue_lets_an_officer_assess() -> None:
    for plan in plans():
        assert assess(load().services[plan.service], plan.fees, TODAY)


def test_what_is_asked_for_is_a_requirement_of_the_service() -> None:
    for plan in plans():
        requirements = {item.code for item in load().services[plan.service].requirements}
        assert plan.asked_for is None or plan.asked_for in requirements


def test_a_full_day_has_every_kind_of_end_and_many_services() -> None:
    day = plans()
    assert {plan.end for plan in day} == set(End)
    assert len({plan.service for plan in day}) >= 10


def test_whoever_is_to_wait_for_a_document_is_asked_for_one() -> None:
    assert all(plan.asked_for for plan in plans() if plan.end is End.AWAITING)


def test_a_ledger_finds_nothing_where_the_timeline_has_each_fact_once() -> None:
    ledger = Ledger()
    ledger.acknowledge("LBG-1", "submitted")
    ledger.acknowledge("LBG-1", "fee_paid")
    assert ledger.difference("LBG-1", Counter(submitted=1, fee_paid=1, notification_sent=4)) == ""


def test_a_ledger_names_what_is_lost_and_what_is_there_twice() -> None:
    ledger = Ledger()
    ledger.acknowledge("LBG-1", "submitted")
    ledger.acknowledge("LBG-1", "fee_paid")
    ledger.acknowledge("LBG-1", "fee_paid")
    assert ledger.difference("LBG-1", Counter(submitted=2)) == "lacks 2 fee_paid and has submitted too much"
