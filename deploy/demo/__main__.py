"""`python -m deploy.demo`: the demonstration, beside a system that `jejak exec` started. `--help` lists its options."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from deploy.demo.demonstration import Demonstration, Wishes
from deploy.demo.evidence import keep_logs
from deploy.demo.place import DemoFailed, Place
from deploy.demo.report import Report

INTERRUPTED = 130


def main() -> int:
    """Run it. Returns the exit code: 0, 1 when something failed, 130 when Ctrl-C ended it before its end."""
    wishes, report = _wishes(), Report()
    try:
        place = Place.of()
    except DemoFailed as failure:
        return _fail(str(failure))
    demonstration = Demonstration(place, wishes, report)
    try:
        last_line = asyncio.run(demonstration.run())
    except DemoFailed as failure:
        return _fail(f"{failure} (logs: {keep_logs(place)})")
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BaseException:
        print(f"demo: failed unexpectedly (logs: {keep_logs(place)})", file=sys.stderr)
        raise
    stays = sys.stdout.isatty()
    demonstration.tell_where_next(stays=stays)
    print(f"\n{last_line}", flush=True)
    if stays:
        _wait_for_the_end()
    return 0


def _wishes() -> Wishes:
    usual = Wishes()
    parser = argparse.ArgumentParser(prog="demo", description="Runs beside a fresh system (jejak exec --fresh).")
    parser.add_argument("--applications", type=int, default=usual.applications, help="size of the office day")
    parser.add_argument("--day-seconds", type=float, default=usual.day_s, help="how long that day takes, at least")
    parser.add_argument("--export", type=Path, default=usual.export, help="a CSV as the permit mapping reads it")
    parser.add_argument("--seed", type=int, default=usual.seed, help="what chance grows from")
    given = parser.parse_args()
    return Wishes(given.applications, given.day_seconds, given.export, given.seed)


def _fail(message: str) -> int:
    sys.stdout.flush()
    print(f"demo: failed: {message}", file=sys.stderr)
    return 1


def _wait_for_the_end() -> None:
    """Stay, and the system with us, until Ctrl-C."""
    try:
        signal.pause()
    except KeyboardInterrupt:
        print(file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
