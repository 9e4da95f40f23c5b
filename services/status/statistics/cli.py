"""The command `jejak statistics`, which the `jejak` command line registers.

It finds the running system in the environment: JEJAK_DATABASE and JEJAK_KAFKA (of which it asks nothing).
"""

import sys
from datetime import UTC, datetime
from typing import Annotated, Literal, NoReturn, cast

import msgspec
import psycopg
import typer
from pydantic import ValidationError

from services.status.settings import StatusSettings
from services.status.statistics import figures
from services.status.statistics.figures import Document
from services.status.statistics.order import Recount
from services.status.statistics.recount import SELECT_KEPT, recount
from services.status.store.databases import Database, databases_of
from services.status.store.extents import NothingToCount, connect
from services.status.store.shards import parse_shards

SELECT_NEWEST_LOG = "SELECT topic FROM logs WHERE starts_with(topic, %s || '@') ORDER BY log DESC LIMIT 1"


def statistics(
    source: Annotated[str, typer.Option("--from", help="projection or archive.")] = "projection",
    until: Annotated[
        str | None,
        typer.Option("--until", help="The instant to tell them for, with its zone; now where none is given."),
    ] = None,
    *,
    as_published: Annotated[
        bool,
        typer.Option(
            "--as-published", help="From the archive, at the positions and instant of GET /statistics; compare."
        ),
    ] = False,
) -> None:
    """Compute the statistics and print them as JSON; their digest goes to standard error.

    Exit code 1 when --as-published finds something else than what is published.
    """
    if source not in ("projection", "archive"):
        _fail("--from is projection or archive", 2)
    if as_published and until is not None:
        _fail("--as-published brings its own instant: leave out --until", 2)
    try:
        settings = StatusSettings()  # type: ignore[call-arg]  # from the environment
    except ValidationError:
        _fail("JEJAK_DATABASE and JEJAK_KAFKA are not set: start the system (jejak up), or name them", 2)
    instant = _instant(until) if until else datetime.now(UTC).replace(microsecond=0)
    try:
        published = _published(settings) if as_published else None
        order = _order(settings, cast(Literal["projection", "archive"], source), instant, published)
        body = figures.canonical(recount(order))
    except NothingToCount as reason:
        _fail(str(reason), 1)
    except (OSError, psycopg.Error) as error:
        _fail(f"PostgreSQL failed ({type(error).__name__})", 1)
    sys.stdout.buffer.write(body + b"\n")
    sys.stdout.buffer.flush()
    digest = figures.digest(body)
    expected = figures.digest(figures.canonical(published)) if published else ""
    compared = (
        "" if published is None else f" {'identical' if expected == digest else f'different expected={expected}'}"
    )
    typer.echo(f"statistics:{compared} from={order.source} until={order.until.isoformat()} digest={digest}", err=True)
    if published is not None and expected != digest:
        raise SystemExit(1)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        _fail(f"{text!r} is no instant: write it as 2026-03-02T09:00:00+07:00", 2)
    if instant.tzinfo is None:
        _fail(f"{text!r} has no zone: end it with Z or, for instance, +07:00", 2)
    return instant.astimezone(UTC)


def _published(settings: StatusSettings) -> Document:
    with connect(settings.database, settings.schema_name) as connection:
        row = connection.execute(SELECT_KEPT).fetchone()
    if row is None:
        raise NothingToCount("nothing is published yet: the status service computes it within a minute of its start")
    return msgspec.json.decode(row[2], type=Document)


def _order(
    settings: StatusSettings, source: Literal["projection", "archive"], instant: datetime, published: Document | None
) -> Recount:
    return Recount(
        databases=_databases(settings),
        schema=settings.schema_name,
        log=published.log if published else _newest_log(settings),
        source="archive" if published else source,
        until=datetime.fromisoformat(published.until) if published else instant,
        positions=published.positions if published else None,
        catalogue_extra=settings.catalogue_extra,
    )


def _databases(settings: StatusSettings) -> list[Database]:
    shards = parse_shards(settings.shards) if settings.shards else ()
    return databases_of(settings.database, settings.consumer, shards)


def _newest_log(settings: StatusSettings) -> str:
    """The log that the archive's newest records are of; the broker need not be there."""
    with psycopg.connect(
        _databases(settings)[0].dsn, options=f"-c search_path={settings.schema_name},public"
    ) as connection:
        row = connection.execute(SELECT_NEWEST_LOG, (settings.topic,)).fetchone()
    if row is None:
        raise NothingToCount(f"the archive holds nothing of {settings.topic}: no record was taken in yet")
    return str(row[0])


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"jejak: {message}", err=True)
    raise SystemExit(code)
