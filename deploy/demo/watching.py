"""Waits until everything that was acknowledged is on the timelines, and compares the two, application by application."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from deploy.demo.calling import Caller, Gate
from deploy.demo.ledger import NOTIFICATIONS, Ledger
from deploy.demo.place import DemoFailed, Place

PATIENCE_S: Final = 120.0
_QUIET_S: Final = 1.5
_SHOWN: Final = 3
_PAGE: Final = 200


@dataclass(frozen=True)
class Seen:
    """How much is there at one moment."""

    applications: int
    events: int
    deliveries: Counter[str]

    @property
    def waiting(self) -> int:
        """Messages that notify has yet to send."""
        return self.deliveries["waiting"]


class Watch:
    """Looks through the services' APIs, as an auditor and an operator may."""

    def __init__(self, place: Place) -> None:
        gate = Gate()
        self.status = Caller("status", place.urls["status"], gate, place.tokens["auditor"])
        self._notify = Caller("notify", place.urls["notify"], gate, place.tokens["operator"])
        self._quarantines = {
            name: Caller(name, url, gate, place.tokens["operator"]) for name, url in place.urls.items()
        }

    async def __aenter__(self) -> "Watch":
        return self

    async def __aexit__(self, *_: object) -> None:
        for caller in (self.status, self._notify, *self._quarantines.values()):
            await caller.__aexit__()

    async def look(self) -> Seen:
        """The counts of this moment."""
        counts = (await self.status.get("/statistics/counts")).json()
        deliveries = (await self._notify.get("/deliveries/counts")).json()
        return Seen(counts["applications"], counts["events"], Counter(deliveries))

    async def applications(self, at_least: int) -> None:
        """Return once that many applications have a timeline. Raises `DemoFailed` after a while."""
        await self._until(lambda seen: seen.applications >= at_least, f"{at_least:,} applications have a timeline")

    async def rest(self, applications: int, events: int) -> Seen:
        """Return once so much (messages not counted) is projected, nothing waits to be sent and nothing changes any more.

        Raises `DemoFailed`, naming what is missing.
        """
        still_since, last = time.monotonic(), await self.look()

        def is_at_rest(seen: Seen) -> bool:
            nonlocal still_since, last
            if seen != last:
                still_since, last = time.monotonic(), seen
            there = seen.applications >= applications and seen.events >= events + seen.deliveries["sent"]
            return there and not seen.waiting and time.monotonic() - still_since >= _QUIET_S

        wanted = f"{applications:,} applications and {events:,} acknowledged events (and a message's event each) are projected"
        return await self._until(is_at_rest, wanted)

    async def compare(self, ledger: Ledger) -> Counter[str]:
        """Hold every timeline against what was acknowledged. Returns how many messages it shows, by fact.

        Raises `DemoFailed`, naming the first applications where something is missing or too much.
        """
        timelines = await asyncio.gather(*(self.timeline(number) for number in ledger.applications))
        differences = [
            f"{number} {difference}"
            for number, timeline in zip(ledger.applications, timelines, strict=True)
            if (difference := ledger.difference(number, timeline))
        ]
        if differences:
            more = f" (and {len(differences) - _SHOWN} more)" if len(differences) > _SHOWN else ""
            raise DemoFailed(f"timelines differ from what was acknowledged: {'; '.join(differences[:_SHOWN])}{more}")
        told = sum(timelines, Counter[str]())
        return Counter({fact: told[fact] for fact in NOTIFICATIONS})

    async def timeline(self, number: str) -> Counter[str]:
        """How often each fact is on the application's timeline."""
        facts: Counter[str] = Counter()
        following: str | None = f"/applications/{number}/timeline?limit={_PAGE}"
        while following:
            page = await self.status.get(following)
            facts.update(_fact(entry) for entry in page.json()["entries"])
            following = page.links.get("next", {}).get("url")
        return facts

    async def digest(self) -> str:
        """The digest of the live projection."""
        return str((await self.status.get("/digest")).json()["digest"])

    async def quarantined(self) -> str:
        """What lies in quarantine, in one line; empty where nothing does."""
        held = []
        for name, caller in self._quarantines.items():
            records = (await caller.get("/quarantine")).json()["records"]
            if records:
                held.append(f"{name} holds {len(records)} in quarantine, first: {_line(records[0])}")
        return "; ".join(held)

    async def _until(self, holds: Callable[[Seen], bool], what: str) -> Seen:
        ends = time.monotonic() + PATIENCE_S
        while not holds(seen := await self.look()):
            if time.monotonic() > ends:
                held = await self.quarantined()
                raise DemoFailed(
                    f"waited {PATIENCE_S:.0f} s in vain until {what}: there are {seen.applications:,} applications, "
                    f"{seen.events:,} events, {seen.waiting:,} messages that wait{f'; {held}' if held else ''}"
                )
            await asyncio.sleep(0.25)
        return seen


def _fact(entry: dict[str, Any]) -> str:
    return str(entry["type"])


def _line(record: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in record.items() if value not in (None, ""))[:300]
