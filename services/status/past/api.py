"""HTTP: the past of an application, what changed between two instants, and what applicants had been shown.

`Past.status` and `Past.timeline` answer the look-ups of `services.status.api` that name an instant.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from litestar import Request, Response, Router, get
from litestar.params import FromPath, QueryParameter
from msgspec import Struct

from runtime import problems
from runtime.auth import requires
from runtime.conditional import is_unchanged, not_modified
from runtime.pagination import next_link
from runtime.problems import Problem
from services.status.answering.answers import IsStaff
from services.status.answering.lookups import Head, Lookups
from services.status.answering.timelines import Timelines
from services.status.answering.views import Presenter, at
from services.status.answering.words import Text, templates
from services.status.folding.fold import decode_progress
from services.status.past import asof
from services.status.past.asof import Instants
from services.status.past.differences import By, Difference
from services.status.past.past import Historian
from services.status.past.shown import Seen, Shown

_JSON: Final = "application/json"
_SETTLED: Final = "private, max-age=86400, immutable"
"""Nothing that is still to arrive can change it. A day, because a release may put it into other words."""
_OPEN: Final = "no-cache"

Find = Callable[[Request[Any, Any, Any], str], Awaitable[Head]]
"""The application that a request's tracking number means; raises the 404 and the 429."""
AsOf = Annotated[
    str | None,
    QueryParameter(
        description="What was known then: an instant (RFC 3339, with a zone) or a day (its end at the office)"
    ),
]
ValidAt = Annotated[
    str | None, QueryParameter(description="What was true then, by all that is known: an instant or a day, as `as_of`")
]
_From = Annotated[str, QueryParameter(name="from", description="An instant or a day, as `as_of`")]
_To = Annotated[str, QueryParameter(description="An instant or a day, not before `from`")]
_By = Annotated[By, QueryParameter(description="By what was on record, or by what was true")]


class ShownView(Struct, frozen=True):
    """What the applicant had been shown, by look-ups and event streams; not who looked."""

    number: str
    as_of: datetime
    on_record: int
    """How many events were on the timeline by then."""
    shown: int
    """Up to which event it had been shown."""
    text: Text
    kept_since: datetime
    """What was shown before is no longer kept."""
    looks: list[Seen]
    """By how far the timeline was shown: when first, when last, how often."""


