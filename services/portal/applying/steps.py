"""Which pages a draft's form has, in which order, and what is still to be done. Pure."""

import datetime as dt
from typing import Final, Literal, NamedTuple

from contracts.catalogue import Fee, Requirement, Service
from services.portal.applying.drafts import Filled
from services.portal.language import N_

State = Literal["done", "current", "ahead"]


class Step(NamedTuple):
    """One page of the form. `title`: Indonesian source text, or words of the catalogue."""

    page: str
    title: object
    is_done: bool


PERSON: Final = N_("Data pemohon")
BEHALF: Final = N_("Siapa yang mengajukan")
DOCUMENTS: Final = N_("Dokumen")
NEEDS: Final = N_("Bantuan saat datang ke kantor")
REVIEW: Final = N_("Periksa dan kirim")


def fee_groups(service: Service, today: dt.date) -> dict[str, list[Fee]]:
    """Fees of which exactly one will be charged and the applicant can tell which: what no question asks about already."""
    asked = {fee for question in service.questions for answer in question.answers for fee in answer.fees}
    groups: dict[str, list[Fee]] = {}
    for fee in service.fees:
        if fee.group and fee.charged == "always" and _is_valid(fee, today):
            groups.setdefault(fee.group, []).append(fee)
    return {
        group: fees
        for group, fees in groups.items()
        if len(fees) > 1 and not {fee.code for fee in fees} & asked
    }  # fmt: skip


def steps_of(filled: Filled) -> list[Step]:
    """The pages, in order; the review is the last."""
    form, draft = filled.form, filled.draft
    steps = [Step("pemohon", PERSON, True), Step("wakil", BEHALF, True)]
    steps += [
        Step(
            f"pertanyaan/{one.code}", one.labels, form.answers.get(one.code) in {answer.code for answer in one.answers}
        )
        for one in filled.service.questions
    ]
    for group, fees in fee_groups(filled.service, filled.today).items():
        steps.append(Step(f"biaya/{group}", _fee_title(fees), any(fee.code in form.fees for fee in fees)))
    steps.append(Step("dokumen", DOCUMENTS, not draft.missing))
    if filled.office.visiting and filled.office.visiting.assistance:
        steps.append(Step("bantuan", NEEDS, True))
    return [*steps, Step("periksa", REVIEW, False)]


def states(steps: list[Step]) -> list[State]:
    """Of each: done, the first that is to be done, or ahead."""
    found: list[State] = []
    for step in steps:
        found.append("done" if step.is_done else "ahead" if "current" in found else "current")
    return found


def next_page(filled: Filled, page: str) -> str:
    """The page that follows `page`."""
    pages = [step.page for step in steps_of(filled)]
    place = pages.index(page) if page in pages else -1
    return pages[min(place + 1, len(pages) - 1)]


def is_ready(filled: Filled) -> bool:
    """Whether it can be handed in."""
    return all(step.is_done for step in steps_of(filled)[:-1])


def documents_asked(filled: Filled) -> list[tuple[Requirement, bool]]:
    """The documents of this applicant, each with whether it is needed: those that the answers rule out are left out."""
    brought, asked_about = set(), set()
    for question in filled.service.questions:
        for answer in question.answers:
            asked_about |= set(answer.requirements)
            if filled.form.answers.get(question.code) == answer.code:
                brought |= set(answer.requirements)
    stored = filled.by_requirement
    return [
        (one, one.mandatory or one.code in brought)
        for one in filled.service.requirements
        if one.mandatory or one.code in brought or one.code in stored or one.code not in asked_about
    ]


def next_document(filled: Filled, after: str) -> str:
    """The page of the next needed document that is not there yet, else the list of documents."""
    missing = [one.code for one, needed in documents_asked(filled) if needed and one.code not in filled.by_requirement]
    later = [code for code in missing if code != after]
    return f"dokumen/{later[0]}" if later else "dokumen"


def _fee_title(fees: list[Fee]) -> object:
    return FEE_TITLES.get(fees[0].group or "", N_("Pilihan Anda"))


FEE_TITLES: Final = {
    "book": N_("Jenis paspor"),
    "length": N_("Lama izin"),
    "category": N_("Jenis izin"),
}


def _is_valid(fee: Fee, today: dt.date) -> bool:
    return fee.valid_from <= today and (fee.valid_until is None or today <= fee.valid_until)
