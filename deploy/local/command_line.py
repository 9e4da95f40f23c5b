"""How the `jejak` command behaves whatever it is asked: one line and an exit code for every wrong use, never a traceback.

Commands of services are plain functions in `services/<name>/cli.py`, imported when they are asked for: `jejak up` starts
without them. Beside a running system they find its addresses and tokens in the
environment, as a COMMAND of `jejak exec` does.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from deploy.local.part import NotStarted
from deploy.local.state import DEFAULT_FOLDER, State


class ServiceCommand(NamedTuple):
    """Where a service's command is, and what the overview of commands says of it without importing it."""

    module: str
    function: str
    summary: str


SERVICE_COMMANDS = {
    "import": ServiceCommand("services.intake.cli", "import_", "Bring the history of an older system onto the log."),
    "status": ServiceCommand("services.status.answering.cli", "status", "Show the timeline of an application."),
    "difference": ServiceCommand(
        "services.status.answering.cli", "difference", "Show what changed between two instants."
    ),
    "expected": ServiceCommand("services.status.expected.cli", "expected", "Show how long each service takes."),
    "statistics": ServiceCommand(
        "services.status.statistics.cli", "statistics", "Compute the statistics from the projection or the archive."
    ),
    "generations": ServiceCommand(
        "services.status.store.cli", "generations", "List, confirm, revert, drop rebuilt timelines."
    ),
    "rebuild": ServiceCommand(
        "services.status.rebuilding.cli", "rebuild", "Build the timelines anew from Kafka or the archive."
    ),
}


class CommandLine(TyperGroup):
    """The group of all commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Our own commands, then those of the services that are there."""
        return [*super().list_commands(ctx), *(name for name in SERVICE_COMMANDS if _exists(name))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command as the overview shows it; None when there is none of that name."""
        if not _exists(cmd_name):
            return super().get_command(ctx, cmd_name)
        return _as_command(cmd_name, lambda: None, help=SERVICE_COMMANDS[cmd_name].summary)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command to run, for which a service is imported."""
        name = args[0]
        if not _exists(name):
            return super().resolve_command(ctx, args)
        join_running_system()
        command = SERVICE_COMMANDS[name]
        function = getattr(importlib.import_module(command.module), command.function)
        return name, _as_command(name, function), args[1:]

    def main(self, *args: Any, **options: Any) -> Any:
        """Run a command line and leave with its exit code."""
        if not options.setdefault("standalone_mode", True):
            return super().main(*args, **options)
        try:
            code = super().main(*args, **options | {"standalone_mode": False})
        except TyperException as error:
            fail(f"{error.format_message()} (see: {_command_path(error)} --help)".replace("\n", " "), error.exit_code)
        except NotStarted as error:
            fail(str(error), 1)
        sys.exit(code if isinstance(code, int) else 0)


def fail(message: str, code: int) -> None:
    """Say it in one line and leave."""
    print(f"jejak: {message}", file=sys.stderr)
    sys.exit(code)


def join_running_system() -> None:
    """Put what a running system tells its commands into the environment; what is set already stays."""
    state = State(Path(os.environ.get("JEJAK_STATE", DEFAULT_FOLDER)))
    if state.is_running():
        for name, value in state.read_run().environment.items():
            os.environ.setdefault(name, value)


def _exists(name: str) -> bool:
    command = SERVICE_COMMANDS.get(name)
    return command is not None and importlib.util.find_spec(command.module) is not None


def _as_command(name: str, function: Callable[..., None], **options: Any) -> Any:
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name, **options)(function)
    return typer.main.get_command(single)


def _command_path(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    return str(context.command_path) if context else "jejak"