class Past:
    """Answers to questions about the past.

    `sees_quarantine`: the database of `lookups` has the quarantine of what it reads. A reader in front of several databases
    has not: no past is settled there.
    """

    def __init__(
        self,
        lookups: Lookups,
        timelines: Timelines,
        presenter: Presenter,
        historian: Historian,
        shown: Shown,
        *,
        version: str,
        is_staff: IsStaff,
        sees_quarantine: bool = True,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._lookups = lookups
        self._timelines = timelines
        self._presenter = presenter
        self._historian = historian
        self._shown = shown
        self._version = version
        self._is_staff = is_staff
        self._sees_quarantine = sees_quarantine
        self._now = now

    async def status(
        self, request: Request[Any, Any, Any], head: Head, as_of: str | None, valid_at: str | None
    ) -> Response[Any]:
        """`GET /applications/{number}` with an instant."""
        instants = self._instants(head, as_of, valid_at)
        headers = await self._headers(head, instants.known_at, instants.tag)
        if is_unchanged(request, headers["ETag"]):
            return _unchanged(headers)
        rows = await self._timelines.whole(head.number, head.n)
        await self.note(request, head, asof.shown_of(asof.visible(rows, instants)))
        return _answer(self._historian.status(head, rows, instants), headers)

    async def timeline(
        self, request: Request[Any, Any, Any], head: Head, as_of: str | None, valid_at: str | None, *, after: int, limit: int
    ) -> Response[Any]:  # fmt: skip
        """`GET /applications/{number}/timeline` with an instant."""
        instants = self._instants(head, as_of, valid_at)
        headers = await self._headers(head, instants.known_at, instants.tag)
        if is_unchanged(request, headers["ETag"]):
            return _unchanged(headers)
        rows = await self._timelines.whole(head.number, head.n)
        page, following = self._historian.timeline(head, rows, instants, after=after, limit=limit)
        shown = asof.shown_of(asof.visible(rows, instants))
        await self.note(request, head, min(shown, page.entries[-1].n) if page.entries else 0)
        return _answer(page, headers | dict(next_link(request, following)))

    def routes(self, find: Find) -> Router:
        """`/applications/{number}/difference` and `/applications/{number}/shown`."""

        @get("/{number:str}/difference", summary="What changed between two instants")
        async def difference(
            request: Request[Any, Any, Any],
            number: FromPath[str],
            begin: _From = "",
            to: _To = "",
            by: _By = "recorded",
        ) -> Response[Difference]:
            """The events that came in between, and what they changed, before and after, in two languages."""
            head = await find(request, number)
            first, last = self._read(head, "from", begin), self._read(head, "to", to)
            if first > last:
                raise _refusal("instants-reversed", "The instants are reversed", _REVERSED)
            headers = await self._headers(head, last if by == "recorded" else None, Instants(first, last).tag)
            if is_unchanged(request, headers["ETag"]):
                return _unchanged(headers)
            rows = await self._timelines.whole(head.number, head.n)
            return _answer(self._historian.difference(head, rows, by, first, last), headers)

        @get(
            "/{number:str}/shown",
            summary="What the applicant had been shown",
            guards=[requires("auditor", "supervisor")],
        )
        async def shown(
            request: Request[Any, Any, Any], number: FromPath[str], as_of: AsOf = None
        ) -> Response[ShownView]:
            """Up to which event the timeline had been shown by an instant (by now, where none is given), and when."""
            head = await find(request, number)
            until = self._now() if as_of is None else self._read(head, "as_of", as_of)
            return Response(await self._what_was_shown(head, until), headers={"Cache-Control": "no-store"})

        return Router("/applications", route_handlers=[difference, shown], tags=["applications"])

    async def _what_was_shown(self, head: Head, until: datetime) -> ShownView:
        since = self._shown.kept_since
        looks = await self._shown.seen(head.number, until)
        rows = await self._timelines.whole(head.number, head.n)
        values = {"at": self._historian.instant(head, until), "since": self._historian.instant(head, since)}
        if looks:
            last = self._historian.instant(head, max(look.last_at for look in looks))
            text = templates().past["shown"].fill(**values, count=str(looks[-1].events), last=last)
        else:
            text = templates().past["nothing_shown" if until > since else "shown_forgotten"].fill(**values)
        return ShownView(
            number=head.number,
            as_of=until,
            on_record=len(asof.known(rows, Instants(known_at=until))),
            shown=looks[-1].events if looks else 0,
            text=text,
            kept_since=since,
            looks=looks,
        )

    def _instants(self, head: Head, as_of: str | None, valid_at: str | None) -> Instants:
        return Instants(
            None if as_of is None else self._read(head, "as_of", as_of),
            None if valid_at is None else self._read(head, "valid_at", valid_at),
        )

    def _read(self, head: Head, name: str, text: str) -> datetime:
        try:
            return asof.read_instant(name, text, self._presenter.zone(head.office), self._now())
        except asof.InFuture as future:
            raise _refusal("instant-in-future", "The instant is in the future", future.text) from None
        except asof.NoInstant as unclear:
            raise _refusal("instant", "The instant is not clear", unclear.text) from None

    async def _headers(self, head: Head, known_at: datetime | None, tag: str) -> dict[str, str]:
        """The entity tag is of the row and of the instants; what can no longer change need not be asked for again."""
        last_recorded = at(decode_progress(head.state).last_recorded)
        settled = (
            self._sees_quarantine
            and asof.is_settled(known_at, last_recorded)
            and not await self._lookups.is_quarantined(head.number)
        )
        return {
            "ETag": f'"{head.n}-{head.version}-{self._version}-{tag}"',
            "Cache-Control": _SETTLED if settled else _OPEN,
        }

    async def note(self, request: Request[Any, Any, Any], head: Head, n: int) -> None:
        """Note that the timeline is being shown up to event `n`, unless it is to staff."""
        authorization = request.headers.get("authorization")
        if n and (authorization is None or not await self._is_staff(authorization)):
            self._shown.note(head.number, n)


_REVERSED: Final = Text("from lebih lambat daripada to: tukarkan keduanya.", "from is later than to: exchange them.")


def _answer(told: Struct, headers: dict[str, str]) -> Response[Any]:
    return Response(msgspec.json.encode(told), headers=headers, media_type=_JSON)


def _unchanged(headers: dict[str, str]) -> Response[Any]:
    return not_modified(headers["ETag"], **{"Cache-Control": headers["Cache-Control"]})


def _refusal(slug: str, title: str, text: Text) -> Problem:
    return problems.bad_request(text.en, slug=slug, title=title, text={"id": text.id, "en": text.en})
