"""HTTP: where an application stands, its timeline, its events as they come; counts, archive and digest for staff."""

import base64
import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, Router, get
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.types import ASGIApp
from msgspec import Struct

from contracts.envelope import PARTITIONS
from runtime.auth import requires
from runtime.pagination import LIMIT_DEFAULT, LIMIT_MAX, decode_cursor, next_link
from services.status.answering.answers import JSON, Answers, Asker, matches, unknown_number
from services.status.answering.entries import TimelineView
from services.status.answering.lookups import Count, Head, Lookups
from services.status.answering.streams import EVENT_STREAM, Streams
from services.status.answering.timelines import Timelines
from services.status.answering.views import Presenter
from services.status.clocks.waiting import WaitingView
from services.status.folding.fold import decode_progress
from services.status.past.api import AsOf, Past, ValidAt

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Counts(Struct, frozen=True):
    """How much is projected."""

    applications: int
    events: int
    by: list[Count]


class ArchivedRecord(Struct, frozen=True):
    """A record of the log as received; bytes as base64."""

    log: str
    partition: int
    offset: int
    timestamp: datetime
    key: str | None
    value: str | None
    headers: list[tuple[str, str]]


class ArchivePage(Struct, frozen=True):
    """Records of one partition in order; the `Link` header leads to the next page."""

    records: list[ArchivedRecord]


def presentation_version(presenter: Presenter, words: bytes) -> str:
    """Changes whenever the same rows would be shown otherwise; part of every ETag."""
    return hashlib.sha256(words + msgspec.json.encode(presenter.catalogue, order="sorted")).hexdigest()[:8]


class Public:
    """What anyone may ask who knows a tracking number. All refusals of a number are one: the same 404.

    Look-up and stream are mostly answered by `services.status.answering.hot`, in front of these routes, with the same bytes.
    """

    def __init__(
        self, answers: Answers, lookups: Lookups, presenter: Presenter, timelines: Timelines, streams: Streams, *, past: Past
    ) -> None:  # fmt: skip
        self._answers = answers
        self._lookups = lookups
        self._presenter = presenter
        self._timelines = timelines
        self._streams = streams
        self._past = past

    def routes(self) -> Router:
        """`/applications/{number}…`"""

        @get("/{number:str}", summary="Where an application stands")
        async def status(
            request: Request[Any, Any, Any], number: FromPath[str], as_of: AsOf = None, valid_at: ValidAt = None
        ) -> Response[Any]:
            """Status, what it means, who is waited on, what comes next and what the applicant must do, in two languages.

            With `as_of` or `valid_at` as it stood then: `{number, instants, known, text, status}`.
            """
            if as_of is not None or valid_at is not None:
                return await self._past.status(request, await self.find(request, number), as_of, valid_at)
            asker = Asker(_client(request), request.headers.get("authorization"))
            answer = await self._answers.status(asker, number, request.headers.get("if-none-match"))
            return Response(answer.body, status_code=answer.status, headers=_cached(answer.etag), media_type=JSON)

        @get("/{number:str}/timeline", summary="Every event of an application")
        async def timeline(
            request: Request[Any, Any, Any],
            number: FromPath[str],
            cursor: FromQuery[str | None] = None,
            limit: Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
            *,
            as_of: AsOf = None,
            valid_at: ValidAt = None,
        ) -> Response[Any]:
            """Events in the order of the log, each with when it happened, when it was recorded, by whom, what it means.

            With `as_of` or `valid_at` as they were told then, and for which instants that is.
            """
            after = decode_cursor(cursor, int) or 0
            head = await self.find(request, number)
            if as_of is not None or valid_at is not None:
                return await self._past.timeline(request, head, as_of, valid_at, after=after, limit=limit)
            await self._past.note(request, head, min(head.n, after + limit))
            etag = self._answers.etag(head.n, head.version)
            if matches(request.headers.get("if-none-match"), etag):
                return Response(b"", status_code=304, headers=_cached(etag), media_type=JSON)
            page = await self._timelines.page(head, after, limit + 1)
            entries = page[:limit]
            last = entries[-1].n if len(page) > limit else None
            return Response(
                msgspec.json.encode(TimelineView(head.number, entries)),
                headers=_cached(etag) | dict(next_link(request, last)),
                media_type=JSON,
            )

        @get("/{number:str}/waiting", summary="Whose every moment since submission was")
        async def waiting(request: Request[Any, Any, Any], number: FromPath[str]) -> Response[WaitingView]:
            """The waiting ledger: pieces that each belong to one party, and their sums; they add up to the whole time.

            Of an application that has not ended the last piece is open, and told up to the instant of the answer.
            """
            head = await self.find(request, number)
            progress, now_us = decode_progress(head.state), time.time_ns() // 1_000
            pieces = self._presenter.ledger(progress, now_us)
            view = self._presenter.accounts(progress).whole(head.number, pieces, now_us)
            return Response(view, headers={"Cache-Control": "no-store"})

        @get("/{number:str}/events", summary="New events of an application as they come", media_type=EVENT_STREAM)
        async def events(request: Request[Any, Any, Any], number: FromPath[str]) -> ASGIApp:
            """Server-sent events: those after `Last-Event-ID`, then each new one; `data` is an entry of the timeline."""
            found = await self._answers.number_of(_client(request), number)
            return self._streams.open(found, request.headers.get("last-event-id"))

        return Router("/applications", route_handlers=[status, timeline, waiting, events], tags=["applications"])

    async def find(self, request: Request[Any, Any, Any], text: str) -> Head:
        """The application that `text` means; raises the 404 for an unknown number, and the 429 for too many look-ups."""
        self._answers.admit(_client(request))
        head = await self._lookups.head(text)
        if head is None:
            raise unknown_number()
        return head


