"""A running system as a table in the terminal."""

from typing import Any

from rich.table import Table

from deploy.local.state import Run


def table_of(run: Run) -> Table:
    """Parts, whether they are ready, process ids, addresses and logs."""
    table = Table(box=None, pad_edge=False)
    for heading in ("part", "state", "pid", "address", "log"):
        table.add_column(heading, overflow="fold")
    for name, part in run.parts.items():
        table.add_row(name, _state(part), str(part["pid"] or "-"), part["address"], part["log"])
    return table


def _state(part: dict[str, Any]) -> str:
    restarts = f", restarted {part['restarts']}×" if part["restarts"] else ""
    return ("[green]ready[/]" if part["ready"] else "[yellow]starting[/]") + restarts
