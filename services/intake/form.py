"""What the form of a service asks besides documents: answers, who files for whom, needs at a visit, fees chosen.

All of it is personal (a need may tell of an illness, an answer of a divorce), so it lives sealed in the vault.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from contracts.catalogue import Fee, Office, Service
from contracts.facts import Code
from services.intake.refusals import Refused

Relation = Literal["parent", "guardian", "spouse", "child", "relative", "employer", "guarantor", "lawyer", "other"]


class InvalidForm(Refused):
    """The form has no such question, answer, need or fee, or consent is missing. Parameters: fields (one entry each)."""

    slug = "invalid-form"


class Representative(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Someone who files for the applicant. Nothing is taken without the applicant's consent."""

    name: Annotated[str, Meta(max_length=200, description="Full name as on the identity paper.")]
    relation: Annotated[Relation, Meta(description="What they are to the applicant.")]
    consent: Annotated[bool, Meta(description="The applicant, or who has custody of a child, agreed to this.")]

    def __repr__(self) -> str:
        return "Representative(…)"


Answers = Annotated[dict[Code, Code], Meta(max_length=50, description="Answer by question, both by their codes.")]
Codes = Annotated[list[Code], Meta(max_length=20)]


class Form(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that was filled in. Sealed as one record."""

    answers: Answers = {}
    representative: Representative | None = None
    needs: Codes = []
    fees: Codes = []

    def __repr__(self) -> str:
        return "Form(…)"


EMPTY: Final = Form()
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Form)


def encode_form(form: Form) -> bytes:
    """As the vault seals it."""
    return _encoder.encode(form)


def decode_form(plaintext: bytes | None) -> Form:
    """What `encode_form` made; the empty form where nothing was filled in yet."""
    return EMPTY if plaintext is None else _decoder.decode(plaintext)


def check_answers(service: Service, answers: Mapping[str, str]) -> None:
    """Raises `InvalidForm` naming every question or answer that the service's form does not have."""
    known = {question.code: {answer.code for answer in question.answers} for question in service.questions}
    wrong = [f"{question}={answer}" for question, answer in answers.items() if answer not in known.get(question, ())]
    _refuse(wrong)


def check_representative(representative: Representative | None) -> None:
    """Raises `InvalidForm` where the name is missing or the applicant did not agree."""
    if representative is None:
        return
    wrong = []
    if not representative.name.strip() or not representative.name.isprintable():
        wrong.append("name (wajib diisi / is required, in one line)")
    if not representative.consent:
        wrong.append("consent (pemohon harus setuju / the applicant has to agree)")
    _refuse(wrong)


def check_needs(office: Office, needs: Collection[str]) -> None:
    """Raises `InvalidForm` naming every kind of assistance that the office does not offer."""
    offered = {one.code for one in office.visiting.assistance} if office.visiting else set()
    _refuse([need for need in needs if need not in offered])


def check_fees(service: Service, fees: Collection[str], on: dt.date) -> None:
    """Raises `InvalidForm` for what is no alternative of a group that is valid on that day, or a second one of a group."""
    groups = {fee.code: fee.group for fee in alternatives(service, on)}
    wrong = [fee for fee in fees if fee not in groups]
    chosen = [groups[fee] for fee in fees if fee in groups]
    wrong += [fee for fee in fees if chosen.count(groups.get(fee)) > 1]
    _refuse(list(dict.fromkeys(wrong)))


def alternatives(service: Service, on: dt.date) -> list[Fee]:
    """The fees of which the applicant may choose one of each group, valid on that day."""
    return [fee for fee in service.fees if fee.group and _is_valid(fee, on)]


def required_by(service: Service, answers: Mapping[str, str]) -> set[str]:
    """The requirements, not mandatory otherwise, that these answers make necessary."""
    return {
        requirement
        for question in service.questions
        for answer in question.answers
        if answers.get(question.code) == answer.code
        for requirement in answer.requirements
    }


def _is_valid(fee: Fee, on: dt.date) -> bool:
    return fee.valid_from <= on and (fee.valid_until is None or on <= fee.valid_until)


def _refuse(wrong: list[str]) -> None:
    if wrong:
        raise InvalidForm(fields=wrong)
