"""How long a service takes in fact, as the status service reckons it: asked for, kept a minute, left out while it is away."""

import time
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import structlog
from msgspec import DecodeError, Struct
from msgspec.json import decode

from services.portal.upstream import Asking, Away, Refused, Upstream

FRESH_S: Final = 60.0
_log = structlog.stdlib.get_logger("jejak.portal")


class Range(Struct, frozen=True):
    """Seconds of the application's own clock, which stands while the applicant is waited on."""

    from_s: int
    to_s: int


class ServiceCode(Struct, frozen=True):
    """Which service."""

    code: str


class Expectation(Struct, frozen=True):
    """What to expect of a service on the day of submission. `most`: of four in five; `finished`: fewer than five: none."""

    service: ServiceCode
    state: Literal["range", "too_few", "longer_than_most", "ended", "not_foretold"]
    half: Range | None = None
    most: Range | None = None
    finished: int | None = None
    unresolved: float | None = None


class Table(Struct, frozen=True):
    """Every service. `fewest`: where fewer have ended, no range is given."""

    fewest: int
    services: list[Expectation]

    def of(self, service: str) -> Expectation:
        """What to expect of a service; of one without any application: too few."""
        found = (one for one in self.services if one.service.code == service)
        return next(found, Expectation(service=ServiceCode(service), state="too_few"))


class _Kept(NamedTuple):
    table: Table | None
    asked_at: float


class ExpectationReader:
    """Reads the table of the status service."""

    def __init__(self, status: Upstream, clock: Callable[[], float] = time.monotonic) -> None:
        self._status = status
        self._clock = clock
        self._kept: _Kept | None = None

    async def table(self, visit: Asking) -> Table | None:
        """What to expect of every service; nothing while the status service cannot say. Never fails."""
        now = self._clock()
        if self._kept is None or now - self._kept.asked_at >= FRESH_S:
            self._kept = _Kept(await self._ask(visit), now)
        return self._kept.table

    async def _ask(self, visit: Asking) -> Table | None:
        try:
            return decode((await self._status.get("/expected", visit, type=bytes)).body, type=Table)
        except (Away, Refused, DecodeError) as error:
            _log.warning("what is to be expected cannot be shown", error=type(error).__name__)
            return None
