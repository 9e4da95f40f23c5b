"""What an applicant brings, as far as their answers tell. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from contracts.catalogue import Requirement, Service, answers_to


class Checklist(NamedTuple):
    """`needed`: by everyone who answers so. `depends`: still open, because a question is. Both in the catalogue's order."""

    needed: list[Requirement]
    depends: list[Requirement]


def checklist(service: Service, given: Mapping[str, str]) -> Checklist:
    """The documents for an applicant with the answers `given` (question code → answer code); the rest is left out."""
    brought = {code for answer in answers_to(service, given) for code in answer.requirements}
    answered = {
        question.code
        for question in service.questions
        if any(given.get(question.code) == answer.code for answer in question.answers)
    }
    open_ = {
        code
        for question in service.questions
        if question.code not in answered
        for answer in question.answers
        for code in answer.requirements
    }
    asked_about = {
        code for question in service.questions for answer in question.answers for code in answer.requirements
    }
    needed = [one for one in service.requirements if one.mandatory or one.code in brought]
    return Checklist(
        needed,
        [
            one
            for one in service.requirements
            if one not in needed and (one.code in open_ or one.code not in asked_about)
        ],
    )