def _client(request: Request[Any, Any, Any]) -> str:
    return request.client.host if request.client else ""


def _cached(etag: str) -> dict[str, str]:
    return {"ETag": etag, "Cache-Control": "no-cache"}


def staff_routes(lookups: Lookups, digest: Callable[[], Any]) -> list[Router]:
    """Counts, archive, digest: roles auditor and operator."""

    @get("/counts", summary="How much is projected", guards=[requires("auditor", "operator")])
    async def counts() -> Counts:
        """Applications and events, by service, stage and who is waited on."""
        by = await lookups.counts()
        return Counts(sum(count.applications for count in by), sum(count.events for count in by), by)

    @get("/", summary="Records of the log as received", guards=[requires("auditor")])
    async def archived(
        request: Request[Any, Any, Any],
        partition: Annotated[int, QueryParameter(ge=0, lt=PARTITIONS)],
        offset: Annotated[int, QueryParameter(ge=0)] = 0,
        cursor: FromQuery[str | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    ) -> Response[ArchivePage]:
        """Records of one partition from an offset on, also those that nobody could read."""
        after = decode_cursor(cursor, tuple[int, int]) or (0, offset - 1)
        rows = await lookups.archived(partition, after, limit + 1)
        page = [_as_archived(row) for row in rows[:limit]]
        place = (rows[limit - 1]["log"], rows[limit - 1]["offset"]) if len(rows) > limit else None
        return Response(ArchivePage(page), headers=dict(next_link(request, place)))

    @get("/", summary="The digest of the projection", guards=[requires("auditor", "operator")])
    async def projection_digest() -> dict[str, str]:
        """SHA-256 over all rows of the live projection in order; equal for equal logs. Reads everything: be sparing."""
        return {"digest": await digest()}

    return [
        Router("/statistics", route_handlers=[counts], tags=["statistics"]),
        Router("/archive", route_handlers=[archived], tags=["audit"]),
        Router("/digest", route_handlers=[projection_digest], tags=["audit"]),
    ]


def _as_archived(row: Any) -> ArchivedRecord:
    headers = msgspec.json.decode(row["headers"], type=list[tuple[str, str]]) if row["headers"] else []
    return ArchivedRecord(
        log=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        timestamp=_EPOCH + timedelta(milliseconds=row["timestamp_ms"]),
        key=_base64(row["key"]),
        value=_base64(row["value"]),
        headers=headers,
    )


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()
