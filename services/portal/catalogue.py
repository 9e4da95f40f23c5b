"""The catalogue as the portal's rooms read it: asked of intake, kept a short while, renewed by entity tag."""

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar, cast

import msgspec
from msgspec import Struct

from contracts.catalogue import Choosing, Fee, HowToPay, Names, Office, Service, Text
from contracts.facts import Labels
from runtime.addresses import segment
from services.portal.upstream import Asking, Away, Upstream

T = TypeVar("T")
FRESH_S: Final = 60.0
STALE_S: Final = 3600.0
"""How long what is kept still serves while intake cannot be reached."""
MOST_KEPT: Final = 200


class ServiceSummary(Struct, frozen=True, kw_only=True):
    """A service in the list of those that applicants can choose."""

    code: str
    version: int
    labels: Labels
    summary: Text
    category: str
    product: str = ""
    offices: list[str] = []
    fees: list[Fee] = []
    who: list[Text] = []
    also_called: list[Labels] = []


class _Services(Struct, frozen=True):
    services: list[ServiceSummary]


class _Offices(Struct, frozen=True):
    offices: list[Office]


class _Reasons(Struct, frozen=True):
    reasons: dict[str, Text]


class _Choosing(Struct, frozen=True):
    choosing: Choosing | None


class _Paying(Struct, frozen=True):
    how_to_pay: HowToPay | None


class _Kept(NamedTuple):
    """An answer: when intake confirmed it last, and when it was asked last, in seconds of the clock."""

    tag: str
    value: Any
    confirmed_at: float
    asked_at: float


class CatalogueReader:
    """Everything that intake's catalogue says. Every method raises `Refused` (404: no such service) and `Away`.

    What was read is taken from memory for `FRESH_S`, then asked for again with its entity tag. While intake cannot be
    reached, what is kept serves for up to `STALE_S`: what a service costs does not change with an outage.
    """

    def __init__(self, intake: Upstream, clock: Callable[[], float] = time.monotonic) -> None:
        self._intake = intake
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    async def services(self, visit: Asking) -> list[ServiceSummary]:
        """The services that applicants can choose, in the catalogue's order."""
        return (await self._read("/services", _Services, visit)).services

    async def service(self, code: str, visit: Asking) -> Service:
        """One service, published or not. Raises `Refused` with status 404 where there is none."""
        return await self._read(f"/services/{segment(code)}", Service, visit)

    async def offices(self, visit: Asking) -> list[Office]:
        """Every office."""
        return (await self._read("/offices", _Offices, visit)).offices

    async def office(self, code: str, visit: Asking) -> Office | None:
        """One office; nothing, where there is none of this code."""
        return next((office for office in await self.offices(visit) if office.code == code), None)

    async def reasons(self, visit: Asking) -> dict[str, Text]:
        """The words of every reason code."""
        return (await self._read("/reasons", _Reasons, visit)).reasons

    async def names(self, visit: Asking) -> Names:
        """What categories, products, examinations, agencies and remedies are called."""
        return await self._read("/names", Names, visit)

    async def choosing(self, visit: Asking) -> Choosing | None:
        """The questions that lead to a service; nothing, where the catalogue has none."""
        return (await self._read("/choosing", _Choosing, visit)).choosing

    async def how_to_pay(self, visit: Asking) -> HowToPay | None:
        """How fees are paid; nothing, where the catalogue does not say."""
        return (await self._read("/paying", _Paying, visit)).how_to_pay

    async def _read(self, path: str, type_: type[T], visit: Asking) -> T:
        kept, now = self._kept.get(path), self._clock()
        if kept is not None and now - kept.asked_at < FRESH_S:
            return cast(T, kept.value)
        try:
            renewed = await self._ask(path, type_, visit, kept, now)
        except Away:
            if kept is None or now - kept.confirmed_at >= STALE_S:
                raise
            renewed = kept._replace(asked_at=now)
        self._keep(path, renewed)
        return cast(T, renewed.value)

    async def _ask(self, path: str, type_: type[Any], visit: Asking, kept: _Kept | None, now: float) -> _Kept:
        tag = {"If-None-Match": kept.tag} if kept and kept.tag else None
        answer = await self._intake.get(path, visit, headers=tag, type=bytes)
        if answer.status == 304 and kept is not None:
            return kept._replace(confirmed_at=now, asked_at=now)
        try:
            value = msgspec.json.decode(answer.body, type=type_)
        except msgspec.DecodeError as error:  # intake is of another release: no answer that we could show
            raise Away(self._intake.name) from error
        return _Kept(answer.headers.get("ETag", ""), value, now, now)

    def _keep(self, path: str, kept: _Kept) -> None:
        """The newest last; what is oldest goes first where there is too much."""
        self._kept.pop(path, None)
        self._kept[path] = kept
        while len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]
