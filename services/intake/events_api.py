"""Where other systems publish, and where operators see what waits."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Struct

from contracts.cloudevents import TooLarge, parse_http
from contracts.envelope import MalformedEvent
from contracts.facts import Code
from runtime.auth import Principal, authenticate, requires
from runtime.pagination import LIMIT_DEFAULT, LIMIT_MAX, decode_cursor, next_link
from runtime.problems import TYPE_BASE, forbidden
from services.intake.admission import EventRefused, refusal_of
from services.intake.admitting import Admission, Outcome, Status, aside
from services.intake.answering import language_of
from services.intake.held import HeldEvents, HeldView
from services.intake.publishers import NotAPublisher, Publisher, Publishers
from services.intake.refusals import PROBLEMS, Language, Refused, describe

Asked = Request[Any, Any, Any]
MAX_BODY_BYTES: Final = 8 * 1024 * 1024
"""Of one request, however many events are in it."""
BATCH_MEDIA_TYPE: Final = "application/cloudevents-batch+json"
_AN_EVENT_BYTES: Final = 500
_SIGNED_MODES: Final = ("application/cloudevents+json", BATCH_MEDIA_TYPE)
_FIRST: Final = (datetime(1, 1, 1, tzinfo=UTC), "")


class EventsTooLarge(Refused):
    """More events than one request may have. Parameters: reason."""

    slug = "events-too-large"


class Why(Struct, frozen=True, kw_only=True):
    """Why one event was not let in, as problem details."""

    type: str
    title: str
    status: int
    detail: str


class EventOutcome(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one event. `number`: of the application that an accepted one belongs to."""

    index: int
    status: Status
    source: str | None = None
    id: str | None = None
    number: str | None = None
    problem: Why | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """What became of a request: counts, every event in order, and once more the refused ones."""

    accepted: int
    duplicates: int
    held: int
    refused: list[EventOutcome]
    outcomes: list[EventOutcome]


class HeldPage(Struct, frozen=True, kw_only=True):
    """Held payments, the longest held first; the `Link` header leads to the next page."""

    held: list[HeldView]


class Discard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a held payment is given up: a code, no free text."""

    reason: Code


@post("/events", request_max_body_size=MAX_BODY_BYTES, status_code=202)
async def publish_events(request: Asked, publishers: Publishers, admission: Admission) -> Response[Answer]:
    """Publish events about applications: CloudEvents 1.0 in structured, batch or binary mode.

    Signed per Standard Webhooks (structured and batch mode), or with a bearer token of role `system`. 202: what is
    accepted or held is stored for good. A single event that is refused is answered by its problem; a batch always by
    the outcome of each event.
    """
    body = await request.body()
    publisher = await identify(request, publishers, body)
    try:
        received = await aside(len(body) // _AN_EVENT_BYTES, parse_http, request.headers.multi_items(), body)
    except TooLarge as error:
        raise EventsTooLarge(reason=str(error)) from error
    except MalformedEvent as error:
        raise refusal_of(error) from error
    outcomes = await admission.admit(publisher, received)
    if _media_type(request) != BATCH_MEDIA_TYPE and outcomes[0].refusal:
        raise outcomes[0].refusal
    answer = answer_of(outcomes, language_of(request.headers.get("accept-language")))
    return Response(answer, status_code=202)


async def identify(request: Asked, publishers: Publishers, body: bytes) -> Publisher:
    """Who sent this. Raises `NotAPublisher`, or a problem for a token that is wrong or lacks the role."""
    if "webhook-signature" in request.headers:
        if _media_type(request) not in _SIGNED_MODES:
            raise NotAPublisher(
                reason="a signature covers the body only, and binary mode has the attributes in headers: "
                "send structured or batch mode, or a bearer token"
            )
        return publishers.by_signature(request.headers, body)
    if "authorization" in request.headers:
        principal: Principal = await authenticate(request)
        if not principal.has("system"):
            raise forbidden("This needs the role system.", slug="insufficient-role")
        return publishers.by_client(principal.subject)
    raise NotAPublisher(reason="send a Standard Webhooks signature or a bearer token")


def answer_of(outcomes: Sequence[Outcome], language: Language) -> Answer:
    """The outcomes as they are answered."""
    counts = Counter(outcome.status for outcome in outcomes)
    answered = [
        EventOutcome(
            index=one.index,
            status=one.status,
            source=one.source,
            id=one.id,
            number=one.number,
            problem=_why(one.refusal, language) if one.refusal else None,
        )
        for one in outcomes
    ]
    return Answer(
        accepted=counts["accepted"],
        duplicates=counts["duplicate"],
        held=counts["held"],
        refused=[one for one in answered if one.status == "refused"],
        outcomes=answered,
    )


def _why(refusal: EventRefused, language: Language) -> Why:
    words = describe(refusal.slug, refusal.parameters, language)
    return Why(
        type=TYPE_BASE + refusal.slug, title=words.title, status=PROBLEMS[refusal.slug].status, detail=words.detail
    )


def _media_type(request: Asked) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


@get("/events/held", guards=[requires("operator")])
async def list_held(
    request: Asked,
    held_events: HeldEvents,
    cursor: FromQuery[str | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
) -> Response[HeldPage]:
    """Payments whose billing code no application has yet."""
    after = decode_cursor(cursor, tuple[datetime, str]) or _FIRST
    found = await held_events.page(after, limit + 1)
    page = found[:limit]
    last = (page[-1].held_at, page[-1].id) if len(found) > limit else None
    return Response(HeldPage(held=page), headers={"Cache-Control": "no-store", **next_link(request, last)})


@post("/events/held/{id:str}/discard", guards=[requires("operator")], status_code=204)
async def discard_held(request: Asked, id: FromPath[str], data: JSONBody[Discard], held_events: HeldEvents) -> None:
    """Give a held payment up. Who and why is kept."""
    principal: Principal = request.user
    await held_events.discard(id, data.reason, principal.subject)


EVENT_ROUTES: Final = Router("/", route_handlers=[publish_events, list_held, discard_held], tags=["events"])
