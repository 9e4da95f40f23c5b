"""HTTP: the fee of an application and its payments."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from litestar import Request, Response, Router, get
from litestar.params import FromPath

from runtime.conditional import is_unchanged, not_modified
from services.status.answering.timelines import Timelines
from services.status.answering.views import Presenter
from services.status.fee.views import FeeView, fee_view
from services.status.folding.fold import decode_progress
from services.status.folding.reading import in_us
from services.status.past.api import Find


def fee_routes(
    timelines: Timelines,
    presenter: Presenter,
    find: Find,
    *,
    version: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Router:
    """`/applications/{number}/fee`. `version` changes with whatever words are shown."""

    @get("/{number:str}/fee", summary="What is to be paid, and what was")
    async def fee(request: Request[Any, Any, Any], number: FromPath[str]) -> Response[FeeView]:
        """Billing code, amount and its lines with the law that sets them, until when, and every payment on record."""
        head = await find(request, number)
        progress, now_us = decode_progress(head.state), in_us(now())
        expired = progress.fee is not None and progress.fee.expires_at <= now_us
        tag = f'"{head.n}-{head.version}-{version}{"-expired" if expired else ""}"'
        if is_unchanged(request, tag):
            return not_modified(tag, **{"Cache-Control": "no-cache"})
        rows = await timelines.whole(head.number, head.n)
        view = fee_view(head.number, progress, rows, presenter, now_us)
        return Response(view, headers={"ETag": tag, "Cache-Control": "no-cache"})

    return Router("/applications", route_handlers=[fee], tags=["applications"])
