"""HTTP: the place of an application among those that wait for the office."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Literal

from litestar import Request, Response, Router, get
from litestar.params import FromPath
from msgspec import Struct

from services.status.answering import words
from services.status.answering.views import Named, Presenter
from services.status.answering.words import Text, templates
from services.status.past.api import Find
from services.status.place.places import MOST, Group, Place, Places

State = Literal["placed", "more_than_counted", "order_not_known", "not_waiting"]
_CACHE: Final = {"Cache-Control": "no-cache"}


class PlaceView(Struct, frozen=True):
    """How many applications of the same service at the same stage are ahead."""

    number: str
    state: State
    text: Text
    ahead: int | None
    """How many come before it, by the deadline; none where that is not known."""
    waiting: int | None
    """How many wait for the office there, with itself; none where there are more than are counted."""
    stage: Named | None
    """The furthest stage that all of them have reached."""
    as_of: datetime


class PlaceTeller:
    """Puts places into words, with one catalogue."""

    def __init__(self, presenter: Presenter) -> None:
        self._presenter = presenter

    def view(self, number: str, found: tuple[Group, Place] | None, at: datetime) -> PlaceView:
        """Of an application; `found` is none where it does not wait for the office."""
        if found is None:
            return PlaceView(number, "not_waiting", templates().place["not_waiting"], None, None, None, at)
        group, place = found
        state = self._state(group, place)
        named = self._stage(group)
        ahead = place.ahead if state == "placed" else None
        return PlaceView(number, state, self._text(state, place, named), ahead, place.waiting, named, at)

    def _state(self, group: Group, place: Place) -> State:
        service = self._presenter.catalogue.services.get(group.service)
        if service is None or service.handled_by != "jejak":
            return "order_not_known"
        return "more_than_counted" if place.ahead is None else "placed"

    def _stage(self, group: Group) -> Named | None:
        labels = self._presenter.stage_labels(group.service).get(group.stage)
        return Named(group.stage, Text(labels.id, labels.en)) if labels else None

    def _text(self, state: State, place: Place, stage: Named | None) -> Text:
        said = templates().place
        if state == "order_not_known":
            return said[state]
        if state == "more_than_counted":
            return said[state].fill(most=words.count(MOST))
        if place.waiting == 1:
            return said["alone"]
        many = "_of_many" if place.waiting is None else ""
        return said[("first" if place.ahead == 0 else "ahead") + many].fill(
            ahead=words.count(place.ahead or 0),
            waiting=words.count(place.waiting or MOST),
            stage=stage.labels if stage else templates().terms["stage"],
        )


def place_routes(
    places: Places, presenter: Presenter, find: Find, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Router:
    """`/applications/{number}/place`."""
    teller = PlaceTeller(presenter)

    @get("/{number:str}/place", summary="How many applications are ahead")
    async def place(request: Request[Any, Any, Any], number: FromPath[str]) -> Response[PlaceView]:
        """Its place among those of the same service and stage that wait for the office, by deadline; at most seconds old."""
        head = await find(request, number)
        standing = await places.standing(head.number)
        found = None
        if standing is not None and standing.waits_for == "office":
            found = (standing.group, await places.place(standing))
        return Response(teller.view(head.number, found, now().replace(microsecond=0)), headers=_CACHE)

    return Router("/applications", route_handlers=[place], tags=["applications"])
