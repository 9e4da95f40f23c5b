"""HTTP for officers: the inbox, a case, the commands, the payments to follow up."""

from hashlib import sha256
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter

from runtime.auth import Principal, requires
from runtime.conditional import etag, is_unchanged, matched_version, not_modified
from runtime.idempotency import idempotent
from runtime.pagination import LIMIT_DEFAULT, LIMIT_MAX, decode_cursor, next_link
from services.processing import commands
from services.processing.events import ProblemKind
from services.processing.handling.domain import officer_code
from services.processing.opinions import commands as asking
from services.processing.queries import (
    Claimed,
    Filter,
    Place,
    ProblemFilter,
    ProblemPlace,
    Sort,
    WaitsFor,
)
from services.processing.routing import Desk, answered, canonical
from services.processing.shapes import CaseView, InboxPage, PaymentProblemPage
from services.processing.views import limit_passed
from services.processing.worklist import WorklistRow

CODE: Final = r"^[a-z][a-z0-9_.-]{0,63}$(?!\n)"
ServiceCode = Annotated[str | None, Parameter(pattern=CODE, description="For this service.")]
StageCode = Annotated[str | None, Parameter(pattern=CODE, description="At this stage; `closed`: those that ended.")]
DeskCode = Annotated[str | None, Parameter(pattern=CODE, query="desk", description="Where this desk acted last.")]
ClaimedBy = Annotated[
    Claimed | None, Parameter(description="Claimed by me, by others, by nobody; `anybody`: by somebody.")
]
QueueCode = Annotated[str | None, Parameter(pattern=CODE, description="Handed to this desk and not claimed there yet.")]
OpinionState = Annotated[
    Literal["awaited", "late", "given"] | None, Parameter(description="Where another body's opinion is so.")
]
Settled = Annotated[bool, Parameter(description="Those that were put right instead.")]
Limit = Annotated[int, Parameter(ge=1, le=LIMIT_MAX, description="How many at most.")]
_PRIVATE: Final = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}

_HOW_TO_COMMAND: Final = (
    "Needs `If-Match` with the version read. Repeating what already holds changes nothing. With an `Idempotency-Key` a "
    "repeated request gets the first answer."
)

COMMANDS: Final[dict[str, type[commands.Command]]] = {
    "request-documents": commands.RequestDocuments,
    "verify-documents": commands.VerifyDocuments,
    "assess-fee": commands.AssessFee,
    "invite": commands.Invite,
    "examine": commands.Examine,
    "decide": commands.Decide,
    "issue": commands.Issue,
    "hand-over": commands.HandOver,
    "pause": commands.Pause,
    "resume": commands.Resume,
    "transfer": commands.Transfer,
    "settle-payment-problem": commands.SettlePaymentProblem,
    "ask-opinion": asking.AskOpinion,
    "reissue-opinion-link": asking.ReissueOpinionLink,
    "withdraw-opinion": asking.WithdrawOpinion,
}


def office_routes(desk: Desk, *more: Router) -> Router:
    """Everything behind the officers' counters, with `more` that is refused in the same way. Reading: officer, supervisor, auditor; commanding: officer, supervisor."""
    reading = Router(
        "/",
        route_handlers=[_inbox(desk), _case(desk), _payment_problems(desk)],
        guards=[requires("officer", "supervisor", "auditor")],
    )
    commanding = Router(
        "/",
        route_handlers=[_command(desk, name, body) for name, body in COMMANDS.items()],
        guards=[requires("officer", "supervisor")],
    )
    return Router("/", route_handlers=[reading, commanding, *more], exception_handlers=answered())


def _inbox(desk: Desk) -> HTTPRouteHandler:
    @get("/cases", summary="The officers' inbox", tags=["cases"])
    async def inbox(
        request: Request[Any, Any, Any],
        *,
        stage: StageCode = None,
        service: ServiceCode = None,
        desk_code: DeskCode = None,
        paused: bool | None = None,
        waits_for: WaitsFor | None = None,
        claimed: ClaimedBy = None,
        queue: QueueCode = None,
        escalated: bool | None = None,
        opinion: OpinionState = None,
        sort: Sort = "deadline",
        cursor: str | None = None,
        limit: Limit = LIMIT_DEFAULT,
    ) -> Response[InboxPage]:
        """Cases that have not ended: due first, (`sort=urgency`) escalated ones before all, or (`sort=age`) oldest first;
        pages by the `Link` header.
        """
        now, me = desk.clock(), officer_code(request.user.subject)
        chosen = Filter(
            stage=stage, service=service, desk=desk_code, paused=paused, waits_for=waits_for, claimed=claimed,
            officer=me, queue=queue, escalated=escalated, opinion=opinion,
        )  # fmt: skip
        rows = await desk.worklist.cases(chosen, sort, decode_cursor(cursor, Place), limit + 1, now)
        page = InboxPage([desk.views.inbox_item(row, now, me) for row in rows[:limit]])
        last = rows[limit - 1] if len(rows) > limit else None
        place = last and _place(last, sort)
        return _page(request, page, place)

    return inbox


