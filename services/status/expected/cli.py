"""The command `jejak expected`, which the `jejak` command line registers. It draws the model anew from the projection.

It finds the running system in the environment: JEJAK_DATABASE and JEJAK_KAFKA.
"""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, NoReturn

import asyncpg
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contracts import catalogue
from runtime.database import open_pool
from services.status.answering.views import Presenter
from services.status.answering.words import Text
from services.status.expected.expecting import draw
from services.status.expected.views import (
    CoverageView,
    ExpectedTable,
    Foreteller,
    ServiceExpectation,
    StageExpectation,
    span,
)
from services.status.folding.procedure import procedures_of
from services.status.settings import StatusSettings, drawing_of
from services.status.store import generations

_TITLES = {
    "id": ("Layanan, tahap", "50 %", "80 %", "Selesai", "Terbuka"),
    "en": ("Service, stage", "50 %", "80 %", "Finished", "Open"),
}
_TESTED = {
    "id": ("Diuji", "dalam 50 %", "dalam 80 %", "lebih cepat", "lebih lambat"),
    "en": ("Tested", "within 50 %", "within 80 %", "earlier", "later"),
}


def expected(
    service: Annotated[str, typer.Option(help="This service only, by its code.")] = "",
    language: Annotated[str, typer.Option(help="id or en.")] = "id",
    *,
    backtest: Annotated[
        bool, typer.Option("--backtest", help="Also foretell finished applications anew, and say how often it held.")
    ] = False,
) -> None:
    """Show how long each service takes, by stage, from the finished and the open applications of the projection."""
    if language not in _TITLES:
        _fail("the language is id or en", 2)
    try:
        settings = StatusSettings()  # type: ignore[call-arg]  # from the environment
    except ValidationError:
        _fail("JEJAK_DATABASE and JEJAK_KAFKA are not set: start the system (jejak up), or name them", 2)
    words = catalogue.load(extra=catalogue.additions(settings.catalogue_extra))
    if service and service not in words.services:
        _fail(f"there is no service {service}: {', '.join(sorted(words.services))}", 2)
    try:
        table = asyncio.run(_table(settings, words, service, backtest=backtest))
    except asyncpg.UndefinedTableError:
        _fail("the projection is not there yet: start the status service once (jejak up)", 1)
    except (OSError, asyncpg.PostgresError) as error:
        _fail(f"PostgreSQL failed ({type(error).__name__}): is the system up?", 1)
    _show(table, language, backtest=backtest)


async def _table(
    settings: StatusSettings, words: catalogue.Catalogue, service: str, *, backtest: bool
) -> ExpectedTable:
    procedures = procedures_of(words.services)
    wanted = {service: procedures[service]} if service else procedures
    drawing = drawing_of(settings) if backtest else replace(drawing_of(settings), tests=0)
    views = generations.views_of(settings.schema_name, generations.version_of(words))
    pool = await open_pool(settings.database, schema=settings.schema_name, before=views, max_size=1)
    try:
        model = await draw(pool, wanted, drawing, datetime.now(UTC), pause=_at_once)
    finally:
        await pool.close()
    return Foreteller(Presenter(words, procedures), procedures, drawing).table(model)


async def _at_once() -> None:
    """Nothing else has to be done meanwhile."""


def _show(table: ExpectedTable, language: str, *, backtest: bool) -> None:
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for title in _TITLES[language]:
        shown.add_column(title)
    for service in table.services:
        shown.add_row(f"[bold]{escape(getattr(service.service.labels, language))}[/bold]", *_figures(service, language))
        for stage in service.stages:
            shown.add_row(f"  {escape(getattr(stage.stage.labels, language))}", *_figures(stage, language))
    console = Console()
    console.print(shown)
    if backtest:
        tested = Table(box=None, pad_edge=False, header_style="bold")
        for title in ("", *_TESTED[language]):
            tested.add_column(title)
        for service in table.services:
            for moment, coverage in (("0", service.tests.at_submission), ("½", service.tests.half_way)):
                tested.add_row(f"{escape(service.service.code)} {moment}", *_coverage(coverage))
        console.print(tested)


def _figures(of: ServiceExpectation | StageExpectation, language: str) -> tuple[str, ...]:
    ranges = [
        f"{_said(found.from_s, language, upwards=False)} – {_said(found.to_s, language, upwards=True)}"
        if found
        else "–"
        for found in (of.half, of.most)
    ]
    return (*ranges, _count(of.finished), _count(of.open))


def _said(seconds: int, language: str, *, upwards: bool) -> str:
    text: Text = span(seconds * 1_000_000, upwards=upwards)
    return str(getattr(text, language))


def _count(count: int | None) -> str:
    return "< 5" if count is None else str(count)


def _coverage(found: CoverageView) -> tuple[str, ...]:
    shares = (found.within_50, found.within_80, found.earlier, found.later)
    return (str(found.predictions), *("–" if share is None else f"{share:.1%}" for share in shares))


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"jejak: {message}", err=True)
    raise SystemExit(code)
