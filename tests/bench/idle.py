"""What five services that have nothing to do take, and how long everything takes to come up.

A system of its own is started as `jejak up` starts one, on an empty state: PostgreSQL's cluster, Kafka's log, schemas and
keys are made anew; what is downloaded once (Kafka's jars) is there already. Timed is from the start of the command to its
run file saying that every part is ready. Memory is read half a minute later, from the kernel.

The sum of resident pages counts those that processes share (the same libraries, mapped by each) once for each process; the
sum of proportional shares, which is told beside it, counts every page once.
"""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from deploy.local.remote import RunningSystem, running_system
from deploy.local.wanted import PARTS
from tests.bench.measure import Result, Surroundings

STARTS = 3
IDLE_S = 30.0
MEMORY_LIMIT_MIB = 500.0
START_LIMIT_S = 12.0


def measure_idle(around: Surroundings) -> Iterator[Result]:
    """Start a fresh system a few times; leave the last one alone, then see what its services take."""
    seconds = []
    for start in range(STARTS):
        began = time.perf_counter()
        with running_system() as running:
            seconds.append(time.perf_counter() - began)
            if start == STARTS - 1:
                time.sleep(IDLE_S)
                resident, proportional = memory_mib(around, running)
    middle = statistics.median(seconds)
    around.say(f"cold starts: {', '.join(f'{one:.1f} s' for one in seconds)}")
    around.say(f"together {resident:.0f} MiB resident, {proportional:.0f} MiB with shared pages counted once")
    yield Result("idle_memory", resident / MEMORY_LIMIT_MIB, resident, MEMORY_LIMIT_MIB, "MiB", better="lower")
    yield Result("cold_start", middle / START_LIMIT_S, middle, START_LIMIT_S, "s", better="lower")


def memory_mib(around: Surroundings, running: RunningSystem) -> tuple[float, float]:
    """Resident and proportional memory of all services, told one by one."""
    resident = proportional = 0.0
    for name in PARTS:
        rss, pss = resident_mib(running.pid(name))
        around.say(f"{name}: {rss:.0f} MiB resident, {pss:.0f} MiB proportional")
        resident, proportional = resident + rss, proportional + pss
    return resident, proportional


def resident_mib(pid: int) -> tuple[float, float]:
    """Resident and proportional size of a process (proc(5), `smaps_rollup`; Linux only)."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split()[:2]
        sizes[name] = int(value) / 1024
    return sizes["Rss:"], sizes["Pss:"]


MEASURES = {("idle", "idle_memory", "cold_start"): measure_idle}
