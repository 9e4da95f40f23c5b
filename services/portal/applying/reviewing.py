"""Check the answers, hand the application in, and the receipt."""

from typing import Any, NamedTuple

import segno
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler
from markupsafe import Markup

from runtime.addresses import segment
from services.portal.applying import persons
from services.portal.applying.drafts import (
    GRANT,
    Filled,
    HandedIn,
    draft_path,
    key_to,
    read_draft,
    read_filled,
    receipt_path,
)
from services.portal.applying.filling_pages import RELATIONS, step_page
from services.portal.applying.starting import AT_DESK
from services.portal.applying.steps import FEE_TITLES, documents_asked, fee_groups, is_ready, steps_of
from services.portal.language import N_
from services.portal.portal import Asked, Portal
from services.portal.tracking.numbers import canonical
from services.portal.tracking.owning import forget_code
from services.portal.upstream import STAFF, Away, Refused
from services.portal.visit import Visit

AT_OFFICE = ("desk", "post", "email")


class Row(NamedTuple):
    """An answer, and the page on which it is changed. An empty `value` was not given."""

    name: str
    value: str
    page: str


class Part(NamedTuple):
    """What belongs together on the review page."""

    title: str
    rows: list[Row]


def review_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/draf/{number}/periksa`, `/permohonan/{number}/tanda-terima`, `/permohonan/{number}/selesai`."""

    def page(visit: Visit, filled: Filled, *, once: str = "", **more: Any) -> Response[Any]:
        missing = [step for step in steps_of(filled)[:-1] if not step.is_done]
        return step_page(
            visit, "applying/review.html", filled, {}, parts=parts_of(visit, filled), missing=missing,
            ready=is_ready(filled), once=once, **more,
        )  # fmt: skip

    @get("/draf/{number:str}/periksa", include_in_schema=False)
    async def review(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Every answer, each with a link to change it."""
        visit = portal.visit(request)
        return page(visit, await read_filled(portal, visit, number))

    @post("/draf/{number:str}/periksa", status_code=303, include_in_schema=False)
    async def submit(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Hand it in; sent again, it leads to the same receipt."""
        visit = portal.visit(request)
        form = await visit.form()
        try:
            filled = await read_filled(portal, visit, number)
        except HandedIn as done:
            return visit.redirect(receipt_path(done.number))
        try:
            await _hand_in(portal, visit, filled, form.once)
        except Away:
            return page(visit, filled, once=form.once, away=True)
        except Refused as refused:
            if refused.slug != "requirements-missing":
                raise
            return page(visit, await read_filled(portal, visit, number), once=form.once)
        return visit.redirect(receipt_path(filled.draft.number))

    @get("/permohonan/{number:str}/tanda-terima", include_in_schema=False)
    async def receipt(request: Asked, number: FromPath[str]) -> Response[Any]:
        """The receipt: to be kept, printed, scanned."""
        visit = portal.visit(request)
        draft = await read_draft(portal, visit, number)
        if draft.submitted_at is None:
            return visit.redirect(draft_path(draft.number, "periksa"))
        key = key_to(visit, draft.number)
        track = f"{visit.origin}{visit.url(f'/lacak/{draft.number}')}"
        return visit.page(
            "applying/receipt.html",
            draft=draft,
            service=await portal.catalogue.service(draft.service, visit),
            office=await portal.catalogue.office(draft.office, visit),
            code="" if key.access_code.startswith(GRANT) else key.access_code,
            track=track,
            qr=qr_of(track, visit._("Kode QR menuju halaman lacak")),
            at_desk=_is_at_desk(visit, draft.channel),
            again=f"/ajukan/{draft.service}?di={AT_DESK}",
        )

    @post("/permohonan/{number:str}/selesai", status_code=303, include_in_schema=False)
    async def forget(request: Asked, number: FromPath[str]) -> Response[Any]:
        """At a desk: this computer forgets the code, for the next person."""
        visit = portal.visit(request)
        await visit.form()
        forget_code(visit, canonical(number) or number)
        visit.flash("success", visit._("Kode akses permohonan itu sudah dilupakan di komputer ini."))
        return visit.redirect("/petugas" if visit.staff else "/")

    return [review, submit, receipt, forget]


def qr_of(address: str, title: str) -> Markup:
    """`address` as a QR code (ISO/IEC 18004), an SVG without styles; black on white also where the page is dark."""
    code = segno.make(address, error="m", micro=False)
    drawn = code.svg_inline(scale=5, border=4, dark="#000", light="#fff", svgclass="qr", lineclass="", omitsize=False)
    named = drawn.replace("<svg ", f'<svg role="img" aria-label="{Markup.escape(title)}" ', 1)
    return Markup(named)  # noqa: S704 — made by segno of our own address; the title is escaped


def parts_of(visit: Visit, filled: Filled) -> list[Part]:
    """Every answer, in the order of the pages."""
    parts = [Part(visit._(N_("Data pemohon")), _of_person(visit, filled)), _of_representative(visit, filled)]
    answers = _of_answers(visit, filled)
    if answers:
        parts.append(Part(visit._("Jawaban Anda"), answers))
    parts.append(Part(visit._("Dokumen"), _of_documents(visit, filled)))
    offered = filled.office.visiting.assistance if filled.office.visiting else []
    if offered:
        chosen = [visit.text(one.labels) for one in offered if one.code in filled.form.needs]
        row = Row(visit._("Bantuan saat datang ke kantor"), "; ".join(chosen) or visit._("Tidak ada"), "bantuan")
        parts.append(Part(visit._("Kunjungan ke kantor"), [row]))
    return parts


def _of_person(visit: Visit, filled: Filled) -> list[Row]:
    rows = []
    for name in persons.fields_of(filled.service.category):
        value = filled.applicant.get(name, "")
        if name == "date_of_birth" and value:
            value = visit.speech.day(value)
        if name == "nationality":
            value = persons.countries(visit.language).get(value, value)
        rows.append(Row(visit._(persons.LABELS[name]), value, "pemohon"))
    return rows


def _of_representative(visit: Visit, filled: Filled) -> Part:
    by = filled.form.representative
    title = visit._("Siapa yang mengajukan")
    if by is None:
        return Part(title, [Row(visit._("Diajukan oleh"), visit._("Pemohon sendiri"), "wakil")])
    return Part(
        title,
        [
            Row(visit._("Diajukan oleh"), by.name, "wakil"),
            Row(visit._("Hubungan dengan pemohon"), visit._(RELATIONS[by.relation]), "wakil"),
            Row(visit._("Persetujuan pemohon"), visit._("Ada"), "wakil"),
        ],
    )


def _of_answers(visit: Visit, filled: Filled) -> list[Row]:
    rows = []
    for question in filled.service.questions:
        chosen = next((one for one in question.answers if one.code == filled.form.answers.get(question.code)), None)
        value = visit.text(chosen.labels) if chosen else ""
        rows.append(Row(visit.text(question.labels), value, f"pertanyaan/{question.code}"))
    for group, fees in fee_groups(filled.service, filled.today).items():
        fee = next((one for one in fees if one.code in filled.form.fees), None)
        value = f"{visit.text(fee.labels)} ({visit.speech.money(fee.amount, fee.currency)})" if fee else ""
        rows.append(Row(visit._(FEE_TITLES.get(group, N_("Pilihan Anda"))), value, f"biaya/{group}"))
    return rows


def _of_documents(visit: Visit, filled: Filled) -> list[Row]:
    stored = filled.by_requirement
    return [
        Row(visit.text(one.labels), size_of(visit, stored[one.code].size_bytes) if one.code in stored else
            "" if needed else visit._("Tidak dilampirkan"), f"dokumen/{one.code}")
        for one, needed in documents_asked(filled)
    ]  # fmt: skip


def size_of(visit: Visit, size_bytes: int) -> str:
    """`Terunggah, 240 kB`."""
    return visit._("Terunggah, %(size)s kB", size=visit.speech.number(max(1, round(size_bytes / 1000))))


async def _hand_in(portal: Portal, visit: Visit, filled: Filled, once: str) -> None:
    """Submit the draft: by the officer where one opened it at the desk, else by its applicant."""
    number, headers = filled.draft.number, {"Idempotency-Key": once} if once else None
    path = f"/drafts/{segment(number)}/submit"
    if _is_at_desk(visit, filled.draft.channel):
        try:
            await portal.intake.post(f"/desk{path}", visit, auth=STAFF, headers=headers)
        except Refused as refused:
            if refused.slug != "not-opened-at-desk":
                raise
        else:
            return
    receipt: Any = (await portal.intake.post(path, visit, auth=key_to(visit, number), headers=headers)).body
    if receipt.get("access_code"):
        visit.session.remember(number, receipt["access_code"])


def _is_at_desk(visit: Visit, channel: str) -> bool:
    return channel in AT_OFFICE and visit.staff is not None and visit.staff.has("officer", "supervisor")