def _place(row: WorklistRow, sort: Sort) -> Place:
    key = row.submitted_at if sort == "age" else row.deadline_at
    return Place(key, row.number, row.escalated_at is not None)


def _case(desk: Desk) -> HTTPRouteHandler:
    @get("/cases/{number:str}", summary="A case", tags=["cases"])
    async def show_case(request: Request[Any, Any, Any], number: str) -> Response[CaseView]:
        """Everything about one case, without personal data: documents are references to intake. The ETag is its version."""
        dossier = await desk.cases.load(canonical(number))
        view = desk.view(dossier, request.user)
        tag = etag(view.version)
        if is_unchanged(request, tag) and not limit_passed(view):
            return not_modified(tag, **_PRIVATE)
        return _with_version(view)

    return show_case


def _payment_problems(desk: Desk) -> HTTPRouteHandler:
    @get("/payments/problems", summary="Payments that did not settle a fee", tags=["payments"])
    async def payment_problems(
        request: Request[Any, Any, Any],
        *,
        kind: ProblemKind | None = None,
        number: str | None = None,
        settled: Settled = False,
        cursor: str | None = None,
        limit: Limit = LIMIT_DEFAULT,
    ) -> Response[PaymentProblemPage]:
        """Late, double, wrong and unknown payments that wait to be put right, in the order in which they were reported."""
        place = decode_cursor(cursor, ProblemPlace)
        chosen = ProblemFilter(kind, canonical(number) if number else None, settled)
        rows = await desk.worklist.problems(chosen, place, limit + 1)
        page = PaymentProblemPage([desk.views.problem(row) for row in rows[:limit]])
        last = rows[limit - 1] if len(rows) > limit else None
        return _page(request, page, last and ProblemPlace(last.reported_at, last.number, last.version))

    return payment_problems


def _command(desk: Desk, name: str, body: type[commands.Command]) -> HTTPRouteHandler:
    """The route of one command. Where the body has nothing that must be said it may be left out."""
    kind: Any = body

    async def do(request: Request[Any, Any, Any], number: str, command: commands.Command) -> Response[CaseView]:
        version = matched_version(request)

        async def execute() -> Response[CaseView]:
            principal: Principal = request.user
            dossier = await desk.cases.command(canonical(number), version, command, desk.actor(principal))
            return _with_version(desk.view(dossier, principal))

        return await idempotent(request, desk.pool, execute, required=False)

    async def with_body(request: Request[Any, Any, Any], number: str, data: kind) -> Response[CaseView]:
        return await do(request, number, data)

    async def body_or_not(request: Request[Any, Any, Any], number: str, data: kind | None = None) -> Response[CaseView]:
        return await do(request, number, data or msgspec.convert({}, body))

    needed = any(field.required for field in msgspec.structs.fields(body))
    handler = with_body if needed else body_or_not
    meaning = (body.__doc__ or "").strip()
    handler.__doc__ = f"{meaning}\n\n{_HOW_TO_COMMAND}"
    return post(
        f"/cases/{{number:str}}/{name}",
        status_code=200,
        summary=meaning.partition("\n")[0].partition(".")[0],
        operation_id=f"case_{name.replace('-', '_')}",
        tags=["commands"],
    )(handler)


def _with_version(view: CaseView) -> Response[CaseView]:
    return Response(view, headers={"ETag": etag(view.version), **_PRIVATE})


def _page(request: Request[Any, Any, Any], page: msgspec.Struct, place: object | None) -> Response[Any]:
    """A page of a list; its tag is a digest of what it shows."""
    body = msgspec.json.encode(page)
    tag = etag(sha256(body).hexdigest()[:32])
    if is_unchanged(request, tag):
        return not_modified(tag, **_PRIVATE)
    headers = {"ETag": tag, **_PRIVATE, **next_link(request, place)}
    return Response(body, media_type="application/json", headers=headers)
