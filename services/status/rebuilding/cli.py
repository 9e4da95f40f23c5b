"""The command `jejak rebuild`, which the `jejak` command line registers (look-ups: `services/status/answering/cli.py`).

It finds the running system in the environment: JEJAK_DATABASE and JEJAK_KAFKA.
"""

import asyncio
import time
from typing import Annotated, Any, NoReturn

import asyncpg
import psycopg
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from contracts import catalogue
from runtime.kafka import topic_generation
from services.status.folding import compiled
from services.status.folding.definitions import definitions_of
from services.status.rebuilding.options import Options, RebuildRefused
from services.status.rebuilding.rebuild import RebuildDiffers, Report
from services.status.rebuilding.rebuild import rebuild as run_rebuild
from services.status.rebuilding.sources import SourceFailed
from services.status.rebuilding.workers import WorkerFailed, default_workers
from services.status.settings import StatusSettings


def rebuild(
    source: Annotated[str, typer.Option("--from", help="kafka or archive.")] = "kafka",
    workers: Annotated[int, typer.Option(help="Processes; 0 for as many as there are processors.", min=0)] = 0,
    *,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Drop the old generation at once (else: jejak generations confirm).")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep a new generation that differs, to look at it.")] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="Empty the projection first: readers find nothing meanwhile.")
    ] = False,
    anew: Annotated[bool, typer.Option("--anew", help="Do not take up a rebuild that was not finished.")] = False,
) -> None:
    """Rebuild the projection beside the live one, compare their digests, and switch.

    Exit code 1 when they differ: the live one stays then.
    """
    if source not in ("kafka", "archive"):
        _fail("--from is kafka or archive", 2)
    try:
        settings = StatusSettings()  # type: ignore[call-arg]  # from the environment
    except ValidationError:
        _fail("JEJAK_DATABASE and JEJAK_KAFKA are not set: start the system (jejak up), or name them", 2)
    try:
        report = asyncio.run(
            _rebuild(settings, source, workers or default_workers(), confirm=confirm, keep=keep, drop=drop, anew=anew)
        )
    except RebuildDiffers as differs:
        typer.echo(
            f"rebuild: different expected={differs.expected} found={differs.found} first={differs.number or '-'}"
        )
        _fail(f"{differs}; the live projection stays as it is", 1)
    except (RebuildRefused, SourceFailed, WorkerFailed) as error:
        _fail(str(error), 1)
    except ExceptionGroup as group:
        _fail("; ".join(str(error) for error in group.exceptions) + " (run it again: it goes on where it stopped)", 1)
    except (OSError, asyncpg.PostgresError, psycopg.Error) as error:
        _fail(f"PostgreSQL failed ({type(error).__name__}); run it again: it goes on where it stopped", 1)
    _conclude(report)


async def _rebuild(
    settings: StatusSettings, source: Any, workers: int, *, confirm: bool, keep: bool, drop: bool, anew: bool
) -> Report:
    words = catalogue.load(extra=catalogue.additions(settings.catalogue_extra))
    log_generation = settings.log_generation or await topic_generation(settings.kafka, settings.topic)
    options = Options(
        dsn=settings.database,
        schema=settings.schema_name,
        source=source,
        topic=settings.topic,
        log_generation=log_generation,
        bootstrap=settings.kafka,
        consumer=settings.consumer,
        partitions=settings.own_partitions,
        workers=workers,
        thread=True,
        confirm=confirm,
        keep=keep,
        drop_first=drop,
        begin_anew=anew,
    )
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("plan", total=None, rate="")
        began: list[float] = []

        def tell(report: Report) -> None:
            if report.phase == "build" and not began:
                began.append(time.monotonic())
            elapsed_s = time.monotonic() - began[0] if began else 0.0
            rate = f"{report.records / elapsed_s:,.0f}/s" if elapsed_s > 0.2 else ""
            progress.update(
                task, description=report.phase, completed=report.records, total=report.of_records or None, rate=rate
            )

        return await run_rebuild(options, definitions_of(words), tell)


def _conclude(report: Report) -> None:
    rate = report.records / report.bulk_s if report.bulk_s else 0.0
    console = Console(stderr=True)
    if report.resumed_partitions:
        console.print(f"taken up again: {report.resumed_partitions} partitions were done already", highlight=False)
    if report.unreadable:
        console.print(f"{report.unreadable} records cannot be read and are on no timeline", highlight=False)
    if not compiled.is_at_hand():
        console.print(
            "the compiled fold is not at hand (docs/generations.md): with it this takes half the time", highlight=False
        )
    if report.kept is not None:
        console.print(
            f"generation {report.kept} is kept: jejak generations confirm drops it, revert goes back to it",
            highlight=False,
        )
    compared = "identical" if report.expected_digest else "first"
    typer.echo(
        f"rebuild: {compared} applications={report.applications} events={report.events} seconds={report.bulk_s:.2f} "
        f"rate={rate:.0f}/s digest={report.digest}"
    )


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"jejak: {message}", err=True)
    raise SystemExit(code)
