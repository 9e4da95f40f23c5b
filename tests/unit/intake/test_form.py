import datetime as dt

import pytest

from contracts import catalogue
from services.intake import form
from services.intake.form import Form, InvalidForm, Representative

CATALOGUE = catalogue.load()
REPLACEMENT = CATALOGUE.services["passport_replacement"]
OFFICE = CATALOGUE.offices["lebong"]
TODAY = dt.date(2026, 3, 2)
QUESTION = next(one for one in REPLACEMENT.questions if any(answer.requirements for answer in one.answers))
BRINGS = next(answer for answer in QUESTION.answers if answer.requirements)
BRINGS_NOTHING = next(answer for answer in QUESTION.answers if not answer.requirements)


def test_an_answer_brings_the_requirements_that_the_catalogue_says_and_another_brings_none() -> None:
    assert form.required_by(REPLACEMENT, {QUESTION.code: BRINGS.code}) >= set(BRINGS.requirements)
    assert not form.required_by(REPLACEMENT, {QUESTION.code: BRINGS_NOTHING.code}) & set(BRINGS.requirements)
    assert form.required_by(REPLACEMENT, {}) == set()


@pytest.mark.parametrize("answers", [{QUESTION.code: "perhaps"}, {"nothing": BRINGS.code}])
def test_a_question_or_answer_that_the_form_does_not_have_is_named(answers: dict[str, str]) -> None:
    with pytest.raises(InvalidForm) as refused:
        form.check_answers(REPLACEMENT, answers)
    assert refused.value.parameters["fields"] == ["=".join(pair) for pair in answers.items()]


def test_nobody_files_for_somebody_who_did_not_agree() -> None:
    with pytest.raises(InvalidForm, match="consent"):
        form.check_representative(Representative(name="Wakil Contoh", relation="parent", consent=False))
    form.check_representative(Representative(name="Wakil Contoh", relation="parent", consent=True))
    form.check_representative(None)


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "null\x00"])
def test_a_representative_has_a_name_in_one_line(name: str) -> None:
    with pytest.raises(InvalidForm, match="name"):
        form.check_representative(Representative(name=name, relation="parent", consent=True))


def test_only_assistance_that_the_office_offers_can_be_asked_for() -> None:
    form.check_needs(OFFICE, ["wheelchair"])
    with pytest.raises(InvalidForm) as refused:
        form.check_needs(OFFICE, ["wheelchair", "helicopter"])
    assert refused.value.parameters["fields"] == ["helicopter"]


def test_of_each_group_one_fee_is_chosen_and_none_that_is_no_alternative() -> None:
    books = [fee.code for fee in form.alternatives(REPLACEMENT, TODAY) if fee.group == "book"]
    form.check_fees(REPLACEMENT, books[:1], TODAY)
    for wrong in (books[:2], ["gold_book"]):
        with pytest.raises(InvalidForm) as refused:
            form.check_fees(REPLACEMENT, wrong, TODAY)
        assert refused.value.parameters["fields"] == wrong


def test_a_fee_that_is_not_valid_yet_cannot_be_chosen() -> None:
    book = form.alternatives(REPLACEMENT, TODAY)[0]
    with pytest.raises(InvalidForm):
        form.check_fees(REPLACEMENT, [book.code], book.valid_from - dt.timedelta(days=1))


def test_a_form_comes_out_as_it_was_sealed_and_what_never_was_is_empty() -> None:
    filled = Form(
        answers={"a": "b"},
        representative=Representative(name="Wakil Contoh", relation="spouse", consent=True),
        needs=["wheelchair"],
        fees=["book"],
    )
    assert form.decode_form(form.encode_form(filled)) == filled
    assert form.decode_form(None) == Form()


def test_what_is_personal_is_not_shown_by_accident() -> None:
    by = Representative(name="Wakil Contoh", relation="spouse", consent=True)
    assert "Contoh" not in f"{by!r} {Form(representative=by)!r}"
