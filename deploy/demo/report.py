"""What is printed. Readable at 80 columns and without colours."""

import textwrap
import time
from collections import Counter
from typing import Final

from rich.console import Console
from rich.table import Table

from deploy.demo.calling import AT_ONCE
from deploy.demo.day import QUEUES, End, Paying
from deploy.demo.history import History
from deploy.demo.ledger import Ledger
from deploy.demo.letters import Letter, count_kinds
from deploy.demo.place import Place
from deploy.demo.playing import Day
from deploy.demo.rebuilding import Rebuilt
from deploy.demo.watching import Seen

WIDTH: Final = 80
_KINDS_SHOWN: Final = 12
_DEEPER: Final = " " * 4


class Report:
    """Prints as the demonstration goes on; every line is told when it is true."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, width=None if Console().is_terminal else WIDTH)
        self._began = time.monotonic()

    def step(self, title: str) -> None:
        """A step begins."""
        self.console.print(f"\n{time.monotonic() - self._began:4.0f} s  [bold]{title}[/bold]")

    def line(self, text: str, indent: str = "  ") -> None:
        """A paragraph of a step, `indent` before each of its lines."""
        whole = textwrap.fill(
            text, self.console.width, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
        )
        self.console.print(whole, markup=False, soft_wrap=True)

    def warn_of_memory(self) -> None:
        """The broker is the one for trying out."""
        self.line(
            "Kafka is librdkafka's broker inside one process, in memory: good enough for all of this, but it keeps no record "
            "times and nothing beyond its end. With Java and Maven, or Docker, the real one is taken."
        )

    def introduce_first(self) -> None:
        """Who will act, and how."""
        self.line(
            "An applicant, an officer, a supervisor and the treasury, each with what they would have: an access code, bearer "
            "tokens, a signature. The treasury's report names a billing code and no application."
        )

    def introduce_day(self, queues: Counter[str], day_s: float) -> None:
        """What a simulated day is, and what about its times is true."""
        self.line(
            f"Quotas of a real office (Batam: 285 a day): {', '.join(f'{queues[name]} {name}' for name in QUEUES)}. "
            "Services, documents and fees are the catalogue's; people and mishaps are invented."
        )
        self.line(
            f"Everybody acts through the APIs, at most {AT_ONCE} calls at once. The day from 07:30 to 16:00 passes in about "
            f"{day_s:.0f} s: the order and the proportions of its times are plausible, the times on the timelines are those at "
            "which it really happened here."
        )

    def counts(self, seen: Seen, ledger: Ledger, imported: History | None, notifications: Counter[str]) -> None:
        """What is on the timelines, and that it is what was acknowledged."""
        table = Table(box=None, pad_edge=False, padding=(0, 2))
        table.add_column()
        for heading in ("applications", "events"):
            table.add_column(heading, justify="right")
        rows = [("acknowledged over HTTP", len(ledger.applications), ledger.events)]
        if imported:
            rows.append(("imported", imported.applications, imported.events))
        table_rows = [*rows, ("messages sent or failed, by notify", None, notifications.total())]
        for name, applications, events in table_rows:
            table.add_row(f"  {name}", "" if applications is None else f"{applications:,}", f"{events:,}")
        table.add_row("  on timelines", f"{seen.applications:,}", f"{seen.events:,}")
        self.console.print(table)
        self.line(
            f"{len(ledger.applications):,} timelines were held against what was acknowledged, one by one: equal. "
            "Nothing is in quarantine."
        )

    def day(self, day: Day, ledger: Ledger, events: int, held: int) -> None:
        """What became of the office day."""
        for end in End:
            if many := day.ends()[end]:
                self.line(f"{end.value}", indent=f"{many:7,}  ")
        facts, odd = ledger.totals(), Counter(plan.paying for plan in day.plans)
        self.line(
            f"Documents asked for once more: {facts['documents_requested']}. Payments: "
            + ", ".join(f"{odd[paying]} {paying.value}" for paying in Paying if odd[paying])
            + (f"; {held} came before intake knew the billing code and were held until it did" if held else "")
            + "."
        )
        self.line(
            f"{len(day.plans):,} applications, {day.calls:,} HTTP calls, {events:,} acknowledged events in {day.took_s:.0f} s: "
            f"{day.calls / day.took_s:,.0f} calls/s at this pace"
        )

    def history(self, history: History, sent_s: float, seen_s: float) -> None:
        """How fast a history came in."""
        self.line(
            f"{history.events:,} lines of {history.file.name}: read and sent in {sent_s:.1f} s, all on timelines after "
            f"{seen_s:.1f} s: {history.events / seen_s:,.0f} events/s from file to timeline"
        )

    def rebuilt(self, rebuilt: Rebuilt) -> None:
        """How fast the projection was built anew."""
        self.line(
            f"{rebuilt.events:,} events from Kafka in {rebuilt.seconds:.2f} s: {rebuilt.rate:,.0f} events/s; "
            "before and after, the digest of the projection is the same:"
        )
        self.line(rebuilt.digest)

    def letters(self, letters: list[Letter], first: str) -> None:
        """The mail that was sent: of the first application each, of all how many said what."""
        self.line(f"{len(letters):,} mails. To the first applicant:")
        for letter in letters:
            if letter.number == first:
                self.line(letter.kind, indent=_DEEPER)
        self.line("In all, by subject:")
        for kind, many in count_kinds(letters).most_common(_KINDS_SHOWN):
            self.line(kind, indent=f"{many:7,}  ")

    def where_next(self, place: Place, number: str, *, stays: bool) -> None:
        """Addresses, logs, documents; last, the page of the first application."""
        if stays:
            self._entry("portal", f"{place.portal} (sign in: {place.portal}/masuk)")
            for name, url in place.urls.items():
                self._entry(name, url)
            self._entry("each", "/openapi.json, /health/ready, /metrics")
            self._entry("timeline", f"{place.urls['status']}/applications/{number}/timeline")
            self._entry("logs", f"{place.logs}")
            self._entry("mail", f"{place.mail}")
            self._entry("commands", f"JEJAK_STATE={place.state} .venv/bin/jejak status {number}")
            self._entry("docs/", "architecture, life of an application, contracts, import")
            self.line("The system stays up until Ctrl-C.")
        else:
            self._entry("make up", "the same system on a state that stays: addresses, logs")
            self._entry("make demo", "in a terminal stays up afterwards, to be looked at")
            self._entry("docs/", "architecture, life of an application, contracts, import")
        self._entry("track", place.tracking_page(number))

    def _entry(self, name: str, what: str) -> None:
        """A name and what belongs to it, on one line however long: addresses are to be copied."""
        self.console.print(f"  {name:<11}{what}", markup=False, soft_wrap=True)
