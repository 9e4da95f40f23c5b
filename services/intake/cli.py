"""Commands of intake for the `jejak` command."""

import os
import sys
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

FileArgument = Annotated[Path, typer.Argument(help="The export: CSV or XES, also gzipped.", show_default=False)]
MappingOption = Annotated[
    Path, typer.Option("--mapping", help="What its columns mean (docs/import.md).", show_default=False)
]


def import_(
    file: FileArgument,
    mapping: MappingOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read all, send nothing, say what would be sent.")] = False,
    refused: Annotated[
        Path | None, typer.Option(help="Where lines go that cannot be imported. Default: FILE.refused.csv, here.")
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=1000, help="Events in one request.")] = 1000,
) -> None:
    """Bring the history of an older system onto the event log, with its own times, through admission.

    Run the same command again after an interruption: it goes on without loss or doubles. Exit code 0: everything was
    imported; 1: some lines were not; 2: the file, the mapping or the system cannot be used, nothing more was sent.
    """
    from services.intake.history import command  # noqa: PLC0415 - the other commands need none of this
    from services.intake.history.mapping import MappingError  # noqa: PLC0415
    from services.intake.history.reading import DamagedFile  # noqa: PLC0415
    from services.intake.history.sending import ImportStopped  # noqa: PLC0415

    office = os.environ.get("JEJAK_OFFICE", "lebong")
    console = Console()
    try:
        if dry_run:
            left = command.dry_run(file, mapping, office=office, number_key=bytes(32), console=console)
        else:
            left = command.import_history(
                file,
                mapping,
                office=office,
                number_key=_needed("JEJAK_NUMBER_KEY").encode(),
                client=httpx.AsyncClient(
                    base_url=_needed("JEJAK_INTAKE_URL"),
                    headers={"Authorization": f"Bearer {_needed('JEJAK_TOKEN_SYSTEM')}"},
                    timeout=30.0,
                ),
                folder=Path(os.environ.get("JEJAK_STATE", ".jejak")) / "imports",
                refused_file=refused or Path(f"{file.name}.refused.csv"),
                batch_size=batch,
                console=console,
            )
    except (MappingError, DamagedFile, ImportStopped) as error:
        print(f"jejak import: {error}", file=sys.stderr)  # noqa: T201
        raise typer.Exit(2) from None
    raise typer.Exit(1 if left else 0)


def _needed(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        print(f"jejak import: no system is running here ({name} is not set): start it with `jejak up`", file=sys.stderr)  # noqa: T201
        raise typer.Exit(2)
    return value
