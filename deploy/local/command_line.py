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
from typing import Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from deploy.local.part import NotStarted
from deploy.local.state import DEFAULT_FOLDER, State

SERVICE_COMMANDS = {
    "import": ("services.intake.cli", "import_"),
    "status": ("services.status.cli", "status"),
    "rebuild": ("services.status.cli", "rebuild"),
}


class CommandLine(TyperGroup):
    """The group of all commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Our own commands, then those of the services that are there."""
        return [*super().list_commands(ctx), *(name for name in SERVICE_COMMANDS if _function(name))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command; None when there is none of that name."""
        if cmd_name not in SERVICE_COMMANDS or (function := _function(cmd_name)) is None:
            return super().get_command(ctx, cmd_name)
        join_running_system()
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(cmd_name)(function)
        return typer.main.get_command(single)

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


def _function(name: str) -> Callable[..., None] | None:
    """What a service does at this command, None where that service has no such command."""
    module, function = SERVICE_COMMANDS[name]
    if importlib.util.find_spec(module) is None:
        return None
    found: Callable[..., None] | None = getattr(importlib.import_module(module), function, None)
    return found


def _command_path(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    return str(context.command_path) if context else "jejak"
