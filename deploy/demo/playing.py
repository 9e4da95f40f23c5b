"""Plays what was planned: one application alone, then a whole day at once."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from contracts.catalogue import Catalogue
from deploy.demo.calling import Caller, Gate
from deploy.demo.day import CLOSES_MIN, OPENS_MIN, End, Paying, Plan
from deploy.demo.ledger import Ledger
from deploy.demo.people import Officer, Treasury
from deploy.demo.place import DemoFailed, Place
from deploy.demo.walk import Cast, Pace, Walk

FIRST: Final = Plan(
    service="passport_new",
    queue="general",
    arrives_min=OPENS_MIN,
    channel="internet",
    language="id",
    has_email=True,
    fees=("book_electronic_10y",),
    asked_for="birth_record",
    request_reason="unreadable",
    refusal_reason="",
    is_invited=True,
    paying=Paying.AT_ONCE,
    end=End.COLLECTED,
    gaps_min=(),
)
"""The one application that is told step by step."""


@dataclass(frozen=True)
class Day:
    """What became of a day. `calls`: how often a service was called over HTTP."""

    plans: Sequence[Plan]
    took_s: float
    calls: int

    def ends(self) -> Counter[End]:
        """How many applications came how far."""
        return Counter(plan.end for plan in self.plans)

    def queues(self) -> Counter[str]:
        """How many came by which queue."""
        return Counter(plan.queue for plan in self.plans)


@asynccontextmanager
async def cast_at(place: Place, catalogue: Catalogue, ledger: Ledger) -> AsyncIterator[Cast]:
    """Everybody who acts, connected to the system at `place`."""
    gate = Gate()
    async with AsyncExitStack() as open_callers:

        async def caller(name: str, role: str | None = None) -> Caller:
            token = place.tokens[role] if role else None
            return await open_callers.enter_async_context(Caller(name, place.urls[name], gate, token))

        intake = await caller("intake")
        yield Cast(
            catalogue=catalogue,
            intake=intake,
            desk=await caller("intake", "officer"),
            officer=Officer(await caller("processing", "officer"), ledger),
            supervisor=Officer(await caller("processing", "supervisor"), ledger),
            treasury=Treasury(intake, ledger, place.treasury_secret),
            ledger=ledger,
            gate=gate,
        )


async def play_first(cast: Cast, tell: Callable[[str], None]) -> str:
    """The one application, each step told. Returns its number."""
    return await Walk(cast, FIRST, Pace(), tell).go("Pemohon Pertama")


async def play_day(cast: Cast, plans: Sequence[Plan], day_s: float, done: Callable[[], None]) -> Day:
    """All applications of a day, from opening to closing in about `day_s`; slower where the machine is.

    `done` is called after each of them. Raises `DemoFailed` as soon as one of them fails.
    """
    pace = Pace(day_s / (CLOSES_MIN - OPENS_MIN))
    began, calls_before = time.monotonic(), cast.gate.calls

    async def one(place_in_queue: int, plan: Plan) -> None:
        await pace.after(plan.arrives_min - OPENS_MIN)
        await Walk(cast, plan, pace).go(f"Pemohon {place_in_queue:03}")
        done()

    try:
        async with asyncio.TaskGroup() as walks:
            for place_in_queue, plan in enumerate(plans, start=1):
                walks.create_task(one(place_in_queue, plan))
    except* DemoFailed as failures:
        raise failures.exceptions[0] from None
    return Day(plans, time.monotonic() - began, cast.gate.calls - calls_before)
