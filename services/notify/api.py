"""HTTP: what was told, what waits and what failed, for operators and auditors. No personal data in any answer."""

from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, QueryParameter

from contracts.number import InvalidNumber, parse_number
from runtime import problems
from runtime.auth import requires
from runtime.conditional import etag, is_unchanged, not_modified
from runtime.eventstore import EventStore
from runtime.pagination import LIMIT_DEFAULT, LIMIT_MAX, decode_cursor, next_link
from services.notify.application import NoSuchDelivery, Surroundings, retry
from services.notify.deliveries import Deliveries
from services.notify.domain import NotFailed, Policy

States = Literal["waiting", "sent", "failed", "skipped"]


class About(msgspec.Struct, frozen=True):
    """The event that a delivery is about."""

    source: str
    id: str


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """One message about one event. `due_at` is when the next attempt is due, for one that waits."""

    id: UUID
    number: str
    about: About
    channel: str
    template: str
    state: States
    reason: str | None
    attempts: int
    may_have_arrived: bool
    planned_at: datetime
    due_at: datetime | None
    closed_at: datetime | None


class Page(msgspec.Struct, frozen=True):
    """Deliveries, the newest first; the `Link` header leads to the next page."""

    deliveries: list[DeliveryView]


class Retried(msgspec.Struct, frozen=True):
    """A delivery that waits again."""

    id: UUID
    state: States
    attempts: int
    attempts_allowed: int


def view(row: Any) -> DeliveryView:
    """A row of the table as it is shown."""
    return DeliveryView(
        id=row["id"],
        number=row["number"],
        about=About(row["about_source"], row["about_id"]),
        channel=row["channel"],
        template=row["template"],
        state=row["state"],
        reason=row["reason"],
        attempts=row["attempts"],
        may_have_arrived=row["may_have_arrived"],
        planned_at=row["planned_at"],
        due_at=row["due_at"] if row["state"] == "waiting" else None,
        closed_at=row["closed_at"],
    )


def delivery_routes(deliveries: Deliveries, *, store: EventStore, policy: Policy, around: Surroundings) -> Router:
    """`/deliveries`: list and count (operator, auditor), retry (operator)."""

    @get("/", guards=[requires("operator", "auditor")], summary="What was told, waits or failed")
    async def list_deliveries(
        request: Request[Any, Any, Any],
        number: Annotated[str | None, QueryParameter(description="Only of this tracking number.")] = None,
        delivery_state: Annotated[
            States | None, QueryParameter(name="state", description="Only in this state.")
        ] = None,
        cursor: Annotated[str | None, QueryParameter(description="From the `Link` of the page before.")] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX, description="How many at most.")] = LIMIT_DEFAULT,
    ) -> Response[Page]:
        """Deliveries, the newest first, by pages: follow the `Link` header with `rel="next"`."""
        rows = await deliveries.page(
            before=decode_cursor(cursor, int),
            number=_canonical(number) if number else None,
            state=delivery_state,
            limit=limit + 1,
        )
        page = Page([view(row) for row in rows[:limit]])
        following = rows[limit - 1]["sequence"] if len(rows) > limit else None
        tag = etag(sha256(msgspec.json.encode(page)).hexdigest()[:32])
        headers = {"Cache-Control": "private, no-cache", **next_link(request, following)}
        if is_unchanged(request, tag):
            return not_modified(tag, **headers)
        return Response(page, headers={"ETag": tag, **headers})

    @get("/counts", guards=[requires("operator", "auditor")], summary="How many are in each state")
    async def count_deliveries() -> dict[str, int]:
        """The number of deliveries in each state."""
        return await deliveries.counts()

    @post("/{delivery:uuid}/retry", guards=[requires("operator")], status_code=202, summary="Try a failed one again")
    async def retry_delivery(request: Request[Any, Any, Any], delivery: FromPath[UUID]) -> Retried:
        """Have a delivery that finally failed tried again at once, and as often as a new one."""
        try:
            granted = await retry(
                delivery,
                by=request.user.subject,
                deliveries=deliveries,
                store=store,
                policy=policy,
                at=around.clock(),
            )
        except NoSuchDelivery:
            raise problems.not_found("There is no delivery of this id: take it from `GET /deliveries`.") from None
        except NotFailed as error:
            raise problems.conflict(
                f"Only a delivery that finally failed can be tried again; this one is {error}.", slug="not-failed"
            ) from None
        return Retried(granted.id, granted.state.value, granted.attempts, granted.attempts_allowed)

    return Router(
        "/deliveries", route_handlers=[list_deliveries, count_deliveries, retry_delivery], tags=["deliveries"]
    )


def _canonical(number: str) -> str:
    try:
        return parse_number(number)
    except InvalidNumber as error:
        raise problems.bad_request(f"`number` is no tracking number: {error}.", slug="invalid-number") from None
