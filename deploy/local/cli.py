"""The `jejak` command."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.local.part import NotStarted
from deploy.local.state import DEFAULT_FOLDER, State
from deploy.local.system import System

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
StateOption = Annotated[Path, typer.Option("--state", help="The state folder.", envvar="JEJAK_STATE")]


@app.callback()
def jejak() -> None:
    """Jejak on one machine."""


@app.command()
def up(
    state: StateOption = Path(DEFAULT_FOLDER),
    infrastructure_only: Annotated[bool, typer.Option("--infrastructure-only")] = False,
) -> None:
    """Start everything and stay until Ctrl-C."""
    console = Console(stderr=True)
    system = System(State(state), [], lambda line: console.print(line, highlight=False))
    try:
        asyncio.run(_stay(system))
    except NotStarted as error:
        print(f"jejak: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


async def _stay(system: System) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    try:
        await system.start()
        await ended.wait()
    finally:
        await system.stop()


if __name__ == "__main__":
    app()
