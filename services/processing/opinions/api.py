"""HTTP for the body that is asked: by the link's secret, in a header so that it stands in no address and no log."""

from typing import Annotated, Final

from litestar import Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from services.processing.opinions.application import Asked, Opinions
from services.processing.opinions.commands import GiveOpinion
from services.processing.opinions.shapes import OpinionQuestion
from services.processing.opinions.views import question_view
from services.processing.routing import Desk

Secret = Annotated[
    str, Parameter(header="Opinion-Link", description="The link's secret.", max_length=200, required=True)
]
_NO_STORE: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def opinion_routes(desk: Desk, opinions: Opinions) -> Router:
    """`/opinions/asked`: without a sign-in; the secret is all."""

    def shown(asked: Asked) -> Response[OpinionQuestion]:
        view = question_view(asked, desk.views.catalogue, desk.views, desk.clock())
        return Response(view, headers=_NO_STORE)

    def look() -> HTTPRouteHandler:
        @get("/opinions/asked", summary="What a body is asked")
        async def show_opinion(secret: Secret) -> Response[OpinionQuestion]:
            """The question, by the link's secret. 404 for an unknown one, 410 for one that is good no more, with why."""
            return shown(await opinions.look(secret))

        return show_opinion

    def answer() -> HTTPRouteHandler:
        @post("/opinions/asked", summary="Answer", status_code=200)
        async def give_opinion(secret: Secret, data: GiveOpinion) -> Response[OpinionQuestion]:
            """The answer by reason codes, once. The same answer again changes nothing; another one is refused (409)."""
            return shown(await opinions.answer(secret, data))

        return give_opinion

    return Router("/", route_handlers=[look(), answer()], tags=["opinions"])
