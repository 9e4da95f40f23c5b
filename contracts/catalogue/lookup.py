"""Questions to the catalogue that several services ask: pure functions over its entries."""

import datetime as dt
import re
from collections.abc import Collection, Mapping
from typing import Final

from contracts.catalogue.asking import Answer
from contracts.catalogue.schema import Catalogue, DeadlineRule, Fee, Language, Office, Requirement, Service, Stage
from contracts.facts import Fact, FeeLine, Labels, Reason, StageRecorded

PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_.-]*)\}")
_MISSING: Final = "…"
_NO_WORDS: Final[dict[Language, str]] = {"id": "Alasan: {code}", "en": "Reason: {code}"}


class FeeChoiceError(ValueError):
    """The chosen fees are not a fee that the service knows; the message says why."""


def fees_on(service: Service, day: dt.date) -> list[Fee]:
    """The fees of `service` that are valid on `day`, in the order of the catalogue."""
    return [fee for fee in service.fees if _valid(fee, day)]


def deadlines_on(service: Service, day: dt.date) -> list[DeadlineRule]:
    """The deadline rules of `service` in the version that is valid on `day`."""
    return [rule for rule in service.deadlines if _valid(rule, day)]


def assess(service: Service, chosen: Collection[str], day: dt.date) -> list[FeeLine]:
    """The lines of the fee on `day`: what is always charged, and what the officer chose by fee code.

    A fee outside any group that is `always` charged need not be chosen. Of each group exactly one fee is chosen (at
    most one, where it is charged `when_applicable`). Raises `FeeChoiceError` for anything else.
    """
    fees = fees_on(service, day)
    unknown = set(chosen) - {fee.code for fee in fees}
    if unknown:
        raise FeeChoiceError(f"{service.code} has no fee {', '.join(sorted(unknown))} on {day}")
    for group in dict.fromkeys(fee.group for fee in fees if fee.group):
        alternatives = [fee for fee in fees if fee.group == group]
        count = sum(fee.code in chosen for fee in alternatives)
        if count > 1 or (count == 0 and alternatives[0].charged == "always"):
            codes = ", ".join(fee.code for fee in alternatives)
            raise FeeChoiceError(f"choose one fee of the group {group}: {codes}")
    return [
        FeeLine(fee=fee.code, amount=fee.amount, legal_basis=fee.legal_basis)
        for fee in fees
        if fee.code in chosen or (fee.charged == "always" and not fee.group)
    ]


def answers_to(service: Service, given: Mapping[str, str]) -> list[Answer]:
    """The answers that `given` (question code → answer code) names, in the order of the questions; unknown ones are left out."""
    return [
        answer
        for question in service.questions
        for answer in question.answers
        if given.get(question.code) == answer.code
    ]


def requirements_after(service: Service, given: Mapping[str, str]) -> list[Requirement]:
    """What an applicant with these answers must bring, in the catalogue's order: what is mandatory, and what they bring."""
    brought = {code for answer in answers_to(service, given) for code in answer.requirements}
    return [one for one in service.requirements if one.mandatory or one.code in brought]


def reason_words(catalogue: Catalogue, reason: Reason, language: Language) -> str:
    """The reason in words, its parameters put in. Never fails: facts of other systems may carry codes unknown here.

    An unknown code is shown as itself, and a parameter that is not there as `…`.
    """
    text = catalogue.reasons.get(reason.code)
    if text is None:
        return _NO_WORDS[language].format(code=reason.code)
    words = text.id if language == "id" else text.en
    return PLACEHOLDER.sub(lambda match: reason.parameters.get(match[1], _MISSING), words)


def body_labels(catalogue: Catalogue, code: str) -> Labels | None:
    """What the office or agency of this code is called (`transferred.to`); nothing, when it is unknown."""
    office = catalogue.offices.get(code)
    return office.labels if office else catalogue.names.agencies.get(code)


def services_of(catalogue: Catalogue, office: Office) -> list[Service]:
    """The published services that `office` offers, by code."""
    codes = office.services or sorted(catalogue.services)
    return [catalogue.services[code] for code in codes if catalogue.services[code].published]


def fact_name(fact: Fact) -> str:
    """The fact's short name, as stages and deadline rules use it: `fee_paid`, `stage_recorded:field_supervision`."""
    name = type(fact).TYPE.split(".")[-2]
    return f"{name}:{fact.stage}" if isinstance(fact, StageRecorded) else name


def stage_reached_by(service: Service, name: str) -> Stage | None:
    """The declared stage that a fact of this short name (see `fact_name`) reaches; nothing, when there is none."""
    return next((stage for stage in service.stages if stage.reached_by == name), None)


def _valid(item: Fee | DeadlineRule, day: dt.date) -> bool:
    return item.valid_from <= day and (item.valid_until is None or day <= item.valid_until)
