"""Every page that says no: what happened, and what to do, in the visitor's language."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from msgspec import Struct

from runtime.trace import current_trace
from services.portal.forms import ForeignForm, FormTooLarge, FormUnreadable
from services.portal.language import N_
from services.portal.portal import Portal
from services.portal.upstream import Away, Refused
from services.portal.visit import NotForRole, SignInNeeded, Visit

_log = structlog.stdlib.get_logger("jejak.portal")


class Said(Struct, frozen=True):
    """A refusal in words (Indonesian source): what happened, and what to do."""

    status: int
    title: str
    text: str


NOT_FOUND: Final = Said(
    404,
    N_("Halaman ini tidak ada"),
    N_("Periksa alamatnya, atau mulai lagi dari halaman depan. Bila Anda mengikuti tautan kami, maafkan kami."),
)
FOREIGN: Final = Said(
    403,
    N_("Formulir ini tidak dapat kami terima"),
    N_("Formulir ini sudah terlalu lama terbuka, atau dikirim dari halaman lain. Belum ada yang berubah. "
       "Kembali ke halaman sebelumnya, muat ulang, lalu kirim lagi."),
)  # fmt: skip
TOO_LARGE: Final = Said(
    413, N_("Kiriman ini terlalu besar"), N_("Belum ada yang tersimpan. Kirim yang lebih kecil, lalu coba lagi.")
)
UNREADABLE: Final = Said(
    400,
    N_("Kiriman ini tidak dapat kami baca"),
    N_("Belum ada yang berubah. Kembali, muat ulang halaman, lalu kirim lagi."),
)
NOT_ALLOWED: Final = Said(
    403,
    N_("Halaman ini bukan untuk peran Anda"),
    N_("Bila Anda memerlukannya untuk pekerjaan Anda, mintalah peran itu kepada pengelola kantor, lalu masuk lagi."),
)
SIGN_IN: Final = Said(
    401,
    N_("Anda perlu masuk lagi"),
    N_("Waktu masuk Anda sudah berakhir, dan belum ada yang berubah. Masuklah di tab lain, lalu kembali ke sini dan "
       "kirim lagi: isian Anda masih ada di halaman sebelumnya."),
)  # fmt: skip
TOO_MANY: Final = Said(
    429, N_("Terlalu banyak permintaan"), N_("Tunggu sebentar, lalu coba lagi. Batas ini melindungi data semua orang.")
)
AWAY: Final = Said(
    503,
    N_("Bagian ini sedang tidak dapat dihubungi"),
    N_("Belum ada yang berubah dan tidak ada yang hilang. Coba lagi sebentar lagi."),
)
DEFECT: Final = Said(
    500,
    N_("Terjadi kesalahan pada kami"),
    N_("Kesalahan ini sudah tercatat. Coba lagi; bila tetap terjadi, hubungi kantor dan sebutkan kode di bawah ini."),
)
REFUSED: Final = Said(409, N_("Permintaan ini tidak dapat kami jalankan"), "")
METHOD: Final = Said(405, N_("Halaman ini tidak dapat dibuka dengan cara itu"), N_("Mulai lagi dari halaman depan."))

_BY_STATUS: Final = {
    400: UNREADABLE, 401: SIGN_IN, 403: NOT_ALLOWED, 404: NOT_FOUND, 405: METHOD, 413: TOO_LARGE, 429: TOO_MANY, 503: AWAY,
}  # fmt: skip

_PLAIN: Final[dict[type[Exception], Said]] = {
    SignInNeeded: SIGN_IN,
    NotForRole: NOT_ALLOWED,
    ForeignForm: FOREIGN,
    FormTooLarge: TOO_LARGE,
    FormUnreadable: UNREADABLE,
}

Handler = Callable[[Request[Any, Any, Any], Exception], Response[Any]]


def exception_handlers(portal: Portal) -> dict[int | type[Exception], Handler]:
    """For every error that a page may end in."""

    def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
        return refuse(portal.visit(request), error)

    return {HTTPException: answer, Exception: answer}


def refuse(visit: Visit, error: Exception) -> Response[Any]:
    """The page for `error`; a sign-in where only that is missing and nothing was sent."""
    if isinstance(error, SignInNeeded) and _is_reading(visit):
        return visit.redirect(sign_in_path(visit))
    if (said := _PLAIN.get(type(error))) is not None:
        return refusal(visit, said)
    if isinstance(error, Away):
        _log.warning("a service is away", upstream=error.service)
        return refusal(visit, AWAY, headers={"Retry-After": str(error.retry_after_s or 5)})
    if isinstance(error, Refused):
        return _refused(visit, error)
    if isinstance(error, HTTPException) and error.status_code < 500:
        return refusal(visit, _BY_STATUS.get(error.status_code, UNREADABLE), headers=_kept(error))
    _log.error("page failed", error=type(error).__name__, exc_info=error)
    return refusal(visit, DEFECT)


def refusal(visit: Visit, said: Said, *, detail: str = "", headers: dict[str, str] | None = None) -> Response[Any]:
    """The page that says `said`; `detail` (in the visitor's language already) beside it."""
    trace = current_trace()
    return visit.page(
        "design/refusal.html",
        status_code=said.status,
        headers=headers,
        said=said,
        detail=detail,
        trace=trace.trace_id if trace and said.status >= 500 and said is not AWAY else "",
    )


def sign_in_path(visit: Visit) -> str:
    """Where to sign in, to come back to this page."""
    return f"/masuk?kembali={quote(visit.here, safe='')}"


def _refused(visit: Visit, error: Refused) -> Response[Any]:
    """A refusal of another service that the page did not expect."""
    if error.status == 401 and visit.staff is not None:
        visit.session.staff = None
        return refuse(visit, SignInNeeded())
    said = _BY_STATUS.get(error.status, REFUSED)
    headers = {"Retry-After": error.headers["Retry-After"]} if "Retry-After" in error.headers else None
    detail = error.words(visit.language) if error.status not in (401, 403, 404) else ""
    return refusal(visit, Said(error.status, said.title, said.text), detail=detail, headers=headers)


def _is_reading(visit: Visit) -> bool:
    return visit.request.method in ("GET", "HEAD")


def _kept(error: HTTPException) -> dict[str, str]:
    return {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
