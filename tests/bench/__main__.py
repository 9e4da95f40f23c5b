"""`python -m tests.bench`: run the measures, all or those that ONLY names; SIZE=large where a measure has it.

A measure is a function in a module of this folder, registered in the module's `MEASURES` under the names of the lines
that it prints: {("rebuild", "rebuild_consume"): function}; the first name alone stands for all
of them. Figures are printed and none is asserted. Kafka and PostgreSQL are those of JEJAK_KAFKA and JEJAK_DATABASE if both
are set, else started for the run.
"""

import importlib
import logging
import os
import pkgutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from deploy.local.remote import running_system
from tests.bench.measure import Measure, Surroundings


def registered() -> dict[tuple[str, ...], Measure]:
    """Every measure of this folder, by the names of its lines."""
    found: dict[tuple[str, ...], Measure] = {}
    for module in sorted(pkgutil.iter_modules([str(Path(__file__).parent)]), key=lambda module: module.name):
        if module.name != "__main__":
            found |= getattr(importlib.import_module(f"tests.bench.{module.name}"), "MEASURES", {})
    return found


@contextmanager
def infrastructure() -> Iterator[tuple[str, str]]:
    """Bootstrap servers and DSN."""
    kafka, database = os.environ.get("JEJAK_KAFKA"), os.environ.get("JEJAK_DATABASE")
    if kafka and database:
        yield kafka, database
        return
    with running_system("--infrastructure-only") as system:
        yield system.kafka, system.database


def main() -> int:
    """Run what is wanted; 2 when ONLY names a measure that there is not."""
    wanted = {name.strip() for name in os.environ.get("ONLY", "").split(",") if name.strip()}
    measures = registered()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    names = {name for group in measures for name in group}
    if unknown := wanted - names:
        print(f"bench: there is no measure {', '.join(sorted(unknown))}: {', '.join(sorted(names))}", file=sys.stderr)
        return 2
    with infrastructure() as (kafka, database), tempfile.TemporaryDirectory(prefix="jejak-bench-") as folder:
        around = Surroundings(kafka, database, Path(folder), os.environ.get("SIZE") or "normal")
        for group, measure in measures.items():
            if not wanted or wanted & set(group):
                for result in measure(around):
                    if not wanted or result.name in wanted or group[0] in wanted:
                        print(result.line(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
