"""What goes wrong: parts of a running system are killed, stopped or frozen, in an order that follows from a seed."""

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from typing import Literal, NamedTuple

import psycopg

from deploy.local.remote import RunningSystem

SERVICES = ("intake", "processing", "status", "notify")
PARTS = (*SERVICES, "kafka", "postgres")
SESSION_S = 10.0
"""How long Kafka believes in a consumer that says nothing; a longer pause costs it its partitions."""

Kind = Literal["kill", "stop", "pause", "backend"]
KINDS: tuple[tuple[Kind, int], ...] = (("kill", 80), ("stop", 10), ("pause", 6), ("backend", 4))
"""How a fault is chosen, with weights. `backend`: one process of PostgreSQL, upon which it restarts them all."""
ASKED_TO_STOP = {"postgres": signal.SIGINT}
"""PostgreSQL would wait for its clients on SIGTERM."""


class Fault(NamedTuple):
    """`part` meets `kind` (a pause lasts `for_s`); the next fault comes `then_s` later."""

    kind: Kind
    part: str
    for_s: float
    then_s: float


def each_part_once(seed: int, *, every_s: float) -> list[Fault]:
    """Every part killed once, in random order."""
    chance = random.Random(f"order {seed}")
    parts = chance.sample(PARTS, len(PARTS))
    return [Fault("kill", part, 0.0, every_s * chance.uniform(0.7, 1.3)) for part in parts]


def endless(seed: int) -> Iterator[Fault]:
    """Faults without end; now and then several in a breath."""
    chance = random.Random(f"faults {seed}")
    kinds, weights = zip(*KINDS, strict=True)
    while True:
        kind: Kind = chance.choices(kinds, weights)[0]
        part = "postgres" if kind == "backend" else chance.choice((*PARTS, "mail"))
        then_s = chance.uniform(0.0, 0.5) if chance.random() < 0.25 else chance.uniform(1.0, 6.0)
        yield Fault(kind, part, SESSION_S * chance.uniform(1.1, 1.5), then_s)


async def inflict(system: RunningSystem, fault: Fault) -> bool:
    """Do it; False when the part was down already. A pause is over when this returns."""
    try:
        if fault.kind == "backend":
            return await asyncio.to_thread(_kill_backend, system)
        if fault.kind == "pause":
            pid = system.kill(fault.part, signal.SIGSTOP)
            await asyncio.sleep(fault.for_s)
            if system.pid(fault.part) == pid:
                system.kill(fault.part, signal.SIGCONT)
            return True
        stop = ASKED_TO_STOP.get(fault.part, signal.SIGTERM)
        system.kill(fault.part, signal.SIGKILL if fault.kind == "kill" else stop)
    except (LookupError, ProcessLookupError):
        return False
    return True


def _kill_backend(system: RunningSystem) -> bool:
    """Kill -9 the PostgreSQL process that serves one of the services' connections."""
    try:
        with psycopg.connect(system.database, connect_timeout=2) as connection:
            row = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'jejak-%' ORDER BY random() LIMIT 1"
            ).fetchone()
    except psycopg.OperationalError:
        return False
    if row is None:
        return False
    os.kill(row[0], signal.SIGKILL)
    return True
