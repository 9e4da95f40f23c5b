"""`/pendapat/{token}`: what another body is asked, and its answer. The link is all: nobody signs in."""

from typing import Any, Final

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from services.portal.forms import FormErrors
from services.portal.language import N_
from services.portal.portal import Asked, Portal
from services.portal.upstream import Refused
from services.portal.visit import Visit

OUTCOMES: Final = {
    "favourable": N_("Mendukung"),
    "unfavourable": N_("Tidak mendukung"),
    "needs_more": N_("Perlu keterangan lain lebih dahulu"),
}
_SECRET_PAGE: Final = {"X-Robots-Tag": "noindex"}
_ENDED: Final = (404, 410)


def opinion_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """The page of the link."""

    @get("/pendapat/{secret:str}", include_in_schema=False)
    async def show(request: Asked, secret: FromPath[str]) -> Response[Any]:
        """The question, or the answer that was given."""
        visit = portal.visit(request)
        try:
            asked = await portal.processing.get(
                "/opinions/asked", visit, headers=_link(secret), type=dict[str, Any]
            )  # fmt: skip
        except Refused as refused:
            return _ended(visit, refused)
        return _question(visit, asked.body, {}, {})

    @post("/pendapat/{secret:str}", status_code=303, include_in_schema=False)
    async def answer(request: Asked, secret: FromPath[str]) -> Response[Any]:
        """Send the answer, once."""
        visit = portal.visit(request)
        form = await visit.form()
        outcome = form.get("outcome")
        reasons = form.all(f"reasons-{outcome}") if outcome in OUTCOMES else []
        try:
            headers = _link(secret)
            asked = (await portal.processing.get("/opinions/asked", visit, headers=headers, type=dict[str, Any])).body
            errors = _wrong(outcome, reasons)
            if errors:
                return _question(visit, asked, form.values | {"reasons": ",".join(reasons)}, errors)
            body = {"outcome": outcome, "reasons": [{"code": code} for code in reasons]}
            await portal.processing.post("/opinions/asked", visit, json=body, headers=headers)
        except Refused as refused:
            if refused.status in (400, 409, 422):
                return _question(visit, asked, form.values, {"outcome": refused.words(visit.language)}, refused.status)
            return _ended(visit, refused)
        return visit.redirect(f"/pendapat/{secret}")

    return [show, answer]


def _link(secret: str) -> dict[str, str]:
    """The secret, where it can be one: what else a header may not hold is none."""
    return {"Opinion-Link": secret if secret.isascii() and secret.isprintable() and len(secret) <= 200 else "-"}


def _wrong(outcome: str, reasons: list[str]) -> FormErrors:
    if outcome not in OUTCOMES:
        return {"outcome": N_("Pilih jawaban Anda.")}
    return {} if reasons else {f"reasons-{outcome}": N_("Pilih sedikitnya satu alasan.")}


def _question(
    visit: Visit, asked: dict[str, Any], given: dict[str, str], errors: FormErrors, status_code: int | None = None
) -> Response[Any]:
    return visit.page(
        "officers/opinion.html",
        status_code=status_code or (422 if errors else 200),
        headers=_SECRET_PAGE,
        asked=asked,
        given=given,
        errors={name: visit._(text) for name, text in errors.items()},
        outcomes=OUTCOMES,
    )


def _ended(visit: Visit, refused: Refused) -> Response[Any]:
    """The link is unknown or good no more: why, and what to do."""
    if refused.status not in _ENDED:
        raise refused
    return visit.page(
        "officers/opinion_ended.html",
        status_code=refused.status,
        headers=_SECRET_PAGE,
        words=refused.words(visit.language),
    )
