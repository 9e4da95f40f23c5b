"""The commands `jejak status NUMBER` and `jejak difference NUMBER`, which the `jejak` command line registers.

They find the running system in the environment: JEJAK_STATUS_URL.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, NoReturn
from zoneinfo import ZoneInfo

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contracts import catalogue

_PAGE = 200

_Number = Annotated[str, typer.Argument(help="The tracking number, in any spelling.")]
_Language = Annotated[str, typer.Option(help="id or en.")]


def status(
    number: _Number,
    language: _Language = "id",
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="As it was on record then: an instant with its zone, or a day.")
    ] = None,
    valid_at: Annotated[
        str | None, typer.Option("--valid-at", help="As it stood then, by all that is on record now (or at --as-of).")
    ] = None,
) -> None:
    """Show where an application stands, or stood, and its timeline."""
    instants = {name: text for name, text in (("as_of", as_of), ("valid_at", valid_at)) if text is not None}
    with _service(language) as client:
        told = _get(client, f"/applications/{number}", **instants).json()
        shown = told["status"] if instants else told
        entries = _timeline(client, shown["links"]["timeline"]) if shown else []
        expected = _expected(client, shown, language) if shown and not instants else ""
    console = Console()
    if instants:
        console.print(told["instants"]["text"][language], highlight=False, markup=False)
    if shown:
        _show(console, shown, entries, language, expected)
    else:
        console.print(told["text"][language], highlight=False, markup=False)


def difference(
    number: _Number,
    begin: Annotated[str, typer.Option("--from", help="An instant with its zone, or a day.")],
    to: Annotated[str, typer.Option("--to", help="An instant with its zone, or a day; not before --from.")],
    by: Annotated[str, typer.Option(help="recorded: what was on record. valid: what was true.")] = "recorded",
    language: _Language = "id",
) -> None:
    """Show what happened to an application between two instants, and what that changed."""
    if by not in ("recorded", "valid"):
        _fail("--by is recorded or valid", 2)
    with _service(language) as client:
        told = _get(client, f"/applications/{number}/difference", **{"from": begin, "to": to, "by": by}).json()
    console = Console()
    console.print(told["text"][language], highlight=False, markup=False)
    if told["events"]:
        console.print(_table(told["events"], _zone(told["office"]), language))
    nothing = "(tidak ada)" if language == "id" else "(none)"
    for change in told["changes"]:
        before, after = (change[side][language] if change[side] else nothing for side in ("before", "after"))
        console.print(f"[bold]{escape(change['name'][language])}[/bold]", highlight=False)
        console.print(f"  - {before}\n  + {after}", highlight=False, markup=False)
    if not told["changes"]:
        console.print("Tidak ada yang berubah." if language == "id" else "Nothing changed.", highlight=False)


@contextmanager
def _service(language: str) -> Iterator[httpx.Client]:
    """The status service, for one command."""
    if language not in ("id", "en"):
        _fail("the language is id or en", 2)
    url = os.environ.get("JEJAK_STATUS_URL", "")
    if not url:
        _fail("JEJAK_STATUS_URL is not set: start the system (jejak up), or name the address of the status service", 2)
    try:
        with httpx.Client(base_url=url, timeout=10.0) as client:
            yield client
    except httpx.HTTPError as error:
        _fail(f"the status service at {url} does not answer ({type(error).__name__}): is the system up?", 1)


def _get(client: httpx.Client, path: str, **parameters: str) -> httpx.Response:
    answer = client.get(path, params=parameters or None)
    if not answer.is_success:
        problem = answer.json()
        _fail(problem.get("detail") or problem.get("title", "the status service refused"), 1)
    return answer


def _timeline(client: httpx.Client, path: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    following: str | None = f"{path}{'&' if '?' in path else '?'}limit={_PAGE}"
    while following:
        page = _get(client, following)
        entries += page.json()["entries"]
        following = page.links.get("next", {}).get("url")
    return entries


def _expected(client: httpx.Client, shown: dict[str, Any], language: str) -> str:
    """What is to be expected, in words; nothing at the end, and while a service that has just started cannot say."""
    if shown["waiting"]["party"] == "nobody":
        return ""
    answer = client.get(shown["links"]["expected"])
    return str(answer.json()["text"][language]) if answer.is_success else ""


def _show(
    console: Console, shown: dict[str, Any], entries: list[dict[str, Any]], language: str, expected: str = ""
) -> None:
    console.print(f"[bold]{escape(shown['service']['labels'][language])}[/bold]  {shown['number']}", highlight=False)
    for key in ("headline", "next"):
        console.print(shown[key][language], highlight=False, markup=False)
    console.print(shown["waiting"]["text"][language], highlight=False, markup=False)
    console.print(f"→ {shown['todo']['text'][language]}", highlight=False, markup=False)
    for clock in shown["clocks"]:
        promise = f"{clock['promise'][language]} ({clock['legal_basis']})."
        console.print(f"{promise} {clock['text'][language]}", highlight=False, markup=False)
    if shown["waited"]:
        sums = " · ".join(party["text"][language] for party in shown["waited"])
        console.print(f"{'Waktu' if language == 'id' else 'Time'}: {sums}", highlight=False, markup=False)
    if expected:
        console.print(expected, highlight=False, markup=False)
    console.print(_table(entries, _zone(shown["office"]["code"]), language))


def _table(entries: list[dict[str, Any]], zone: ZoneInfo, language: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("", "Waktu" if language == "id" else "Time", "", "Oleh" if language == "id" else "By"):
        table.add_column(title)
    for entry in entries:
        by = [entry["by"]["role_labels"][language], entry["by"].get("desk")]
        table.add_row(
            str(entry["n"]),
            _local(entry["occurred_at"], zone),
            _said(entry, language),
            ", ".join(filter(None, by)),
            style="dim" if entry["corrected_by"] else None,
        )
    return table


def _said(entry: dict[str, Any], language: str) -> str:
    """What happened, what became of it, and what surprised."""
    text = f"[bold]{escape(entry['title'][language])}[/bold]  {escape(entry['text'][language])}"
    counts = [entry["corrects"]] if entry["corrects"] and not entry["deviations"] else []
    for of in [*counts, *filter(None, [entry["corrected_by"]])]:
        text += f"\n↳ {escape(of['text'][language])}"
    for deviation in entry["deviations"]:
        text += f"\n[yellow]! {escape(deviation['text'][language])}[/yellow]"
    return text


def _zone(office: str) -> ZoneInfo:
    """The zone of the office whose application this is, as in the sentences beside the times."""
    offices = catalogue.load(extra=catalogue.additions(os.environ.get("JEJAK_CATALOGUE_EXTRA", ""))).offices
    return ZoneInfo(offices[office].time_zone if office in offices else "UTC")


def _local(instant: str, zone: ZoneInfo) -> str:
    return datetime.fromisoformat(instant).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"jejak: {message}", err=True)
    raise SystemExit(code)
