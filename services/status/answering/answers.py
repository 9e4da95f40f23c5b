"""The answer to a look-up: the status of an application, or that the asker has it already.

The body depends on the row, the catalogue and whether the deadline has passed, and on nothing else; so does its ETag.
Both ways in (`services.status.answering.hot`, `services.status.api`) give the same bytes.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from math import ceil
from typing import Final, NamedTuple

from contracts.number import InvalidNumber, parse_number
from runtime import problems
from services.status.answering.bodies import Bodies
from services.status.answering.limits import RateLimit
from services.status.answering.lookups import NOBODYS_NUMBER
from services.status.answering.reads import Reads, Standing
from services.status.answering.views import Presenter
from services.status.folding.partitions import is_canonical

JSON: Final = "application/json"
_EVENTS_IN_TAG: Final = re.compile(r'"(\d{1,9})-')

Note = Callable[[str, int], None]
"""(number, n): so many events of the application were shown."""
IsStaff = Callable[[str], Awaitable[bool]]
"""Whether an `Authorization` header proves that staff ask; what they are shown is not kept."""


class Asker(NamedTuple):
    """Who asks: as much as matters to the answer."""

    address: str
    authorization: str | None
    """The header, if one was sent."""


class Answer(NamedTuple):
    """Ready to be sent."""

    status: int
    etag: str
    body: bytes


class Answers:
    """Answers look-ups of the status."""

    def __init__(
        self,
        reads: Reads,
        presenter: Presenter,
        bodies: Bodies,
        limit: RateLimit,
        *,
        version: str,
        note: Note,
        is_staff: IsStaff,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._reads = reads
        self._presenter = presenter
        self._bodies = bodies
        self._limit = limit
        self._version = version
        self._note = note
        self._is_staff = is_staff
        self._now = now

    async def status(self, asker: Asker, text: str, condition: str | None) -> Answer:
        """What `asker` gets for the number typed as `text`; `condition` is the `If-None-Match` of the request.

        Raises a problem: 429 beyond the rate limit, 404 for an unknown number and, the same, for what is none.
        """
        self.admit(asker.address)
        number = canonical(text)
        for known in (self._known(number, condition), 0):
            standing = await self._reads.standing(number, known)
            if standing is None:
                raise unknown_number()
            answer = self._answer(number, standing, condition)
            if answer is not None:
                if asker.authorization is None or not await self._is_staff(asker.authorization):
                    self._note(number, standing.n)
                return answer
        raise AssertionError("a row was read without its state")

    async def number_of(self, address: str, text: str) -> str:
        """The application that `text` means, asked for from `address`. Raises what `status` raises."""
        self.admit(address)
        number = canonical(text)
        if await self._reads.standing(number) is None:
            raise unknown_number()
        return number

    def admit(self, address: str) -> None:
        """Count a look-up. Raises 429 beyond the limit."""
        wait_s = self._limit.take(address)
        if wait_s:
            raise problems.too_many_requests("Too many look-ups from your address.", retry_after_s=ceil(wait_s))

    def etag(self, n: int, version: str, *, overdue: bool = False) -> str:
        """Of what is shown of an application; changes whenever that does."""
        return f'"{n}-{version}-{self._version}{"-overdue" if overdue else ""}"'

    def _known(self, number: str, condition: str | None) -> int:
        """Of how many events the state need not be read: the asker says to have them, or the body is here."""
        if condition is not None and (tag := _EVENTS_IN_TAG.search(condition)):
            return int(tag[1])
        return self._bodies.known(number)

    def _answer(self, number: str, standing: Standing, condition: str | None) -> Answer | None:
        """The answer, if what was read is enough for it."""
        n, version, due, state = standing
        overdue = due is not None and due <= self._now()
        etag = self.etag(n, version, overdue=overdue)
        if matches(condition, etag):
            return Answer(304, etag, b"")
        body = self._bodies.get(number, (n, version, overdue))
        if body is None:
            if state is None:
                return None
            body = self._presenter.status(number, state, overdue=overdue)
            self._bodies.keep(number, (n, version, overdue), body)
        return Answer(200, etag, body)


def canonical(text: str) -> str:
    """The number that a person means by `text`; for what is none, a number that nobody has, so that the answer to it
    costs what any other does."""
    if is_canonical(text):
        return text
    try:
        return parse_number(text)
    except InvalidNumber:
        return NOBODYS_NUMBER


def unknown_number() -> problems.Problem:
    """The one refusal of a number."""
    return problems.not_found(
        "No application has this tracking number. Compare it with your receipt.",
        slug="unknown-number",
        title="Unknown tracking number",
    )


def matches(condition: str | None, etag: str) -> bool:
    """If-None-Match, if given, by weak comparison (RFC 9110, 13.1.2)."""
    if condition is None:
        return False
    return condition.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in condition.split(","))
