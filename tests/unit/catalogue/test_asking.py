"""Questions: faults are told, every reference leads somewhere, and what is delivered leads everyone to what they need."""

from pathlib import Path
from typing import Any

import pytest

from contracts.catalogue import CatalogueError, Choosing, answers_to, load, requirements_after
from tests.unit.catalogue.conftest import SERVICE, Write

CATALOGUE = load()
YES_NO = [
    {"code": "no", "labels": {"id": "Tidak", "en": "No"}},
    {"code": "yes", "labels": {"id": "Ya", "en": "Yes"}},
]
BOAT = {"code": "boat", "labels": {"id": "Dengan perahu?", "en": "By boat?"}, "answers": YES_NO}


def asking(**brought: Any) -> dict[str, Any]:
    """The service with an optional requirement and a question whose yes brings `brought`."""
    paper = {
        "code": "boat_paper",
        "labels": {"id": "Surat perahu", "en": "Boat paper"},
        "mandatory": False,
        "help": {"id": "Bila berperahu.", "en": "If by boat."},
    }
    question = {**BOAT, "answers": [YES_NO[0], {**YES_NO[1], **brought}]}
    return {**SERVICE, "requirements": [*SERVICE["requirements"], paper], "questions": [question]}


def refusal(folder: Path) -> str:
    with pytest.raises(CatalogueError) as refused:
        load(folder)
    return str(refused.value)


def test_an_answer_brings_the_requirement_that_is_not_mandatory_otherwise(folder: Path, write: Write) -> None:
    write("services/fishing_permit.yaml", asking(requirements=["boat_paper"], fees=["large_boat"]))
    service = load(folder).services["fishing_permit"]
    assert [one.code for one in requirements_after(service, {})] == ["identity_card"]
    assert [one.code for one in requirements_after(service, {"boat": "no"})] == ["identity_card"]
    assert [one.code for one in requirements_after(service, {"boat": "yes"})] == ["identity_card", "boat_paper"]
    assert [one.fees for one in answers_to(service, {"boat": "yes", "sail": "yes"})] == [["large_boat"]]
    assert answers_to(service, {"boat": "perhaps"}) == []


@pytest.mark.parametrize(
    ("brought", "told"),
    [
        ({"requirements": ["ship_paper"]}, ["answers[1].requirements[0]", "`ship_paper` is no requirement"]),
        ({"requirements": ["identity_card"]}, ["answers[1].requirements[0]", "mandatory anyway"]),
        ({"fees": ["ship"]}, ["answers[1].fees[0]", "`ship` is no fee"]),
        ({"fees": ["small_boat", "large_boat"]}, ["answers[1].fees", "2 fees of the group `boat`"]),
        ({"code": "no"}, ["answers[0]", "`no` stands here 2 times"]),
    ],
    ids=["no requirement", "mandatory", "no fee", "two alternatives", "an answer twice"],
)
def test_a_question_is_refused_for(folder: Path, write: Write, brought: dict[str, Any], told: list[str]) -> None:
    write("services/fishing_permit.yaml", asking(**brought))
    message = refusal(folder)
    assert all(part in message for part in ["services/fishing_permit.yaml, line ", "questions[0]", *told]), message


def test_a_question_twice_or_with_one_answer_is_refused(folder: Path, write: Write) -> None:
    write("services/fishing_permit.yaml", {**SERVICE, "questions": [BOAT, BOAT]})
    assert "`boat` stands here 2 times" in refusal(folder)
    write("services/fishing_permit.yaml", {**SERVICE, "questions": [{**BOAT, "answers": YES_NO[:1]}]})
    assert "length >= 2" in refusal(folder)


def tree(*answers: dict[str, Any], **more: Any) -> dict[str, Any]:
    words = {"id": "Apa?", "en": "What?"}
    found = [{**YES_NO[position], **answer} for position, answer in enumerate(answers)]
    return {"first": "what", "questions": {"what": {"labels": words, "answers": found}, **more}}


