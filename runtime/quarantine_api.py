"""`/quarantine`: what could not be handled, for operators. Contents are not shown: they may be anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from runtime import problems
from runtime.auth import requires
from runtime.pagination import LIMIT_DEFAULT, LIMIT_MAX, decode_cursor, next_link
from runtime.problems import Problem
from runtime.quarantine import NotInQuarantine, NotReleasable, Quarantine, QuarantinedRecord

State = Literal["failed", "behind", "retry", "handled", "discarded"]
ReasonCode = Annotated[
    str,
    msgspec.Meta(
        pattern="^[a-z][a-z0-9_]{0,63}$", description="Why it is given up: a code in lower case, no free text."
    ),
]


class Discarding(msgspec.Struct, forbid_unknown_fields=True):
    """Why a record is given up."""

    reason: ReasonCode


class QuarantinePage(msgspec.Struct):
    """Records in order of arrival; the `Link` header leads to the next page."""

    records: list[QuarantinedRecord]


def quarantine_routes(quarantine: Quarantine, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Router:
    """List, release and discard; role operator."""

    @get("/", summary="List quarantined records")
    async def quarantined(
        request: Request[Any, Any, Any],
        record_state: Annotated[State | None, QueryParameter(name="state")] = None,
        cursor: FromQuery[str | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    ) -> Response[QuarantinePage]:
        """Records in quarantine in order of arrival: what failed, what waits behind it, what was decided."""
        after = decode_cursor(cursor, int)
        found = await quarantine.list(after=after, limit=limit + 1, state=record_state)
        page = found[:limit]
        last = page[-1].id if len(found) > limit else None
        return Response(QuarantinePage(page), headers=dict(next_link(request, last)))

    @post("/{id:int}/release", status_code=204, summary="Have a record tried again")
    async def release(request: Request[Any, Any, Any], id: FromPath[int]) -> None:
        """Have the record handled again; what waits behind it follows in order."""
        try:
            await quarantine.release(id, request.user.subject, now())
        except NotInQuarantine:
            raise _gone(id) from None
        except NotReleasable:
            raise problems.conflict(
                f"Record {id} waits behind an earlier one of the same key: decide about that one first.",
                slug="waits-behind",
                title="Not the first of its key",
            ) from None

    @post("/{id:int}/discard", status_code=204, summary="Give a record up")
    async def discard(request: Request[Any, Any, Any], id: FromPath[int], data: JSONBody[Discarding]) -> None:
        """Give the record up for a reason; its bytes are kept, and what waits behind it goes on."""
        try:
            await quarantine.discard(id, data.reason, request.user.subject, now())
        except NotInQuarantine:
            raise _gone(id) from None

    return Router(
        "/quarantine", route_handlers=[quarantined, release, discard], guards=[requires("operator")], tags=["operation"]
    )


def _gone(id: int) -> Problem:
    return problems.not_found(f"No record {id} waits in quarantine.", slug="not-in-quarantine")
