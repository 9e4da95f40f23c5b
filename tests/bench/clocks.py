"""`rebuild_clocks`: the rebuild of the whole projection, all clocks included, beside that of the plain one.

Both from the same log by worker processes of the same number, in turns, the best of each. What the plain one does without
is in `tests/bench/plain_worker.py`; the waiting ledger and the expected time are computed from the journal when somebody asks.
"""

import asyncio
from collections.abc import Iterator
from typing import Final

from deploy.local.database import temporary_database
from tests.bench.measure import Measure, Result, Surroundings
from tests.bench.rebuilding import events_wanted, log_of, rebuild_into

ROUNDS: Final = 3
AIM: Final = 0.7
WORKERS: Final = ("services.status.rebuilding.bulk", "tests.bench.plain_worker")


def measure_clocks(around: Surroundings) -> Iterator[Result]:
    """Both rebuilds."""
    topic = log_of(around, events_wanted(around))
    rates: dict[str, list[float]] = {worker: [] for worker in WORKERS}
    for _ in range(ROUNDS):
        for worker in WORKERS:
            with temporary_database(around.database) as dsn:
                report = asyncio.run(rebuild_into(dsn, around.kafka, topic, thread=False, worker=worker))
            rates[worker].append(report.events / report.bulk_s)
    whole, plain = (max(rates[worker]) for worker in WORKERS)
    around.say(f"with clocks {whole:,.0f}/s, plain {plain:,.0f}/s; best of {ROUNDS}")
    yield Result("rebuild_clocks", whole / plain, whole, AIM, "events/s")


MEASURES: dict[tuple[str, ...], Measure] = {("rebuild_clocks",): measure_clocks}
