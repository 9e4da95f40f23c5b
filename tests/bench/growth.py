"""`rebuild_growth`: what an event costs a rebuild at 10^6 events (SIZE=large: 10^7), beside itself at 10^5;
`rebuild_memory`: the most memory that a worker process has held at any of them, in MiB.

Every worker is a process here, so that each one's memory is its own. Their start, measured on a log of a dozen events,
is taken off: it would make the smallest log look dear, and growth free. Smaller ratios are better.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from deploy.local.database import temporary_database
from services.status.rebuilding.workers import default_workers
from tests.bench.measure import Measure, Result, Surroundings
from tests.bench.rebuilding import log_of, rebuild_into

NOTHING: Final = 12
SMALLEST: Final = 100_000
SIZES: Final = {"normal": (SMALLEST, 1_000_000), "large": (SMALLEST, 1_000_000, 10_000_000)}
ROUNDS: Final = 3
"""Of the small logs; the others are long enough to be measured once."""
AIM: Final = 1.2
AIM_MB: Final = 250.0


@dataclass(frozen=True)
class Rebuilt:
    """One rebuild."""

    seconds: float
    peak_mb: float


def measure_growth(around: Surroundings) -> Iterator[Result]:
    """Cost and memory at each size."""
    start = _best(around, NOTHING)
    cost_us: dict[int, float] = {}
    peak_mb = 0.0
    for events in SIZES[around.size]:
        rebuilt = _best(around, events)
        cost_us[events] = (rebuilt.seconds - start.seconds) / events * 1e6
        peak_mb = max(peak_mb, rebuilt.peak_mb)
        around.say(
            f"{events:>10,} events: {rebuilt.seconds:.2f} s with {default_workers()} processes, {start.seconds:.2f} s of it "
            f"their start; {cost_us[events]:.2f} µs an event, {rebuilt.peak_mb:.0f} MiB"
        )
    largest = max(cost_us)
    yield Result(
        "rebuild_growth", cost_us[largest] / cost_us[SMALLEST], cost_us[largest], AIM, "µs/event", better="lower"
    )
    yield Result("rebuild_memory", peak_mb / AIM_MB, peak_mb, 1.0, "MiB", better="lower")


def _best(around: Surroundings, events: int) -> Rebuilt:
    topic = log_of(around, events)
    rounds = []
    for _ in range(ROUNDS if events <= SMALLEST else 1):
        with temporary_database(around.database) as dsn:
            report = asyncio.run(rebuild_into(dsn, around.kafka, topic, thread=False))
        if report.events != events:
            raise RuntimeError(f"{report.events} of {events} events were rebuilt")
        rounds.append(Rebuilt(report.bulk_s, report.peak_mb))
    return min(rounds, key=lambda rebuilt: rebuilt.seconds)


MEASURES: dict[tuple[str, ...], Measure] = {("rebuild_growth", "rebuild_memory"): measure_growth}
