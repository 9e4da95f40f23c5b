"""Withdraw an application: what that means, once more asked, then done."""

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from contracts.catalogue import load as load_catalogue
from runtime.addresses import segment
from services.portal.portal import Asked, Portal
from services.portal.tracking.answers import Status
from services.portal.tracking.numbers import number_of
from services.portal.tracking.owning import CodeNeeded, forget_code, new_key, own_code, path_of
from services.portal.upstream import Refused
from services.portal.visit import Visit


def withdraw_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/lacak/{number}/tarik`."""
    codes = load_catalogue().reason_uses.get("withdrawal", ())

    async def page(
        visit: Visit, number: str, *, error: str = "", status_code: int = 200, chosen: str = ""
    ) -> Response[Any]:
        status = (await portal.status.get(f"/applications/{segment(number)}", visit, type=Status)).body
        reasons = await portal.catalogue.reasons(visit)
        options = [(code, visit.text(reasons[code])) for code in codes if code in reasons]
        return visit.page(
            "tracking/withdraw.html", status_code=status_code, status=status, path=path_of(number), error=error,
            options=[("", visit._("Saya tidak ingin menyebutkannya.")), *options], chosen=chosen,
        )  # fmt: skip

    @get("/lacak/{number:str}/tarik", include_in_schema=False)
    async def ask(request: Asked, number: FromPath[str]) -> Response[Any]:
        """What withdrawing means, and whether it is really meant."""
        visit = portal.visit(request)
        known = number_of(number)
        own_code(visit, known, "tarik")
        return await page(visit, known)

    @post("/lacak/{number:str}/tarik", include_in_schema=False, status_code=303)
    async def withdraw(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Done, once, however often it is sent."""
        visit = portal.visit(request)
        form = await visit.form()
        known = number_of(number)
        code = own_code(visit, known, "tarik")
        chosen = form.get("alasan")
        if not form.get("yakin"):
            words = visit._("Centang bahwa Anda benar-benar ingin menariknya kembali.")
            return await page(visit, known, error=words, status_code=422, chosen=chosen)
        try:
            await portal.intake.post(
                f"/applications/{segment(known)}/withdraw",
                visit,
                json={"reason": chosen} if chosen in codes else {},
                auth=code,
                headers={"Idempotency-Key": form.once or new_key()},
            )
        except Refused as refused:
            if refused.status == 401:
                forget_code(visit, known)
                raise CodeNeeded(known, "tarik") from refused
            if refused.slug != "already-ended":
                raise
            visit.flash("info", visit._("Permohonan ini sudah berakhir; tidak ada lagi yang dapat ditarik kembali."))
            return visit.redirect(path_of(known))
        visit.flash("success", visit._("Permohonan Anda sudah ditarik kembali. Kami tidak memprosesnya lagi."))
        return visit.redirect(path_of(known))

    return [ask, withdraw]
