"""Reading a catalogue, adding to it from elsewhere, and asking it."""

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.catalogue import (
    CatalogueError,
    FeeChoiceError,
    assess,
    body_labels,
    deadlines_on,
    fact_name,
    fees_on,
    load,
    reason_words,
    services_of,
    stage_reached_by,
)
from contracts.facts import Actor, FeePaid, Labels, Reason, StageRecorded

DAY = dt.date(2026, 3, 2)
OFFICER = Actor(role="officer")


def change(path: Path, **fields: Any) -> Path:
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **fields}, sort_keys=False))
    return path


def copied(folder: Path, to: Path, **fields: Any) -> Path:
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text((folder / "services/fishing_permit.yaml").read_text())
    return change(to, **fields)


def test_a_valid_catalogue_is_read_with_its_reasons_by_use_and_its_names(folder: Path) -> None:
    catalogue = load(folder)
    assert set(catalogue.services) == {"fishing_permit"}
    assert set(catalogue.offices) == {"danau"}
    assert set(catalogue.reasons) == {"storm", "no_fish"}
    assert (catalogue.reason_uses["pause"], catalogue.reason_uses["erasure"]) == (("storm",), ())
    assert catalogue.names.agencies["harbour"].en == "Harbour"


def test_it_is_read_once_for_the_same_arguments(folder: Path) -> None:
    assert load(folder) is load(folder)


def test_a_file_elsewhere_adds_a_service_of_another_system(folder: Path, tmp_path: Path) -> None:
    permit = copied(folder, tmp_path / "examples/old_permit.yaml", code="old_permit", handled_by="external")
    catalogue = load(folder, extra=[permit])
    assert catalogue.services["old_permit"].handled_by == "external"
    assert "fishing_permit" in catalogue.services


def test_a_folder_elsewhere_adds_services_offices_reasons_and_names(folder: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    copied(folder, more / "services/hunting.yaml", code="hunting")
    (more / "offices").mkdir()
    office = (folder / "offices/danau.yaml").read_text()
    (more / "offices/rawa.yaml").write_text(office.replace("danau", "rawa").replace("DNU", "RWA"))
    (more / "reasons.yaml").write_text("pause:\n  flood: {id: Banjir., en: A flood.}\n")
    (more / "names.yaml").write_text("agencies:\n  forestry: {id: Kehutanan, en: Forestry}\n")
    catalogue = load(folder, extra=[more])
    assert set(catalogue.services) == {"fishing_permit", "hunting"}
    assert set(catalogue.offices) == {"danau", "rawa"}
    assert catalogue.reason_uses["pause"] == ("storm", "flood")
    assert set(catalogue.names.agencies) == {"harbour", "forestry"}


def test_an_addition_cannot_replace_what_is_there(folder: Path, tmp_path: Path) -> None:
    again = copied(folder, tmp_path / "examples/fishing_permit.yaml")
    with pytest.raises(CatalogueError, match=r"examples/fishing_permit\.yaml.*`fishing_permit` is already taken in"):
        load(folder, extra=[again])


def test_an_addition_that_is_not_there_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"examples/nowhere\.yaml: cannot be read"):
        load(folder, extra=[tmp_path / "examples/nowhere.yaml"])


def test_a_folder_without_a_catalogue_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="no services"):
        load(tmp_path)


def test_both_ends_of_a_validity_belong_to_it(folder: Path) -> None:
    path = folder / "services/fishing_permit.yaml"
    card = yaml.safe_load(path.read_text())["fees"][2]
    old, new = {**card, "valid_until": "2021-12-31"}, {**card, "amount": 600, "valid_from": "2022-01-01"}
    service = load(change(path, fees=[old, new]).parent.parent).services["fishing_permit"]
    days = [dt.date(2019, 12, 31), dt.date(2020, 1, 1), dt.date(2021, 12, 31), dt.date(2022, 1, 1)]
    assert [[fee.amount for fee in fees_on(service, day)] for day in days] == [[], [500], [500], [600]]


def test_a_deadline_rule_is_found_in_the_version_of_the_day(folder: Path) -> None:
    path = folder / "services/fishing_permit.yaml"
    rule = yaml.safe_load(path.read_text())["deadlines"][0]
    old, new = {**rule, "valid_until": "2021-12-31"}, {**rule, "version": 2, "length": 1, "valid_from": "2022-01-01"}
    service = load(change(path, deadlines=[old, new]).parent.parent).services["fishing_permit"]
    found = [[rule.version for rule in deadlines_on(service, dt.date(year, 6, 1))] for year in (2019, 2021, 2022)]
    assert found == [[], [1], [2]]


