"""Each kind of mistake is refused with a message that names file, place and what to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.catalogue import CatalogueError, load

Spoil = Callable[[dict[str, Any]], object]
SERVICE, OFFICE = "services/fishing_permit.yaml", "offices/danau.yaml"


def refusal(folder: Path, file: str, spoil: Spoil) -> str:
    """What `load` says after `spoil` changed one file."""
    path = folder / file
    content = yaml.safe_load(path.read_text())
    spoil(content)
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.raises(CatalogueError) as refused:
        load(folder)
    return str(refused.value)


def later_fee(service: dict[str, Any], **changes: Any) -> None:
    service["fees"].append({**service["fees"][2], **changes})


def later_rule(service: dict[str, Any], **changes: Any) -> None:
    service["deadlines"].append({**service["deadlines"][0], **changes})


SPOILT_SERVICES: list[tuple[str, Spoil, list[str]]] = [
    ("an unknown field", lambda s: s.update(prize=1), ["unknown field `prize`"]),
    (
        "an unknown field deep inside",
        lambda s: s["fees"][1].update(amonut=1),
        ["fees[1]: ", "unknown field `amonut`"],
    ),
    ("a missing field", lambda s: s.pop("procedure"), ["procedure"]),
    ("a wrong type", lambda s: s["fees"][0].update(amount="cheap"), ["fees[0].amount", "Expected `int`, got `str`"]),
    ("a negative amount", lambda s: s["fees"][0].update(amount=-1), ["fees[0].amount", ">= 0"]),
    ("an unknown unit", lambda s: s["deadlines"][0].update(unit="moons"), ["deadlines[0].unit", "moons"]),
    ("a code with capitals", lambda s: s["stages"][0].update(code="First"), ["stages[0].code", "regex"]),
    ("another code than the file's name", lambda s: s.update(code="hunting"), [", code", "name the file hunting.yaml"]),
    ("a missing language", lambda s: s["labels"].pop("en"), [", labels", "no words in `en`"]),
    ("an empty language", lambda s: s["summary"].update(id="  "), ["summary.id", "is empty"]),
    ("a third language", lambda s: s["summary"].update(fr="Pour pêcher"), ["summary.fr", "`id` and `en` only"]),
    ("a number for words", lambda s: s["procedure"][0].update(en=7), ["procedure[0].en", "quotation marks"]),
    ("a placeholder", lambda s: s["summary"].update(en="In {lake}."), ["summary.en", "only the words of reasons"]),
    ("a requirement twice", lambda s: s["requirements"].append(s["requirements"][0]), ["requirements[1]", "2 times"]),
    (
        "a requirement that is needed only sometimes, without saying when",
        lambda s: s["requirements"][0].update(mandatory=False),
        ["requirements[0]", "`help`"],
    ),
    ("no stages", lambda s: s.update(stages=[]), ["stages", "declare the stages"]),
    ("a stage twice", lambda s: s["stages"].append(s["stages"][0]), ["stages[3]", "`application` stands here 2 times"]),
    (
        "two stages that cannot be told apart",
        lambda s: s["stages"][2].update(reached_by="submitted"),
        ["stages[2]", "`submitted` stands here 2 times"],
    ),
    (
        "a stage reached by no fact",
        lambda s: s["stages"][2].update(reached_by="granted"),
        ["stages[2].reached_by", "`granted` is no fact", "issued"],
    ),
    (
        "an own stage without its name",
        lambda s: s["stages"][1].update(reached_by="stage_recorded"),
        ["stages[1].reached_by", "named after"],
    ),
    (
        "a name after a fact that has none",
        lambda s: s["stages"][2].update(reached_by="issued:card"),
        ["stages[2].reached_by", "only there"],
    ),
    ("a clock that starts with no fact", lambda s: s["deadlines"][0].update(start="paid"), ["deadlines[0].start"]),
    ("a clock that ends with no fact", lambda s: s["deadlines"][0].update(end="done"), ["deadlines[0].end"]),
    (
        "a clock that ends as it starts",
        lambda s: s["deadlines"][0].update(end="fee_paid"),
        ["deadlines[0].end", "could never run"],
    ),
    (
        "a clock paused by its end",
        lambda s: s["deadlines"][0].update(end="transferred", paused_by=["transferred"]),
        ["deadlines[0].paused_by", "cannot pause"],
    ),
    (
        "a rule version twice",
        lambda s: later_rule(s, valid_from="2022-01-01"),
        ["`permit_issue version 1` stands here 2 times"],
    ),
    (
        "two rule versions on one day",
        lambda s: later_rule(s, version=2, valid_from="2022-01-01"),
        ["deadlines[1].valid_from", "valid twice on the same day"],
    ),
    (
        "a rule without legal basis",
        lambda s: s["deadlines"][0].update(legal_basis=""),
        ["deadlines[0].legal_basis", "is empty"],
    ),
    (
        "a rule of a country without a calendar",
        lambda s: s["deadlines"][0].update(holidays="XX"),
        ["deadlines[0].holidays", "no calendar of `XX`", "python -m contracts.calendar --country XX"],
    ),
    (
        "a fee without legal basis",
        lambda s: s["fees"][0].update(legal_basis=" "),
        ["fees[0].legal_basis", "is empty"],
    ),
    (
        "a validity that runs backwards",
        lambda s: s["fees"][0].update(valid_until="2019-12-31"),
        ["fees[0].valid_until", "before valid_from"],
    ),
    (
        "two amounts on one day",
        lambda s: (s["fees"][2].update(valid_until="2022-01-01"), later_fee(s, valid_from="2022-01-01")),
        ["fees[4].valid_from", "`card` is valid twice"],
    ),
    ("no such day", lambda s: s["fees"][0].update(valid_from="2023-02-29"), ["fees[0].valid_from"]),
    ("a condition that is not told", lambda s: s["fees"][3].pop("condition"), ["fees[3]", "`condition`"]),
    ("two currencies", lambda s: s["fees"][1].update(currency="USD"), ["fees[1].currency", "added up"]),
    ("a group of one", lambda s: s["fees"][2].update(group="cards"), ["fees[2].group", "at least two"]),
    (
        "a group that is half conditional",
        lambda s: s["fees"][3].update(group="boat"),
        ["fees[3].charged", "differs within the group"],
    ),
    (
        "a fee that changes its group",
        lambda s: (s["fees"][2].update(valid_until="2022-01-01"), later_fee(s, valid_from="2022-01-02", group="boat")),
        ["fees[4].group", "differs between the versions"],
    ),
]


@pytest.mark.parametrize(
    ("spoil", "told"), [pytest.param(spoil, told, id=name) for name, spoil, told in SPOILT_SERVICES]
)
def test_a_service_is_refused_for(folder: Path, spoil: Spoil, told: list[str]) -> None:
    message = refusal(folder, SERVICE, spoil)
    assert message.startswith(f"{SERVICE}, line ")
    assert all(part in message for part in told), message


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda o: o.update(time_zone="Asia/Bengkulu"), ["time_zone", "`Asia/Bengkulu` is no time zone"]),
        (lambda o: o.update(time_zone="../etc"), ["time_zone", "is no time zone"]),
        (lambda o: o.update(prefix="danau"), ["prefix", "regex"]),
        (lambda o: o.update(source="danau.example/"), ["source", "without a slash at the end"]),
        (lambda o: o.update(services=["fishing_permit", "hunting"]), ["services[1]", "`hunting` is no service"]),
        (lambda o: o.update(code="sungai"), ["code", "sungai.yaml"]),
        (lambda o: o.update(holidays="XX"), ["holidays", "no calendar of `XX`"]),
        (lambda o: o.update(opening_hours="8-16"), ["unknown field `opening_hours`"]),
    ],
    ids=[
        "no time zone",
        "a path as time zone",
        "prefix",
        "source",
        "no service",
        "file name",
        "no calendar",
        "unknown field",
    ],
)
def test_an_office_is_refused_for(folder: Path, spoil: Spoil, told: list[str]) -> None:
    message = refusal(folder, OFFICE, spoil)
    assert message.startswith(f"{OFFICE}, line ")
    assert all(part in message for part in told), message


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda r: r["pause"]["storm"].update(en="A storm."), ["pause.storm", "`{until}` in one language only"]),
        (lambda r: r["pause"]["storm"].update(en="Until {until."), ["pause.storm.en", "brace"]),
        (lambda r: r["pause"]["storm"].pop("id"), ["pause.storm", "no words in `id`"]),
        (lambda r: r["pause"].update(no_fish=r["refusal"]["no_fish"]), ["`no_fish` is already taken in this file"]),
        (lambda r: r.update(gossip={}), ["unknown field `gossip`"]),
        (lambda r: r["pause"].update({"Big-Storm": r["pause"]["storm"]}), ["pause", "regex"]),
    ],
    ids=["placeholder", "brace", "language", "code twice", "use", "code"],
)
def test_reasons_are_refused_for(folder: Path, spoil: Spoil, told: list[str]) -> None:
    message = refusal(folder, "reasons.yaml", spoil)
    assert all(part in message for part in ["/reasons.yaml, line ", *told]), message


def test_the_line_is_that_of_the_place(folder: Path) -> None:
    path = folder / SERVICE
    path.write_text(path.read_text().replace("Large boat", "''"))
    line = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if "en: ''" in text)
    with pytest.raises(CatalogueError, match=rf"services/fishing_permit\.yaml, line {line}, fees\[1\]\.labels\.en: "):
        load(folder)


def test_all_faults_are_told_at_once_one_a_line(folder: Path) -> None:
    (folder / OFFICE).write_text((folder / OFFICE).read_text().replace("Asia/Makassar", "Asia/Danau"))
    message = refusal(folder, SERVICE, lambda s: s["deadlines"][0].update(start="paid", legal_basis=""))
    assert [line.split(":")[0].split(", ")[-1] for line in message.splitlines()] == [
        "deadlines[0].start", "deadlines[0].legal_basis", "time_zone",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("code: a\ncode: b\n", "line 2, code: stands here twice"),
        ("code: [a\n", "is not YAML in UTF-8"),
        ("", "is empty"),
        ("- a\n", "Expected `object`, got `array`"),
    ],
    ids=["a key twice", "no YAML", "nothing", "a list"],
)
def test_a_file_is_refused_for_being(folder: Path, text: str, told: str) -> None:
    (folder / SERVICE).write_text(text)
    with pytest.raises(CatalogueError, match=r"services/fishing_permit\.yaml") as refused:
        load(folder)
    assert told in str(refused.value)


def test_a_file_that_is_not_text_is_refused(folder: Path) -> None:
    (folder / SERVICE).write_bytes(b"\x89PNG\xff")
    with pytest.raises(CatalogueError, match="is not YAML in UTF-8"):
        load(folder)


def test_two_offices_do_not_share_a_prefix_or_a_source(folder: Path) -> None:
    second = (folder / OFFICE).read_text().replace("code: danau", "code: rawa")
    (folder / "offices" / "rawa.yaml").write_text(second)
    with pytest.raises(CatalogueError) as refused:
        load(folder)
    assert "offices/rawa.yaml" in str(refused.value)
    assert "the prefix `DNU` is already taken" in str(refused.value)
    assert "the source `//danau.example` is already taken" in str(refused.value)
