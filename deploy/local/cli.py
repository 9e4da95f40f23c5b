"""The `jejak` command: `up`, `exec`, `ps`, `token`, and what services add (see `command_line`)."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.command_line import CommandLine, fail
from deploy.local.state import DEFAULT_FOLDER, State
from deploy.local.wanted import PARTS, Wanted

app = typer.Typer(cls=CommandLine, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

StateFolder = Annotated[Path, typer.Option("--state", help="The state folder.", envvar="JEJAK_STATE")]
Services = Annotated[str, typer.Option("--services", help="Start these only, e.g. intake,status.")]
InfrastructureOnly = Annotated[bool, typer.Option("--infrastructure-only", help="Start Kafka and PostgreSQL only.")]


@app.callback()
def jejak() -> None:
    """Jejak on one machine: its services and portal with Kafka, PostgreSQL, a mail sink and a provider of identities."""


@app.command()
def up(
    state: StateFolder = Path(DEFAULT_FOLDER),
    services: Services = "",
    infrastructure_only: InfrastructureOnly = False,
    temporary: Annotated[bool, typer.Option("--temporary", help="Remove the state folder at the end.")] = False,
) -> None:
    """Start everything and stay until Ctrl-C."""
    from deploy.local.running import stay

    wanted = _wanted(services, infrastructure_only, fresh=False)
    raise typer.Exit(asyncio.run(stay(State(state), wanted, temporary=temporary)))


@app.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def execute(
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND …")],
    *,
    fresh: Annotated[bool, typer.Option("--fresh", help="On a temporary state, removed afterwards.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="With --fresh: keep the temporary state.")] = False,
    state: StateFolder = Path(DEFAULT_FOLDER),
    services: Services = "",
    infrastructure_only: InfrastructureOnly = False,
) -> None:
    """Start everything, run COMMAND with addresses and tokens in its environment, stop, exit with its code.

    Uses what runs already on the state, if anything does.
    """
    from deploy.local.running import run_command

    wanted = _wanted(services, infrastructure_only, fresh=fresh)
    raise typer.Exit(asyncio.run(run_command(command, None if fresh else State(state), wanted, keep=keep)))


@app.command()
def token(
    role: str,
    subject: Annotated[str, typer.Option(help="Who it is for; the role's name where not given.")] = "",
    office: Annotated[str, typer.Option(help="The office's code.")] = "lebong",
    desk: Annotated[str, typer.Option(help="The desk, for officers.")] = "",
    state: StateFolder = Path(DEFAULT_FOLDER),
) -> None:
    """Print a bearer token for ROLE: officer, supervisor, auditor, operator or system."""
    from deploy.local.issuer import ROLES, Issuer

    if role not in ROLES:
        fail(f"there is no role {role}: name one of {', '.join(ROLES)}", 2)
    key_file = State(state).path("keys") / "issuer.pem"
    if not key_file.exists():
        fail(f"{state} holds no keys: start the system once (jejak up), or name its state by --state", 1)
    print(Issuer(key_file).token(role, subject=subject, office=office, desk=desk or None))


@app.command()
def ps(state: StateFolder = Path(DEFAULT_FOLDER)) -> None:
    """Show what runs: parts, process ids, addresses, logs."""
    from rich.console import Console

    from deploy.local.display import table_of

    folder = State(state)
    if not folder.is_running():
        fail(f"nothing runs on {state}", 1)
    Console(soft_wrap=True).print(table_of(folder.read_run()))


def _wanted(services: str, infrastructure_only: bool, *, fresh: bool) -> Wanted:
    names = tuple(name.strip() for name in services.split(",") if name.strip()) or PARTS
    if unknown := [name for name in names if name not in PARTS]:
        fail(f"there is no service {', '.join(unknown)}: name some of {','.join(PARTS)}", 2)
    return Wanted(services=() if infrastructure_only else names, support=not infrastructure_only, fresh=fresh)


if __name__ == "__main__":
    app()
