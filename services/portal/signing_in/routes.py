"""Pages of signing in and out."""

from typing import Any, Final
from urllib.parse import quote, urlsplit

import structlog
from litestar import Response, get, post
from litestar.types import ControllerRouterHandler

from services.portal.pages import CSP
from services.portal.portal import Asked, Portal
from services.portal.signing_in import entering
from services.portal.signing_in.provider import NoRole, Provider, ProviderAway, ProviderError, ProviderRefused
from services.portal.signing_in.returning import home_of, own_path
from services.portal.visit import Visit

CALLBACK: Final = "/masuk/kembali"
SIGNED_OUT: Final = "/keluar"
CLEAR: Final = {"Clear-Site-Data": '"cache", "cookies", "storage"'}
_STATUS: Final = {"away": 503, "role": 403, "refused": 403}
_log = structlog.stdlib.get_logger("jejak.portal")


def routes(portal: Portal) -> list[ControllerRouterHandler]:
    """`/masuk`, `/masuk/mulai`, `/masuk/kembali`, `/keluar`."""
    provider = Provider(portal.settings)
    return [*_entering(portal, provider), *_leaving(portal, provider)]


def _entering(portal: Portal, provider: Provider) -> list[ControllerRouterHandler]:
    @get("/masuk", include_in_schema=False)
    async def sign_in(request: Asked) -> Response[Any]:
        """What signing in is for, and one button."""
        visit = portal.visit(request)
        back = own_path(request.query_params.get("kembali", ""))
        if visit.staff is not None:
            home = back or home_of(visit.staff)
            return visit.page("signing_in/already.html", staff=visit.staff, home=home)
        if not provider.is_set_up:
            return visit.page("signing_in/trouble.html", status_code=503, trouble="none", again="")
        ended = entering.WHO in visit.session.notes
        return visit.page("signing_in/sign_in.html", begin=_begin_path(back), ended=ended, back=back)

    @get("/masuk/mulai", include_in_schema=False)
    async def begin(request: Asked) -> Response[Any]:
        """Off to the provider."""
        visit = portal.visit(request)
        back = own_path(request.query_params.get("kembali", ""))
        if not provider.is_set_up:
            return visit.redirect("/masuk")
        try:
            begun = await provider.begin(visit.origin + CALLBACK, visit.language)
        except ProviderError as error:
            return _trouble(visit, error, back)
        entering.begin(
            visit.session,
            state=begun.state,
            nonce=begun.nonce,
            verifier=begun.verifier,
            back=back,
            language=visit.language,
        )
        return _to(visit, begun.address)

    @get(CALLBACK, include_in_schema=False)
    async def come_back(request: Asked) -> Response[Any]:
        """Back from the provider, with a code or with an error."""
        visit, given = portal.visit(request), request.query_params
        kept = entering.under_way(visit.session, given.get("state", ""))
        if kept is None:
            return visit.page("signing_in/trouble.html", status_code=400, trouble="stale", again=_begin_path(""))
        visit.language = "en" if kept["language"] == "en" else "id"
        visit.session.signing_in = {}
        try:
            await provider.check_sender(given.get("iss"))
            if "code" not in given:
                raise ProviderRefused(given.get("error", ""))
            staff = await provider.finish(
                given["code"], verifier=kept["verifier"], nonce=kept["nonce"], redirect_uri=visit.origin + CALLBACK
            )
        except ProviderError as error:
            return _trouble(visit, error, kept["back"])
        entering.enter(visit.session, staff)
        return visit.redirect(kept["back"] or home_of(staff))

    return [sign_in, begin, come_back]


def _leaving(portal: Portal, provider: Provider) -> list[ControllerRouterHandler]:
    @get(SIGNED_OUT, include_in_schema=False)
    async def ask_to_leave(request: Asked) -> Response[Any]:
        """The button for signing out; afterwards, that it is done."""
        visit = portal.visit(request)
        if visit.staff is not None:
            return visit.page("signing_in/leave.html", staff=visit.staff)
        return visit.page("signing_in/left.html", end=None)

    @post(SIGNED_OUT, include_in_schema=False)
    async def sign_out(request: Asked) -> Response[Any]:
        """Nothing stays in this browser; then the provider is asked to end its own session.

        By a form: in an address, the ID token with the person's name would be kept in histories and logs.
        """
        visit = portal.visit(request)
        await visit.form()
        if (staff := visit.staff) is not None:
            request.app.state.signed_out.add(staff, portal.settings.session_hours)
        entering.leave(visit.session)
        address = await _end_address(provider) if staff is not None and staff.id_token else ""
        if staff is None or not address:
            return visit.page("signing_in/left.html", headers=CLEAR, end=None)
        end = {
            "id_token_hint": staff.id_token,
            "client_id": portal.settings.oidc_client_id,
            "post_logout_redirect_uri": visit.origin + SIGNED_OUT,
        }
        headers = {**CLEAR, "Content-Security-Policy": _policy_for(address)}
        return visit.page("signing_in/left.html", headers=headers, end=end, address=address)

    return [ask_to_leave, sign_out]


def _begin_path(back: str) -> str:
    return f"/masuk/mulai?kembali={quote(back, safe='')}" if back else "/masuk/mulai"


def _to(visit: Visit, address: str) -> Response[Any]:
    """303 to the provider. What it is asked stays with it: no referrer, no copy in caches."""
    headers = {"Location": address, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return visit.with_session(Response(None, status_code=303, headers=headers))


def _trouble(visit: Visit, error: ProviderError, back: str) -> Response[Any]:
    """Nobody signed in: why as far as it helps, and what to do."""
    match error:
        case ProviderAway():
            trouble = "away"
        case NoRole():
            trouble = "role"
        case _:
            trouble = "refused"
    _log.warning("nobody signed in", reason=type(error).__name__, said=str(error))
    headers = {"Retry-After": "5"} if trouble == "away" else None
    status = _STATUS[trouble]
    again = _begin_path(back)
    return visit.page("signing_in/trouble.html", status_code=status, headers=headers, trouble=trouble, again=again)


async def _end_address(provider: Provider) -> str:
    """Where the provider ends its session; empty where that cannot be known now."""
    try:
        return await provider.end_address()
    except ProviderError:
        return ""


def _policy_for(address: str) -> str:
    """Our policy, with forms to the provider allowed, and back from it."""
    parts = urlsplit(address)
    return CSP.replace("form-action 'self'", f"form-action 'self' {parts.scheme}://{parts.netloc}")