def test_the_officer_chooses_one_of_a_group_and_what_is_always_charged_comes_by_itself(folder: Path) -> None:
    service = load(folder).services["fishing_permit"]
    assert [line.fee for line in assess(service, ["large_boat"], DAY)] == ["large_boat", "card"]
    assert [line.fee for line in assess(service, ["small_boat", "night"], DAY)] == ["small_boat", "card", "night"]
    assert assess(service, ["small_boat"], DAY)[0].legal_basis == "Perda 1/2020"


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ([], "choose one fee of the group boat: small_boat, large_boat"),
        (["small_boat", "large_boat"], "choose one fee of the group boat"),
        (["small_boat", "rod"], "fishing_permit has no fee rod on 2026-03-02"),
    ],
    ids=["none of a group", "two of a group", "an unknown fee"],
)
def test_a_choice_of_fees_is_refused_for(folder: Path, chosen: list[str], told: str) -> None:
    with pytest.raises(FeeChoiceError, match=told):
        assess(load(folder).services["fishing_permit"], chosen, DAY)


def test_a_fee_is_not_assessed_before_its_regulation(folder: Path) -> None:
    with pytest.raises(FeeChoiceError, match="no fee small_boat on 2019-12-31"):
        assess(load(folder).services["fishing_permit"], ["small_boat"], dt.date(2019, 12, 31))


def test_the_words_of_a_reason_have_its_parameters_in_them(folder: Path) -> None:
    storm = Reason(code="storm", parameters={"until": "18.00"})
    assert reason_words(load(folder), storm, "id") == "Badai sampai 18.00."
    assert reason_words(load(folder), storm, "en") == "A storm until 18.00."


def test_a_reason_of_another_system_is_told_even_where_words_or_parameters_are_missing(folder: Path) -> None:
    assert reason_words(load(folder), Reason(code="storm"), "en") == "A storm until …."
    assert reason_words(load(folder), Reason(code="full_moon"), "en") == "Reason: full_moon"
    assert reason_words(load(folder), Reason(code="full_moon"), "id") == "Alasan: full_moon"


def test_who_a_case_was_transferred_to_is_an_office_or_an_agency(folder: Path) -> None:
    catalogue = load(folder)
    assert body_labels(catalogue, "danau") == Labels(id="Kantor Danau", en="Lake Office")
    assert body_labels(catalogue, "harbour") == Labels(id="Pelabuhan", en="Harbour")
    assert body_labels(catalogue, "moon") is None


def test_a_fact_is_found_among_the_stages_by_its_short_name(folder: Path) -> None:
    service = load(folder).services["fishing_permit"]
    visit = StageRecorded(stage="lake_visit", labels=Labels(id="Kunjungan", en="Visit"), by=OFFICER)
    paid = FeePaid(billing_code="820220922465628", amount=10_500, by=OFFICER)
    assert fact_name(visit) == "stage_recorded:lake_visit"
    stage = stage_reached_by(service, fact_name(visit))
    assert stage is not None
    assert stage.code == "lake_visit"
    assert stage_reached_by(service, fact_name(paid)) is None


def test_an_office_offers_what_it_lists_or_all_that_is_published(folder: Path, tmp_path: Path) -> None:
    hidden = copied(folder, tmp_path / "examples/hidden.yaml", code="hidden", published=False)
    catalogue = load(folder, extra=[hidden])
    assert [service.code for service in services_of(catalogue, catalogue.offices["danau"])] == ["fishing_permit"]


def test_an_office_that_lists_its_services_offers_only_those(folder: Path, tmp_path: Path) -> None:
    hunting = copied(folder, tmp_path / "examples/hunting.yaml", code="hunting")
    change(folder / "offices/danau.yaml", services=["hunting"])
    catalogue = load(folder, extra=[hunting])
    assert [service.code for service in services_of(catalogue, catalogue.offices["danau"])] == ["hunting"]


def test_the_examples_of_the_documentation_are_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs/catalogue.md").read_text()
    service, office, visiting = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    for file, content in (("services/fishing_permit.yaml", service), ("offices/lebong.yaml", office + visiting)):
        (tmp_path / file).parent.mkdir()
        (tmp_path / file).write_text(content)
    change(tmp_path / "offices/lebong.yaml", services=["fishing_permit"])
    lines = assess(load(tmp_path).services["fishing_permit"], ["boat", "night"], DAY)
    assert sum(line.amount for line in lines) == 35_000
