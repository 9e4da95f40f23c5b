"""The demonstration from first to last step."""

import asyncio
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from contracts.catalogue import load
from deploy.demo import history
from deploy.demo.day import QUOTA, plan_day
from deploy.demo.history import JEJAK, ROOT, History
from deploy.demo.ledger import Ledger
from deploy.demo.letters import Letter, read_letters
from deploy.demo.place import DemoFailed, Place
from deploy.demo.playing import cast_at, play_day, play_first
from deploy.demo.rebuilding import rebuild
from deploy.demo.report import Report
from deploy.demo.walk import Cast
from deploy.demo.watching import Seen, Watch

PAGE_S = 20.0


@dataclass(frozen=True)
class Wishes:
    """How large the demonstration is to be."""

    applications: int = QUOTA
    day_s: float = 30.0
    export: Path = history.EXPORT
    seed: int = 285


class Demonstration:
    """Plays, imports, compares, rebuilds and tells. Raises `DemoFailed` at whatever is not as it must be."""

    def __init__(self, place: Place, wishes: Wishes, report: Report) -> None:
        self._place = place
        self._wishes = wishes
        self._report = report
        self._ledger = Ledger()
        self._catalogue = load()
        self._first = ""

    async def run(self) -> str:
        """All steps; the last line to print."""
        async with cast_at(self._place, self._catalogue, self._ledger) as cast, Watch(self._place) as watch:
            if self._place.is_in_memory:
                self._report.warn_of_memory()
            before = await watch.look()
            if before.applications:
                raise DemoFailed(
                    f"the system holds {before.applications:,} applications already: start it with --fresh"
                )
            await self._play_first(cast)
            await self._play_day(cast)
            imported = await self._import(watch)
            letters = await self._await_all(watch, imported)
            await self._rebuild(watch)
            seen = await watch.look()
        await self._look_at_page()
        self._tell_the_rest(letters)
        return f"demo: ok applications={seen.applications} events={seen.events} rebuild=identical"

    async def _play_first(self, cast: Cast) -> None:
        self._report.step("One passport application, over HTTP through every stage")
        self._report.introduce_first()
        began = time.monotonic()
        self._first = await play_first(cast, self._report.line)
        self._report.line(f"{self._ledger.events} acknowledged events in {time.monotonic() - began:.1f} s")

    async def _play_day(self, cast: Cast) -> None:
        wishes, events_before = self._wishes, self._ledger.events
        today = datetime.now(ZoneInfo(self._catalogue.offices["lebong"].time_zone)).date()
        plans = plan_day(self._catalogue, wishes.applications, today, wishes.seed)
        self._report.step(f"A simulated office day: {len(plans)} applications over the same HTTP APIs")
        self._report.introduce_day(Counter(plan.queue for plan in plans), wishes.day_s)
        columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn())
        console = self._report.console
        with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
            task = bar.add_task("applications", total=len(plans))
            day = await play_day(cast, plans, wishes.day_s, lambda: bar.advance(task))
        self._report.day(day, self._ledger, self._ledger.events - events_before, cast.treasury.held)

    async def _import(self, watch: Watch) -> History | None:
        self._report.step("The history of an older system, by `jejak import`")
        file = self._wishes.export
        if not file.is_file():
            self._report.line(f"skipped: {file} is not there (the permit log is handed out beside the checkout)")
            return None
        found = history.count(file)
        before = (await watch.look()).applications
        began = time.monotonic()
        sent_s = await asyncio.to_thread(history.bring_in, found, self._place.state)
        await watch.applications(before + found.applications)
        self._report.history(found, sent_s, time.monotonic() - began)
        return found

    async def _await_all(self, watch: Watch, imported: History | None) -> list[Letter]:
        """Everything acknowledged is on a timeline exactly once, every message was sent and is there."""
        self._report.step("Is everything that was acknowledged on a timeline, once?")
        applications = len(self._ledger.applications) + (imported.applications if imported else 0)
        events = self._ledger.events + (imported.events if imported else 0)
        seen = await watch.rest(applications, events)
        notifications = await watch.compare(self._ledger)
        letters = read_letters(self._place.mail)
        self._check(seen, applications, events, notifications, letters)
        if held := await watch.quarantined():
            raise DemoFailed(held)
        self._report.counts(seen, self._ledger, imported, notifications)
        return letters

    def _check(
        self, seen: Seen, applications: int, events: int, notifications: Counter[str], letters: list[Letter]
    ) -> None:
        if (seen.applications, seen.events) != (applications, events + notifications.total()):
            raise DemoFailed(
                f"{applications:,} applications and {events + notifications.total():,} events were expected on timelines, "
                f"there are {seen.applications:,} and {seen.events:,}"
            )
        if len(letters) != notifications["notification_sent"]:
            raise DemoFailed(
                f"the timelines tell of {notifications['notification_sent']:,} mails, {len(letters):,} have arrived"
            )

    async def _rebuild(self, watch: Watch) -> None:
        self._report.step("Drop the projection, rebuild it from the event log, compare")
        before = await watch.digest()
        rebuilt = await asyncio.to_thread(rebuild)
        after = await watch.digest()
        if not before == rebuilt.digest == after:
            raise DemoFailed(f"digests differ: {before} before, {rebuilt.digest} rebuilt, {after} after")
        self._report.rebuilt(rebuilt)

    async def _look_at_page(self) -> None:
        """The first application's page is there for its applicant."""
        page = self._place.tracking_page(self._first)
        async with httpx.AsyncClient(timeout=PAGE_S) as browser:
            seen = await browser.get(page)
        if not (seen.is_success and self._first in seen.text):
            raise DemoFailed(f"the tracking page {page} answers {seen.status_code}, without the number")

    def _tell_the_rest(self, letters: list[Letter]) -> None:
        self._report.step("The first application, as `jejak status NUMBER --language en` shows it")
        self._report.console.file.flush()
        if subprocess.run([*JEJAK, "status", self._first, "--language", "en"], check=False, cwd=ROOT).returncode:
            raise DemoFailed(f"jejak status {self._first} failed")
        self._report.step("Mail")
        self._report.letters(letters, self._first)

    def tell_where_next(self, *, stays: bool) -> None:
        """Where to look; `stays`: the system runs on until Ctrl-C."""
        self._report.step("Where to look next")
        self._report.where_next(self._place, self._first, stays=stays)
