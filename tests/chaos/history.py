"""Exports of an older system, made up: in the columns of `examples/permit-receipts`, for as many applications as wanted."""

import csv
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

COLUMNS = (
    "case:channel", "case:concept:name", "case:deadline", "case:department", "case:enddate", "case:enddate_planned",
    "case:group", "case:responsible", "case:startdate", "concept:instance", "concept:name", "lifecycle:transition",
    "org:group", "org:resource", "time:timestamp",
)  # fmt: skip
BEGINS = "Confirmation of receipt"
STAGES = (
    "T02 Check confirmation of receipt",
    "T04 Determine confirmation of receipt",
    "T05 Print and send confirmation of receipt",
    "T06 Determine necessity of stop advice",
    "T10 Determine necessity to stop indication",
)


def write_export(path: Path, *, applications: int, name: str, seed: int = 1) -> int:
    """Write a CSV of applications called `name-0`, `name-1`, …; lines are not in order of time. The number of its events."""
    chance = random.Random(seed)
    lines = []
    for index in range(applications):
        at = datetime(2011, 1, 3, 8, tzinfo=UTC) + timedelta(hours=chance.randrange(5000))
        for step, activity in enumerate((BEGINS, *STAGES[: chance.randint(2, len(STAGES))])):
            at += timedelta(minutes=chance.randrange(1, 4000))
            lines.append(_line(f"{name}-{index}", f"{name}-{index}-{step}", activity, at, chance.randint(1, 4)))
    chance.shuffle(lines)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(lines)
    return len(lines)


def _line(application: str, event: str, activity: str, at: datetime, group: int) -> dict[str, str]:
    said = {
        "case:channel": "Internet",
        "case:concept:name": application,
        "concept:instance": event,
        "concept:name": activity,
        "lifecycle:transition": "complete",
        "org:group": f"Group {group}",
        "time:timestamp": f"{at:%Y-%m-%d %H:%M:%S.000000}+00:00",
    }
    return dict.fromkeys(COLUMNS, "") | said
