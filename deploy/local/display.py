"""A running system as a table in the terminal."""

from pathlib import Path
from typing import Any

from rich.table import Table

from deploy.local.state import Run


def table_of(run: Run) -> Table:
    """Parts, whether they are ready, process ids, addresses; below them, where the logs are."""
    logs = Path(next(iter(run.parts.values()))["log"]).parent if run.parts else "-"
    table = Table(box=None, pad_edge=False, caption=f"logs: {logs}/<part>.log", caption_justify="left")
    for heading in ("part", "state", "pid", "address"):
        table.add_column(heading, no_wrap=True)
    for name, part in run.parts.items():
        table.add_row(name, _state(part), str(part["pid"] or "-"), part["address"])
    return table


def _state(part: dict[str, Any]) -> str:
    restarts = f", restarted {part['restarts']}×" if part["restarts"] else ""
    return ("[green]ready[/]" if part["ready"] else "[yellow]starting[/]") + restarts
