"""The command `jejak generations`: what the projection has side by side, and the word of an operator on it.

It finds the database in the environment: JEJAK_DATABASE and JEJAK_KAFKA, as `jejak rebuild` does.
"""

import asyncio
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, NoReturn

import asyncpg
import msgspec
import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from contracts import catalogue
from runtime.database import Connection
from runtime.kafka import topic_generation
from services.status.folding.definitions import definitions_of
from services.status.projections import Projector
from services.status.rebuilding.rebuild import LOCK
from services.status.settings import StatusSettings
from services.status.store import generations as kept
from services.status.store.following import Following
from services.status.store.upkeep import revive

LIST: Final = """
SELECT generation, state, version, source, coalesce(left(digest, 12), '') AS digest, live_since, created_at,
    (SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint FROM pg_inherits
     WHERE inhparent IN (to_regclass(format('g%s_timeline', generation)), to_regclass(format('g%s_application', generation))))
    AS size_bytes
FROM generations ORDER BY generation
"""
STATE: Final = "SELECT state FROM generations WHERE generation = $1"
RETIRED: Final = "SELECT generation FROM generations WHERE state = 'retired' ORDER BY generation"


class Action(StrEnum):
    """What is to be done."""

    SHOW = "list"
    CONFIRM = "confirm"
    REVERT = "revert"
    DROP = "drop"


class NotDone(Exception):
    """It cannot be done; the message says why and what to do."""


class Shown(msgspec.Struct, frozen=True):
    """One generation as it is listed. `digest`: the beginning of it, of those that were built by a rebuild."""

    generation: int
    state: str
    version: str
    source: str
    digest: str
    live_since: datetime | None
    created_at: datetime
    size_bytes: int


def generations(
    action: Annotated[
        Action, typer.Argument(help="confirm drops what is retired; revert goes back to it.")
    ] = Action.SHOW,
    number: Annotated[int, typer.Argument(help="Of the generation to drop.", min=0)] = 0,
    *,
    json: Annotated[bool, typer.Option("--json", help="List as JSON.")] = False,
) -> None:
    """List the projection's generations; confirm the live one, go back to the one before it, or drop one."""
    if (action is Action.DROP) != bool(number):
        _fail("drop wants the number of a generation, and nothing else does", 2)
    try:
        settings = StatusSettings()  # type: ignore[call-arg]  # from the environment
    except ValidationError:
        _fail("JEJAK_DATABASE and JEJAK_KAFKA are not set: start the system (jejak up), or name them", 2)
    try:
        asyncio.run(_act(settings, action, number, json=json))
    except NotDone as error:
        _fail(str(error), 1)
    except (OSError, asyncpg.PostgresError) as error:
        _fail(f"PostgreSQL failed ({type(error).__name__}): {error}", 1)


async def _act(settings: StatusSettings, action: Action, number: int, *, json: bool) -> None:
    connection = await asyncpg.connect(
        settings.database, server_settings={"search_path": f"{settings.schema_name},public"}, timeout=10.0
    )
    try:
        if action is Action.SHOW:
            _show(await listed(connection), json=json)
            return
        if not await connection.fetchval(LOCK):
            raise NotDone("a rebuild is under way: wait for it, or end its process")
        if action is Action.CONFIRM:
            dropped = await confirm(connection)
            typer.echo(f"generations: confirmed, dropped={','.join(map(str, dropped)) or '-'}")
        elif action is Action.DROP:
            await drop(connection, number)
            typer.echo(f"generations: dropped={number}")
        else:
            before, live = await revert(connection, settings)
            typer.echo(f"generations: reverted from={before} to={live}")
    finally:
        await connection.close()


async def listed(connection: Connection) -> list[Shown]:
    """All generations, in the order in which they were begun."""
    return [Shown(**dict(row)) for row in await connection.fetch(LIST)]


async def confirm(connection: Connection) -> list[int]:
    """Drop whatever is retired; which those were."""
    dropped = [int(row["generation"]) for row in await connection.fetch(RETIRED)]
    for generation in dropped:
        await kept.drop(connection, generation)
    return dropped


async def drop(connection: Connection, generation: int) -> None:
    """Drop one that is not live. Raises `NotDone`."""
    state = await connection.fetchval(STATE, generation)
    if state is None:
        raise NotDone(f"there is no generation {generation}: see jejak generations")
    if state == "live":
        raise NotDone(f"generation {generation} is live: readers use it. Rebuild, or revert, and drop it then")
    await kept.drop(connection, generation)


async def revert(connection: Connection, settings: StatusSettings) -> tuple[int, int]:
    """Make the generation live again that was retired last; the one that was live until then, and that one.

    It is brought up to date from the archive first, beside the live one; then readers see it at once. Within this
    release's version: to go back to another version, start that release. Raises `NotDone`.
    """
    definitions = definitions_of(catalogue.load(extra=catalogue.additions(settings.catalogue_extra)))
    version = definitions.version
    live = await kept.live_generation(connection, version)
    retired = await kept.retired_generation(connection, version)
    if live is None or retired is None:
        raise NotDone(f"no retired generation of version {version} is kept: there is nothing to go back to")
    log_generation = settings.log_generation or await topic_generation(settings.kafka, settings.topic)

    async def log() -> str:
        return f"{settings.topic}@{log_generation}"

    await revive(connection, Following(Projector(definitions), settings.consumer, log), retired)
    return live.id, retired.id


def _show(found: list[Shown], *, json: bool) -> None:
    if json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "state", "version", "from", "digest", "size", "live since"):
        table.add_column(title)
    for one in found:
        since: Any = one.live_since.isoformat(timespec="seconds") if one.live_since else "-"
        size = f"{one.size_bytes / 1e6:,.1f} MB"
        table.add_row(str(one.generation), one.state, one.version, one.source, one.digest or "-", size, since)
    Console(soft_wrap=True).print(table)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"jejak: {message}", err=True)
    raise SystemExit(code)
