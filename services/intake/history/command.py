"""`jejak import`: stage, then send, with a bar; or only stage and say what would be sent."""

import asyncio
import csv
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from contracts import catalogue
from contracts.catalogue import CatalogueError
from services.intake.history.events import HistoryEvent, Translation
from services.intake.history.mapping import HistoryMapping, MappingError, Unreadable, load_mapping
from services.intake.history.reading import read_rows
from services.intake.history.sending import send_all
from services.intake.history.staging import Staging, fingerprint

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def translation(mapping: HistoryMapping, *, office: str, number_key: bytes) -> Translation:
    """What makes events of rows, for the site whose office is `office`. Raises `MappingError`."""
    try:
        known = catalogue.load(extra=mapping.catalogue_folders)
    except CatalogueError as error:
        raise MappingError(f"the catalogue of the mapping is wrong:\n{error}") from None
    for kind, code, there in (
        ("service", mapping.file.service, known.services),
        ("office", mapping.file.office, known.offices),
    ):
        if code not in there:
            raise MappingError(
                f"no {kind} {code!r} in the catalogue: add it in the mapping's `catalogue` folder; there are "
                f"{', '.join(sorted(there))}"
            )
    prefix = known.offices[mapping.file.office].prefix
    return Translation(mapping, source=known.offices[office].source, prefix=prefix, number_key=number_key)


def staged(file: Path, mapping: HistoryMapping, make: Translation) -> Iterator[tuple[int, HistoryEvent | str]]:
    """Each line of `file` with its event, or with the reason why it has none."""
    with closing(read_rows(file, mapping)) as rows:
        for row in rows:
            try:
                yield row.line, make.event(row)
            except Unreadable as error:
                yield row.line, str(error)


def dry_run(file: Path, mapping_file: Path, *, office: str, number_key: bytes, console: Console) -> int:
    """Read everything, send nothing, say what it is. Returns the number of lines that cannot be read."""
    mapping = load_mapping(mapping_file)
    with Staging(None) as staging:
        staging.fill(staged(file, mapping, translation(mapping, office=office, number_key=number_key)))
        summarise(staging, console)
        return len(staging.refused())


def import_history(
    file: Path,
    mapping_file: Path,
    *,
    office: str,
    number_key: bytes,
    client: httpx.AsyncClient,
    folder: Path,
    refused_file: Path,
    batch_size: int,
    console: Console,
) -> int:
    """Import `file`; what is staged and how far it was sent is kept in `folder`, so that the same call goes on after a kill.

    Returns the number of lines that were not imported; they are in `refused_file`, line number and reason.
    """
    mapping = load_mapping(mapping_file)
    make = translation(mapping, office=office, number_key=number_key)
    with Staging(folder / f"{fingerprint(file, mapping_file)}.sqlite") as staging:
        if staging.complete:
            console.print(
                f"Going on: {staging.progress().sent:,} of {staging.totals().events:,} events were sent before."
            )
        else:
            staging.fill(staged(file, mapping, make))
        asyncio.run(_send(staging, client, batch_size, console))
        refused = staging.refused()
        write_refused(refused_file, refused)
        _conclude(staging, refused_file, console)
        return len(refused)


async def _send(staging: Staging, client: httpx.AsyncClient, batch_size: int, console: Console) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("Importing", total=staging.totals().events, completed=staging.progress().sent)
        async with client:
            await send_all(
                staging, client, batch_size=batch_size, report=lambda now: bar.update(task, completed=now.sent)
            )


def write_refused(path: Path, refused: list[tuple[int, str]]) -> None:
    """Write line numbers and reasons as CSV; without any, remove what an earlier run left."""
    if not refused:
        path.unlink(missing_ok=True)
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "reason"])
        writer.writerows(refused)


def summarise(staging: Staging, console: Console) -> None:
    """What there is: applications, events by type, the time they span, and why lines cannot be read."""
    totals = staging.totals()
    console.print(
        f"{totals.applications:,} applications, {totals.events:,} events{_span(totals.first_us, totals.last_us)}"
    )
    table = Table("event type", "events", box=None, pad_edge=False)
    for name, count in staging.types():
        table.add_row(name, f"{count:,}")
    console.print(table)
    reasons: dict[str, list[int]] = {}
    for line, reason in staging.refused():
        reasons.setdefault(reason, []).append(line)
    for reason, lines in sorted(reasons.items(), key=lambda item: -len(item[1])):
        console.print(f"cannot be read: {len(lines):,} lines, first line {lines[0]}: {reason}", style="yellow")


def _span(first_us: int | None, last_us: int | None) -> str:
    if first_us is None or last_us is None:
        return ""
    first, last = (_EPOCH + timedelta(microseconds=us) for us in (first_us, last_us))
    return f", {first:%Y-%m-%d} to {last:%Y-%m-%d}"


def _conclude(staging: Staging, refused_file: Path, console: Console) -> None:
    progress, totals, refused = staging.progress(), staging.totals(), len(staging.refused())
    console.print(
        f"Imported: {totals.applications:,} applications, {progress.accepted:,} events"
        + (f", {progress.duplicates:,} known before" if progress.duplicates else "")
    )
    if refused:
        console.print(f"Not imported: {refused:,} lines, see {refused_file}", style="yellow")
