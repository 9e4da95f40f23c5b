"""What the pages of services and offices say: fees, documents, the way through the questions, open or not."""

import datetime as dt
from typing import Any

import msgspec
import pytest

from contracts.catalogue import Fee, load
from services.portal.offering.bringing import checklist
from services.portal.offering.choosing import way
from services.portal.offering.costs import costs_on
from services.portal.offering.expecting import Table
from services.portal.offering.visiting import grouped, map_link, office_view

CATALOGUE = load()
DAY = dt.date(2026, 3, 2)


@pytest.mark.parametrize(
    ("service", "least", "most"),
    [
        ("passport_new", 350_000, 950_000),
        ("passport_same_day", 1_350_000, 1_950_000),
        ("passport_lost", 350_000, 1_950_000),
        ("itap", 7_000_000, 7_000_000),
        ("travel_document", 100_000, 150_000),
    ],
)
def test_the_price_runs_from_the_cheapest_to_the_dearest_choice(service: str, least: int, most: int) -> None:
    costs = costs_on(CATALOGUE.services[service].fees, DAY)
    assert (costs.least, costs.most) == (least, most)
    assert costs.bases == [("PP 45/2024", dt.date(2024, 12, 17))]


def test_fees_say_how_they_are_charged_and_whether_they_are_confirmed() -> None:
    same_day = costs_on(CATALOGUE.services["passport_same_day"].fees, DAY)
    assert [part.how for part in same_day.parts] == ["one_of", "always"]
    assert same_day.is_confirmed
    assert not costs_on(CATALOGUE.services["itas"].fees, DAY).is_confirmed


def test_a_fee_that_depends_is_not_in_the_price_and_a_later_one_is_announced() -> None:
    words: dict[str, Any] = {"labels": {"id": "A", "en": "A"}, "legal_basis": "Perda", "valid_from": "2020-01-01"}
    raw = [
        {"code": "always", "amount": 5, **words},
        {"code": "night", "amount": 7, "charged": "when_applicable", **words},
        {"code": "day", "amount": 1, "charged": "when_applicable", "group": "time", **words},
        {"code": "dusk", "amount": 2, "charged": "when_applicable", "group": "time", **words},
        {"code": "next", "amount": 9, **words, "valid_from": "2027-01-01"},
    ]
    costs = costs_on(msgspec.convert(raw, list[Fee]), DAY)
    assert (costs.least, costs.most) == (5, 5)
    assert [part.how for part in costs.parts] == ["always", "if", "at_most_one"]
    assert [fee.code for fee in costs.coming] == ["next"]
    assert costs_on([], DAY).parts == []


def test_without_answers_a_document_for_some_only_depends_and_with_them_it_is_needed_or_gone() -> None:
    child = CATALOGUE.services["passport_child"]

    def codes(**given: str) -> tuple[set[str], set[str]]:
        needs = checklist(child, given)
        return {one.code for one in needs.needed}, {one.code for one in needs.depends}

    needed, depends = codes()
    assert depends == {"custody_ruling", "parents_passports"}
    assert "birth_record" in needed
    assert codes(parents_divorced="yes") == (needed | {"custody_ruling"}, {"parents_passports"})
    assert codes(parents_divorced="no") == (needed, {"parents_passports"})
    assert codes(parents_divorced="perhaps") == (needed, depends)


def test_an_optional_document_that_no_question_asks_about_always_depends() -> None:
    child = msgspec.structs.replace(CATALOGUE.services["passport_child"], questions=[])
    assert {one.code for one in checklist(child, {}).depends} == {"custody_ruling", "parents_passports"}


def gone(**given: str) -> Any:
    assert CATALOGUE.choosing is not None
    return way(CATALOGUE.choosing, given)


def test_the_way_asks_the_first_question_without_an_answer() -> None:
    assert gone().asked[0] == "what"
    assert gone().back() == ""
    second = gone(what="passport")
    assert (second.asked[0], second.back(), second.answers()) == ("passport_for", "?", {"what": "passport"})
    assert gone(what="a castle").asked[0] == "what"


def test_answers_off_the_way_are_ignored_and_the_end_is_a_service_or_words() -> None:
    lost = gone(what="passport", passport_for="adult", passport_before="lost", stay_now="voa")
    assert (lost.asked, lost.end.service) == (None, "passport_lost")
    assert lost.back() == "?what=passport&passport_for=adult"
    assert lost.at(0) == "?"
    left = gone(what="leave_for_good")
    assert (left.end.service, bool(left.end.words)) == (None, True)


def test_an_office_page_tells_the_days_that_differ_and_puts_equal_days_together() -> None:
    view = office_view(CATALOGUE.offices["lebong"], dt.datetime(2026, 12, 23, 2, 0, tzinfo=dt.UTC))
    assert view is not None
    assert view.open.now.is_open
    assert [day.date.isoformat() for day in view.different][:3] == ["2026-12-24", "2026-12-25", "2026-12-31"]
    assert [(row.first, row.last) for row in view.week] == [(0, 3), (4, 4), (5, 6)]
    assert view.week == grouped(view.visiting.hours)


def test_what_opens_next_is_today_tomorrow_or_a_named_day() -> None:
    def flags(text: str) -> tuple[bool, bool]:
        view = office_view(CATALOGUE.offices["lebong"], dt.datetime.fromisoformat(text))
        assert view is not None
        return view.open.next_is_today, view.open.next_is_tomorrow

    assert flags("2026-03-02T12:30:00+07:00") == (True, False)
    assert flags("2026-03-02T17:00:00+07:00") == (False, True)
    assert flags("2026-03-06T17:00:00+07:00") == (False, False)


def test_an_office_that_tells_nothing_about_visits_has_no_view_and_a_map_link_is_plain() -> None:
    office = msgspec.structs.replace(CATALOGUE.offices["lebong"], visiting=None)
    assert office_view(office, dt.datetime.now(dt.UTC)) is None
    visiting = CATALOGUE.offices["lebong"].visiting
    assert visiting is not None
    assert visiting.position is not None
    assert map_link(visiting.position).startswith("https://www.openstreetmap.org/?mlat=-3.13000&mlon=102.20000#map=")


def test_a_service_that_nobody_applied_for_is_too_few() -> None:
    table = msgspec.json.decode(
        b'{"fewest":30,"computed_at":"2026-11-24T13:10:15Z","services":[{"service":{"code":"imk","labels":{}},'
        b'"state":"range","half":{"from_s":1,"to_s":2},"most":{"from_s":0,"to_s":9},"finished":40}]}',
        type=Table,
    )
    assert table.of("imk").finished == 40
    assert table.of("itap").state == "too_few"
