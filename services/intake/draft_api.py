"""Filling in a draft over HTTP: who applies and what the form asks, read back and replaced part by part."""

from typing import Annotated, Final

import msgspec
from litestar import Response, Router, get, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from runtime.openapi import APPLICANT
from services.intake.applicant import Applicant, Remark
from services.intake.desk import Asked, Desk
from services.intake.filling import Filling
from services.intake.form import Answers, Codes, Form, Representative

BASIC: Final = [{APPLICANT: list[str]()}]
NO_STORE: Final = {"Cache-Control": "no-store"}


class ReplacedApplicant(Struct, frozen=True, kw_only=True):
    """The new data is kept, and nothing of the old."""

    remarks: list[Remark]


class AnswersGiven(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Answers to the form's questions; they replace all earlier ones."""

    answers: Answers


class RepresentedBy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who files for the applicant; `null`: the applicants themselves."""

    representative: Representative | None


class NeedsGiven(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Kinds of assistance of the office; they replace all earlier ones."""

    needs: Annotated[Codes, Meta(description="Codes of the office's `assistance`.")]


class FeesChosen(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fees that the applicant chose, at most one of each group; the officer assesses what is due."""

    fees: Annotated[Codes, Meta(description="Codes of the service's fees that have a group.")]


class FormView(Struct, frozen=True, kw_only=True):
    """What was filled in. `missing`: requirements without a document, by these answers."""

    answers: Answers
    representative: Representative | None
    needs: Codes
    fees: Codes
    missing: list[str]

    def __repr__(self) -> str:
        return "FormView(…)"


@get("/drafts/{number:str}/applicant", security=BASIC)
async def show_applicant(request: Asked, number: FromPath[str], filling: Filling, desk: Desk) -> Response[Applicant]:
    """The applicant's own data, for the applicant."""
    entry = await desk.enter(request, number)
    return Response(await filling.applicant(entry.number), headers=NO_STORE)


@put("/drafts/{number:str}/applicant", security=BASIC)
async def replace_applicant(
    request: Asked, number: FromPath[str], data: JSONBody[Applicant], filling: Filling, desk: Desk
) -> Response[ReplacedApplicant]:
    """Replace the applicant's data of a draft, whole."""
    entry = await desk.enter_to_change(request, number)
    remarks = await filling.replace_applicant(entry.number, data)
    return Response(ReplacedApplicant(remarks=remarks), headers=NO_STORE)


@get("/drafts/{number:str}/form", security=BASIC)
async def show_form(request: Asked, number: FromPath[str], filling: Filling, desk: Desk) -> Response[FormView]:
    """What was filled in besides the applicant's data, also after the application was handed in."""
    entry = await desk.enter(request, number)
    return await _answer(entry.number, filling)


@put("/drafts/{number:str}/answers", security=BASIC)
async def answer_questions(
    request: Asked,
    number: FromPath[str],
    data: JSONBody[AnswersGiven],
    filling: Filling,
    desk: Desk,
) -> Response[FormView]:
    """Answer the service's questions; the answers decide which further documents are needed."""
    entry = await desk.enter_to_change(request, number)
    await filling.answer(entry.number, data.answers)
    return await _answer(entry.number, filling)


@put("/drafts/{number:str}/representative", security=BASIC)
async def represent(
    request: Asked,
    number: FromPath[str],
    data: JSONBody[RepresentedBy],
    filling: Filling,
    desk: Desk,
) -> Response[FormView]:
    """Say who files for the applicant, with the applicant's consent, or that nobody does."""
    entry = await desk.enter_to_change(request, number)
    await filling.represent(entry.number, data.representative)
    return await _answer(entry.number, filling)


@put("/drafts/{number:str}/needs", security=BASIC)
async def say_needs(
    request: Asked,
    number: FromPath[str],
    data: JSONBody[NeedsGiven],
    filling: Filling,
    desk: Desk,
) -> Response[FormView]:
    """Say what assistance is needed at a visit; the office's desk is shown it."""
    entry = await desk.enter_to_change(request, number)
    await filling.need(entry.number, data.needs)
    return await _answer(entry.number, filling)


@put("/drafts/{number:str}/fees", security=BASIC)
async def choose_fees(
    request: Asked,
    number: FromPath[str],
    data: JSONBody[FeesChosen],
    filling: Filling,
    desk: Desk,
) -> Response[FormView]:
    """Choose among fees of a group, e.g. which book of passport; the office's desk is shown it."""
    entry = await desk.enter_to_change(request, number)
    await filling.choose_fees(entry.number, data.fees)
    return await _answer(entry.number, filling)


async def _answer(number: str, filling: Filling) -> Response[FormView]:
    form, missing = await filling.form(number)
    return Response(_view(form, missing), headers=NO_STORE)


def _view(form: Form, missing: list[str]) -> FormView:
    return FormView(**msgspec.structs.asdict(form), missing=missing)


DRAFT_ROUTES: Final = Router(
    "/",
    route_handlers=[
        show_applicant, replace_applicant, show_form, answer_questions, represent, say_needs, choose_fees,
    ],
    tags=["drafts"],
)  # fmt: skip
