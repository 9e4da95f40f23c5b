"""HTTP: what to expect of each service, and of one application."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from litestar import Request, Response, Router, get
from litestar.params import FromPath

from runtime import problems
from runtime.conditional import is_unchanged, not_modified
from services.status.expected.expecting import Expectations, Model
from services.status.expected.views import ExpectedTable, ExpectedView, Foreteller
from services.status.folding.fold import decode_progress
from services.status.folding.reading import in_us
from services.status.past.api import Find

_JSON: Final = "application/json"
_TABLE_CACHE: Final = "public, max-age=60"
_APPLICATION_CACHE: Final = "no-cache"
_NOT_YET_S: Final = 5


def expected_routes(
    expectations: Expectations,
    foreteller: Foreteller,
    find: Find,
    *,
    version: str,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> list[Router]:
    """`/expected` and `/applications/{number}/expected`. `version` changes with whatever words are shown."""

    def drawn() -> Model:
        if expectations.model is None:
            raise problems.unavailable("The times are still being computed.", retry_after_s=_NOT_YET_S)
        return expectations.model

    @get("/", summary="How long each service takes")
    async def table(request: Request[Any, Any, Any]) -> Response[ExpectedTable]:
        """50 % and 80 % ranges by service and stage, how many applications are behind them, how often they came true."""
        model = drawn()
        tag = f'"{in_us(model.computed)}-{version}"'
        if is_unchanged(request, tag):
            return not_modified(tag, **{"Cache-Control": _TABLE_CACHE})
        return _answer(foreteller.table(model), tag, _TABLE_CACHE)

    @get("/{number:str}/expected", summary="What to expect of an application")
    async def of_application(request: Request[Any, Any, Any], number: FromPath[str]) -> Response[ExpectedView]:
        """How much longer it takes until it is ready, as a 50 % and an 80 % range, or why that cannot be said."""
        head = await find(request, number)
        model = drawn()
        instant = now().replace(second=0, microsecond=0)  # to the minute, so that an entity tag lasts as long
        tag = f'"{head.n}-{head.version}-{version}-{in_us(model.computed)}-{in_us(instant)}"'
        if is_unchanged(request, tag):
            return not_modified(tag, **{"Cache-Control": _APPLICATION_CACHE})
        view = foreteller.application(head.number, decode_progress(head.state), model, in_us(instant))
        return _answer(view, tag, _APPLICATION_CACHE)

    return [
        Router("/expected", route_handlers=[table], tags=["statistics"]),
        Router("/applications", route_handlers=[of_application], tags=["applications"]),
    ]


def _answer(body: Any, tag: str, cache: str) -> Response[Any]:
    return Response(msgspec.json.encode(body), headers={"ETag": tag, "Cache-Control": cache}, media_type=_JSON)
