"""HTTP: the legal clocks of an application, day by day."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath, QueryParameter

from runtime import problems
from services.status.answering.views import Presenter
from services.status.clocks.legal_views import DeadlineView
from services.status.folding.fold import decode_progress
from services.status.folding.reading import in_us
from services.status.past.api import Find


def legal_routes(
    presenter: Presenter, find: Find, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Router:
    """`/applications/{number}/deadline`."""

    @get("/{number:str}/deadline", summary="What the law promises, day by day")
    async def deadline(
        request: Request[Any, Any, Any],
        number: FromPath[str],
        rule_version: Annotated[int | None, QueryParameter(ge=1, le=1_000_000)] = None,
    ) -> Response[DeadlineView]:
        """Each rule's deadline with every day from the start: counted, or why not. What paused it, by which event.

        With `rule_version` also by that version of the rules, beside the one that is valid: 404 where no rule has it.
        """
        head = await find(request, number)
        teller, now_us = presenter.clocks(decode_progress(head.state)), in_us(now())
        recomputed = [] if rule_version is None else teller.explained(now_us, rule_version)
        if rule_version is not None and not recomputed:
            raise problems.not_found(
                f"No deadline rule of this service has a version {rule_version}.",
                slug="unknown-rule-version",
                title="Unknown rule version",
            )
        view = DeadlineView(
            number=head.number,
            office=head.office,
            time_zone=str(teller.zone),
            clocks=teller.explained(now_us),
            rule_version=rule_version,
            recomputed=recomputed,
        )
        return Response(view, headers={"Cache-Control": "no-store"})

    return Router("/applications", route_handlers=[deadline], tags=["applications"])
