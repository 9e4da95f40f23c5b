"""Whether a session still counts: signed out, it does not; an access token that has expired is refreshed, and where it
cannot be, nothing that was sent is lost.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Any, Final

import structlog
from litestar import Response

from services.portal.forms import FormUnreadable
from services.portal.portal import Asked, Portal
from services.portal.session import Staff
from services.portal.signing_in.provider import Provider, ProviderAway, ProviderError
from services.portal.upstream import Away
from services.portal.visit import Visit

EARLY_S: Final = 20
"""So long before its end a token is exchanged: services must still accept it at the end of a slow page."""
KEPT: Final = 512
_log = structlog.stdlib.get_logger("jejak.portal")

Before = Callable[[Asked], Awaitable[Response[Any] | None]]


class SignedOut:
    """Who signed out lately. A sealed cookie that somebody kept would be good until its token ends: here it is not.

    Known to this process only, and forgotten when it ends: then the life of the access token is the limit, since the
    provider has ended what refreshes it.
    """

    def __init__(self) -> None:
        self._until: dict[bytes, float] = {}

    def add(self, staff: Staff, session_hours: float) -> None:
        """Remember it as long as a cookie of it could be brought."""
        now = time.time()
        self._until = {name: until for name, until in self._until.items() if until > now}
        self._until |= dict.fromkeys(_marks(staff), now + session_hours * 3600)

    def __contains__(self, staff: Staff) -> bool:
        return not self._until.keys().isdisjoint(_marks(staff))


def _marks(staff: Staff) -> list[bytes]:
    tokens = [token for token in (staff.access_token, staff.refresh_token) if token]
    return [sha256(token.encode()).digest() for token in tokens]


class Renewals:
    """Refreshes access tokens, each once: the tabs of a browser ask at the same time, and some providers take a refresh
    token only once. What came of the last `KEPT` is remembered for the pages that were under way with the old cookie.
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._under_way: dict[bytes, asyncio.Task[Staff]] = {}

    async def renew(self, staff: Staff) -> Staff:
        """The same person with an access token that is good. Raises `ProviderError`."""
        name = sha256((staff.refresh_token or "").encode()).digest()
        task = self._under_way.get(name)
        if task is None or _is_of_no_use(task):
            task = asyncio.create_task(self._provider.refresh(staff), name="refresh an access token")
            task.add_done_callback(_look_at)
            self._under_way.pop(name, None)
            self._under_way[name] = task
            while len(self._under_way) > KEPT:
                self._under_way.pop(next(iter(self._under_way)))
        return await asyncio.shield(task)


def _is_of_no_use(task: "asyncio.Task[Staff]") -> bool:
    """Whether it ended without an answer, or with a token that has come to its end by now."""
    if not task.done():
        return False
    if task.cancelled():
        return True
    if error := task.exception():
        return isinstance(error, ProviderAway)
    return has_ended(task.result())


def _look_at(task: "asyncio.Task[Staff]") -> None:
    """Whoever waited may be gone."""
    if not task.cancelled():
        task.exception()


def has_ended(staff: Staff, early_s: int = EARLY_S) -> bool:
    """Whether the access token is at its end."""
    return staff.expires_at - time.time() < early_s


def staying(portal: Portal, signed_out: SignedOut) -> Before:
    """Run before every page: whoever reads `visit.staff` afterwards finds a token that is good, or nobody."""
    renewals = Renewals(Provider(portal.settings))

    async def before(request: Asked) -> Response[Any] | None:
        visit = portal.visit(request)
        name = portal.sessions.name
        if visit.path.startswith("/aset/") or not any(brought.startswith(name) for brought in request.cookies):
            return None
        staff = visit.session.staff
        if staff is None:
            return None
        if staff in signed_out:
            visit.session.staff = None
            return None
        if not has_ended(staff):
            return None
        visit.session.staff = await _renewed(renewals, staff)
        if visit.session.staff is None and request.method == "POST" and visit.path != "/keluar":
            return await _kept(visit)
        return None

    return before


async def _renewed(renewals: Renewals, staff: Staff) -> Staff | None:
    """Who it is, with a good token; None where they must sign in again."""
    if not staff.refresh_token:
        return staff if not has_ended(staff, early_s=0) else None
    try:
        return await renewals.renew(staff)
    except ProviderAway as error:
        if not has_ended(staff, early_s=0):
            return staff
        raise Away("provider") from error
    except ProviderError as error:
        _log.info("a session of staff has ended", reason=type(error).__name__)
        return None


async def _kept(visit: Visit) -> Response[Any] | None:
    """The page that keeps what was sent until its sender has signed in again; None where it was no plain form."""
    try:
        form = await visit.form()
    except FormUnreadable:
        return None  # a file: the page that it was for says what to do
    fields = [(name, value) for name in form.values if name != "csrf" for value in form.all(name)]
    return visit.page("signing_in/again.html", status_code=401, fields=fields)