FISHING = {"service": "fishing_permit"}
SAY = {"words": {"id": "Datanglah.", "en": "Come."}}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (tree(FISHING, {"service": "hunting"}), ["answers[1].service", "`hunting` is no published service"]),
        (tree(FISHING, {"next": "which"}), ["answers[1].next", "`which` is no question"]),
        (tree(FISHING, {}), ["answers[1]", "leads nowhere"]),
        (tree(FISHING, {"next": "what"}), ["questions.what", "would never end"]),
        (tree(FISHING, {**FISHING, "next": "what"}), ["answers[1]", "either leads on or ends"]),
        (tree(FISHING, {**SAY, "code": "no"}), ["answers[0]", "`no` stands here 2 times"]),
        ({**tree(FISHING, SAY), "first": "who"}, ["first", "`who` is no question"]),
        (tree(FISHING, SAY, which=tree(FISHING, SAY)["questions"]["what"]), ["questions.which", "reached by no answer"]),
        (
            tree(FISHING, {"words": {"id": "{a}", "en": "{a}"}}),
            ["answers[1].words.id", "only the words of reasons are filled in"],
        ),
    ],
    ids=[
        "no service", "no question", "nowhere", "a circle", "both ways", "an answer twice", "no first", "unreached", "placeholder",
    ],
)  # fmt: skip
def test_the_way_to_a_service_is_refused_for(folder: Path, write: Write, content: Any, told: list[str]) -> None:
    write("choosing.yaml", content)
    message = refusal(folder)
    assert all(part in message for part in ["/choosing.yaml, line ", *told]), message


def test_an_unpublished_service_is_no_end_of_the_questions(folder: Path, write: Write) -> None:
    write("choosing.yaml", tree(FISHING, SAY))
    assert load(folder).choosing is not None
    other = folder.parent / "other"
    folder.rename(other)
    (other / "services/fishing_permit.yaml").write_text(
        (other / "services/fishing_permit.yaml").read_text() + "published: false\n"
    )
    assert "no published service" in refusal(other)


def test_a_second_file_of_questions_is_refused(folder: Path, write: Write, tmp_path: Path) -> None:
    write("choosing.yaml", tree(FISHING, SAY))
    more = tmp_path / "more"
    more.mkdir()
    (more / "choosing.yaml").write_text((folder / "choosing.yaml").read_text())
    with pytest.raises(CatalogueError, match="cannot be replaced"):
        load(folder, extra=[more])


def choosing() -> Choosing:
    assert CATALOGUE.choosing is not None
    return CATALOGUE.choosing


def test_the_questions_lead_to_every_service_that_is_published() -> None:
    ends = {answer.service for question in choosing().questions.values() for answer in question.answers}
    published = {service.code for service in CATALOGUE.services.values() if service.published}
    assert ends - {None} == published


def test_every_document_that_only_some_bring_is_brought_by_an_answer() -> None:
    for service in CATALOGUE.services.values():
        brought = {code for one in service.questions for answer in one.answers for code in answer.requirements}
        assert brought == {one.code for one in service.requirements if not one.mandatory}, service.code


def test_of_fees_that_are_alternatives_each_is_brought_by_an_answer() -> None:
    for service in CATALOGUE.services.values():
        brought = {code for one in service.questions for answer in one.answers for code in answer.fees}
        assert brought == {fee.code for fee in service.fees if fee.group}, service.code


def test_every_service_says_for_whom_it_is() -> None:
    assert all(service.who for service in CATALOGUE.services.values())


def test_divorced_parents_bring_the_custody_ruling_and_others_do_not() -> None:
    child = CATALOGUE.services["passport_child"]
    for answer, needed in (("yes", True), ("no", False)):
        codes = {one.code for one in requirements_after(child, {"parents_divorced": answer})}
        assert ("custody_ruling" in codes) is needed


def test_how_to_pay_names_its_source() -> None:
    assert CATALOGUE.how_to_pay is not None
    assert CATALOGUE.how_to_pay.basis
    assert len(CATALOGUE.how_to_pay.places) > 1
