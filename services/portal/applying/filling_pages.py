"""The pages of a draft between the first and the review: one question a page, each saved as it is sent."""

from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from runtime.addresses import segment
from services.portal.applying import persons
from services.portal.applying.drafts import Filled, draft_path, key_to, read_filled
from services.portal.applying.starting import person_page
from services.portal.applying.steps import FEE_TITLES, fee_groups, next_page, states, steps_of
from services.portal.forms import Form, FormErrors
from services.portal.language import N_
from services.portal.portal import Asked, Portal
from services.portal.refusals import NOT_FOUND, refusal
from services.portal.upstream import Away, Refused
from services.portal.visit import Visit

RELATIONS: Final = {
    "parent": N_("Ayah atau ibu"),
    "guardian": N_("Wali"),
    "spouse": N_("Suami atau istri"),
    "child": N_("Anak"),
    "relative": N_("Keluarga lain"),
    "employer": N_("Pemberi kerja"),
    "guarantor": N_("Penjamin"),
    "lawyer": N_("Kuasa hukum"),
    "other": N_("Lainnya, dengan surat kuasa"),
}
CHOOSE: Final = N_("Pilih salah satu jawaban.")


def filling_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/draf/{number}` and its pages, without documents and review."""
    return [*_overview_and_person(portal), *_representative(portal), *_question(portal), *_fee(portal), *_needs(portal)]


def _overview_and_person(portal: Portal) -> list[ControllerRouterHandler]:
    @get("/draf/{number:str}", include_in_schema=False)
    async def overview(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Number and code, until when the draft is kept, and what is still to be done."""
        visit = portal.visit(request)
        filled = await read_filled(portal, visit, number)
        steps = steps_of(filled)
        key = key_to(visit, number)
        return visit.page(
            "applying/overview.html",
            filled=filled,
            steps=list(zip(steps, states(steps), strict=True)),
            code="" if key.access_code.startswith("grant.") else key.access_code,
            following=next((step.page for step in steps if not step.is_done), "periksa"),
            begun=bool(filled.draft.documents or filled.form.answers or filled.form.fees),
        )

    @get("/draf/{number:str}/pemohon", include_in_schema=False)
    async def person(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Who applies, to be changed."""
        visit = portal.visit(request)
        filled = await read_filled(portal, visit, number)
        return person_page(
            visit, filled.service, filled.applicant, {}, number=filled.draft.number, back_to_review=_to_review(request)
        )

    @post("/draf/{number:str}/pemohon", status_code=303, include_in_schema=False)
    async def change_person(request: Asked, number: FromPath[str]) -> Response[Any]:
        visit = portal.visit(request)
        form = await visit.form()
        filled = await read_filled(portal, visit, number)
        category = filled.service.category
        given = persons.given_in(form, category, visit.language)
        wrong = persons.wrong_in(given, category, filled.today)
        kept = {"number": filled.draft.number, "back_to_review": form.get("ke") == "periksa"}
        if wrong:
            return person_page(visit, filled.service, form.values, wrong, **kept)  # type: ignore[arg-type]
        unasked = {name: value for name, value in filled.applicant.items() if name not in persons.fields_of(category)}
        try:
            await save(portal, visit, filled, "applicant", unasked | given)
        except Away:
            return person_page(visit, filled.service, form.values, {}, away=True, **kept)  # type: ignore[arg-type]
        except Refused as refused:
            if refused.slug != "invalid-applicant":
                raise
            found = persons.refused_fields(refused.extensions, category)
            return person_page(visit, filled.service, form.values, found, **kept)  # type: ignore[arg-type]
        return go_on(visit, filled, "pemohon", form)

    return [overview, person, change_person]


def _representative(portal: Portal) -> list[ControllerRouterHandler]:
    def page(visit: Visit, filled: Filled, given: dict[str, str], wrong: FormErrors, **more: Any) -> Response[Any]:
        relations = [(code, visit._(text)) for code, text in RELATIONS.items()]
        return step_page(visit, "applying/behalf.html", filled, wrong, given=given, relations=relations, **more)

    @get("/draf/{number:str}/wakil", include_in_schema=False)
    async def behalf(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Who sends the application."""
        visit = portal.visit(request)
        filled = await read_filled(portal, visit, number)
        by = filled.form.representative
        given = {"for": "other" if by else "self"} | (
            {"representative": by.name, "relation": by.relation, "consent": "yes"} if by else {}
        )
        return page(visit, filled, given, {}, back_to_review=_to_review(request))

    @post("/draf/{number:str}/wakil", status_code=303, include_in_schema=False)
    async def represent(request: Asked, number: FromPath[str]) -> Response[Any]:
        visit = portal.visit(request)
        form = await visit.form()
        filled = await read_filled(portal, visit, number)
        wrong = wrong_in_behalf(form)
        given = {"for": "", "representative": "", "relation": "", "consent": ""} | form.values
        back = form.get("ke") == "periksa"
        if wrong:
            return page(visit, filled, given, wrong, back_to_review=back)
        by = {"name": form.get("representative"), "relation": form.get("relation"), "consent": True}
        body = {"representative": by if form.get("for") == "other" else None}
        try:
            await save(portal, visit, filled, "representative", body)
        except Away:
            return page(visit, filled, given, {}, back_to_review=back, away=True)
        return go_on(visit, filled, "wakil", form)

    return [behalf, represent]


def wrong_in_behalf(form: Form) -> FormErrors:
    """What is wrong on the page that asks who sends the application (Indonesian source texts)."""
    if form.get("for") == "self":
        return {}
    if form.get("for") != "other":
        return {"for": CHOOSE}
    wrong: FormErrors = {}
    if not form.get("representative") or not form.get("representative").isprintable():
        wrong["representative"] = N_("Isi nama orang yang mengajukan.")
    elif len(form.get("representative")) > persons.LIMITS["name"]:
        wrong["representative"] = N_("Isian ini terlalu panjang.")
    if form.get("relation") not in RELATIONS:
        wrong["relation"] = N_("Pilih hubungannya dengan pemohon.")
    if form.get("consent") != "yes":
        wrong["consent"] = N_("Kami hanya menerima permohonan untuk orang lain bila pemohon setuju.")
    return wrong


def _question(portal: Portal) -> list[ControllerRouterHandler]:
    def page(visit: Visit, filled: Filled, code: str, chosen: str, wrong: FormErrors, **more: Any) -> Response[Any]:
        question = next((one for one in filled.service.questions if one.code == code), None)
        if question is None:
            return refusal(visit, NOT_FOUND)
        options = [(one.code, visit.text(one.labels), visit.text(one.help)) for one in question.answers]
        title, hint = visit.text(question.labels), visit.text(question.help)
        return step_page(
            visit, "applying/choice.html", filled, wrong, title=title, hint=hint, options=options, chosen=chosen,
            page=f"pertanyaan/{code}", basis="", **more,
        )  # fmt: skip

    @get("/draf/{number:str}/pertanyaan/{code:str}", include_in_schema=False)
    async def question(request: Asked, number: FromPath[str], code: FromPath[str]) -> Response[Any]:
        """One question of the service."""
        visit = portal.visit(request)
        filled = await read_filled(portal, visit, number)
        chosen = filled.form.answers.get(code, "")
        return page(visit, filled, code, chosen, {}, back_to_review=_to_review(request))

    @post("/draf/{number:str}/pertanyaan/{code:str}", status_code=303, include_in_schema=False)
    async def answer(request: Asked, number: FromPath[str], code: FromPath[str]) -> Response[Any]:
        visit = portal.visit(request)
        form = await visit.form()
        filled = await read_filled(portal, visit, number)
        known = {one.code for question in filled.service.questions if question.code == code for one in question.answers}
        back = form.get("ke") == "periksa"
        if form.get("answer") not in known:
            return page(visit, filled, code, "", {"answer": CHOOSE}, back_to_review=back)
        try:
            await save(portal, visit, filled, "answers", {"answers": filled.form.answers | {code: form.get("answer")}})
        except Away:
            return page(visit, filled, code, form.get("answer"), {}, back_to_review=back, away=True)
        return go_on(visit, filled, f"pertanyaan/{code}", form)

    return [question, answer]


def _fee(portal: Portal) -> list[ControllerRouterHandler]:
    def page(visit: Visit, filled: Filled, group: str, chosen: str, wrong: FormErrors, **more: Any) -> Response[Any]:
        fees = fee_groups(filled.service, filled.today).get(group)
        if fees is None:
            return refusal(visit, NOT_FOUND)
        options = [(one.code, visit.text(one.labels), visit.speech.money(one.amount, one.currency)) for one in fees]
        title = visit._(FEE_TITLES[group]) if group in FEE_TITLES else visit._("Pilihan Anda")
        return step_page(
            visit, "applying/choice.html", filled, wrong, title=title, options=options, chosen=chosen,
            hint=visit._("Kantor menetapkan biaya sesuai pilihan ini. Anda belum membayar sekarang."),
            page=f"biaya/{group}", basis=fees[0].legal_basis, **more,
        )  # fmt: skip

    @get("/draf/{number:str}/biaya/{group:str}", include_in_schema=False)
    async def fee(request: Asked, number: FromPath[str], group: FromPath[str]) -> Response[Any]:
        """One of the variants that differ in their fee."""
        visit = portal.visit(request)
        filled = await read_filled(portal, visit, number)
        fees = fee_groups(filled.service, filled.today).get(group, [])
        chosen = next((one.code for one in fees if one.code in filled.form.fees), "")
        return page(visit, filled, group, chosen, {}, back_to_review=_to_review(request))

    @post("/draf/{number:str}/biaya/{group:str}", status_code=303, include_in_schema=False)
    async def choose(request: Asked, number: FromPath[str], group: FromPath[str]) -> Response[Any]:
        visit = portal.visit(request)
        form = await visit.form()
        filled = await read_filled(portal, visit, number)
        codes = {one.code for one in fee_groups(filled.service, filled.today).get(group, [])}
        back = form.get("ke") == "periksa"
        if form.get("answer") not in codes:
            return page(visit, filled, group, "", {"answer": CHOOSE}, back_to_review=back)
        fees = [one for one in filled.form.fees if one not in codes]
        try:
            await save(portal, visit, filled, "fees", {"fees": [*fees, form.get("answer")]})
        except Away:
            return page(visit, filled, group, form.get("answer"), {}, back_to_review=back, away=True)
        return go_on(visit, filled, f"biaya/{group}", form)

    return [fee, choose]


def _needs(portal: Portal) -> list[ControllerRouterHandler]:
    def page(visit: Visit, filled: Filled, chosen: list[str], **more: Any) -> Response[Any]:
        offered = filled.office.visiting.assistance if filled.office.visiting else []
        options = [(one.code, visit.text(one.labels), visit.text(one.help)) for one in offered]
        return step_page(visit, "applying/needs.html", filled, {}, options=options, chosen=chosen, **more)

    @get("/draf/{number:str}/bantuan", include_in_schema=False)
    async def needs(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Which help is needed at a visit."""
        visit = portal.visit(request)
        filled = await read_filled(portal, visit, number)
        return page(visit, filled, filled.form.needs, back_to_review=_to_review(request))

    @post("/draf/{number:str}/bantuan", status_code=303, include_in_schema=False)
    async def say_needs(request: Asked, number: FromPath[str]) -> Response[Any]:
        visit = portal.visit(request)
        form = await visit.form()
        filled = await read_filled(portal, visit, number)
        offered = {one.code for one in filled.office.visiting.assistance} if filled.office.visiting else set()
        chosen = [one for one in form.all("needs") if one in offered]
        try:
            await save(portal, visit, filled, "needs", {"needs": chosen})
        except Away:
            return page(visit, filled, chosen, back_to_review=form.get("ke") == "periksa", away=True)
        return go_on(visit, filled, "bantuan", form)

    return [needs, say_needs]


def step_page(visit: Visit, template: str, filled: Filled, wrong: FormErrors, **more: Any) -> Response[Any]:
    """A page of the form: what was given is kept, what is wrong is said, an outage is no loss."""
    away = bool(more.pop("away", False))
    return visit.page(
        template,
        status_code=503 if away else 422 if wrong else 200,
        headers={"Retry-After": "10"} if away else None,
        filled=filled,
        number=filled.draft.number,
        errors={name: visit._(text) for name, text in wrong.items()},
        away=away,
        **more,
    )


async def save(portal: Portal, visit: Visit, filled: Filled, part: str, body: object) -> None:
    """Replace a part of the draft at intake. Raises `Refused`, `Away`."""
    number = filled.draft.number
    await portal.intake.put(f"/drafts/{segment(number)}/{part}", visit, json=body, auth=key_to(visit, number))


def go_on(visit: Visit, filled: Filled, page: str, form: Form) -> Response[Any]:
    """To the review, where the page was changed from there, else to the next page."""
    following = "periksa" if form.get("ke") == "periksa" else next_page(filled, page)
    return visit.redirect(draft_path(filled.draft.number, following))


def _to_review(request: Asked) -> bool:
    return request.query_params.get("ke") == "periksa"
