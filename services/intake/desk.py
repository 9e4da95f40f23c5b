"""Where a request meets intake: who sent it, how often, how large, and whether it was sent before."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

from litestar import Request, Response

from contracts.catalogue import Catalogue
from runtime.addresses import segment
from runtime.auth import basic_credentials
from runtime.database import Pool
from runtime.idempotency import idempotent
from services.intake.access import Rate, RateLimit, read_credentials
from services.intake.application import Entry
from services.intake.documents import DocumentTooLarge
from services.intake.domain import Application
from services.intake.entrance import Entrance
from services.intake.keys import MasterKeys
from services.intake.views import ReceiptView

Asked = Request[Any, Any, Any]
CHANGES_PER_MINUTE: Final = 120
"""How often one application can be changed."""


class Desk:
    """What the routes need besides the use cases."""

    def __init__(
        self,
        *,
        entrance: Entrance,
        pool: Pool,
        master_keys: MasterKeys,
        catalogue: Catalogue,
        office: str,
        document_limit_bytes: int,
        track_url: str | None,
        draft_days: int,
        clock: Callable[[], float],
        drafts_per_minute: int,
    ) -> None:
        self._entrance = entrance
        self._pool = pool
        self._master_keys = master_keys
        self.catalogue = catalogue
        self.office = office
        self.document_limit_bytes = document_limit_bytes
        self._track_url = track_url
        self.draft_kept = timedelta(days=draft_days)
        self._drafts = RateLimit(Rate(drafts_per_minute, 60), clock)
        self._changes = RateLimit(Rate(CHANGES_PER_MINUTE, 60), clock)

    async def enter(self, request: Asked, number: str) -> Entry:
        """The applicant who sent `request` about `number`."""
        credentials = read_credentials(*basic_credentials(request))
        return await self._entrance.enter(credentials, number, client_of(request))

    async def enter_to_change(self, request: Asked, number: str) -> Entry:
        """As `enter`, for what stores something. Raises `TooManyAttempts` when one application is changed too fast."""
        entry = await self.enter(request, number)
        self._changes.take(entry.number)
        return entry

    def take_draft(self, request: Asked) -> None:
        """Raises `TooManyAttempts` when this client opens drafts too fast."""
        self._drafts.take(client_of(request))

    def upload(self, request: Asked) -> AsyncIterator[bytes]:
        """The body as it streams. Raises `DocumentTooLarge` at once where its announced length is beyond the limit."""
        announced = request.headers.get("content-length", "")
        if announced.isascii() and announced.isdigit() and int(announced) > self.document_limit_bytes:
            raise DocumentTooLarge(limit_bytes=self.document_limit_bytes)
        return request.stream()

    async def once(
        self,
        request: Asked,
        execute: Callable[[], Awaitable[Response[Any]]],
        caller: str | None = None,
        fingerprint: bytes | None = None,
    ) -> Response[Any]:
        """As `idempotent`; kept answers are sealed, since they may hold an access code."""
        return await idempotent(
            request,
            self._pool,
            execute,
            required=False,
            caller=caller,
            fingerprint=fingerprint,
            seal=self._master_keys.seal_answer,
            unseal=self._master_keys.unseal_answer,
        )

    def receipt(self, entry: Entry, application: Application, *, just_submitted: bool = False) -> ReceiptView:
        """The receipt, the same however often it is asked for. Who came by a link sees the access code only as they hand the
        application in: a link that was stolen must not become a code that never expires.
        """
        if application.submitted_at is None:
            raise ValueError("only what was submitted has a receipt")
        return ReceiptView(
            number=entry.number,
            access_code=entry.key.access_code() if just_submitted or not entry.by_grant else "",
            submitted_at=application.submitted_at,
            service=application.service,
            office=application.office,
            track_url=self._track_url.replace("{number}", segment(entry.number)) if self._track_url else None,
        )


def client_of(request: Asked) -> str:
    """Whom limits count against."""
    return request.client.host if request.client else "local"
