"""The long fault test: `python -m tests.chaos [--kills N] [--seed N] [--minutes M]`.

A fresh system under a steady load of applications, while parts of it are killed, stopped and frozen at random; then
everything comes to rest and is verified. Exit code 1 on any violation; logs and findings are kept then.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from itertools import islice

from deploy.local.remote import RunningSystem
from tests.chaos.campaign import Outcome, harass, hasty_system, judge, keep, seed_of_now
from tests.chaos.faults import endless
from tests.chaos.load import Load

REPORT_EVERY_S = 10.0


def main() -> int:
    """Run it; the exit code."""
    wanted = _arguments()
    print(f"chaos: seed {wanted.seed}, {wanted.kills} faults, at most {wanted.minutes:g} minutes", flush=True)
    with hasty_system() as system:
        load = Load(system, seed=wanted.seed, rate_per_s=wanted.rate, worked_on=0.4)
        outcome = Outcome(wanted.seed, load.ledger)
        try:
            asyncio.run(_campaign(system, load, outcome, wanted))
            judge(system, outcome, settle_s=180)
        finally:
            if outcome.verdict.violations or sys.exc_info()[0]:
                print(f"chaos: logs, faults and ledger are kept in {keep(system, outcome)}", file=sys.stderr)
    verdict = outcome.verdict
    for violation in verdict.violations:
        print(f"chaos: {violation}", file=sys.stderr)
    print(
        f"chaos: {verdict.records} records on the log, {verdict.repeated_on_log} of them repeats; "
        f"{verdict.repeated_mails} mails repeated and marked so; {load.ledger.repeated} requests sent again, "
        f"{load.ledger.given_up} given up; faults: {_counts(outcome)}"
    )
    print(outcome.line)
    return 1 if verdict.violations else 0


async def _campaign(system: RunningSystem, load: Load, outcome: Outcome, wanted: argparse.Namespace) -> None:
    until = time.monotonic() + wanted.minutes * 60
    working = asyncio.create_task(load.run())
    reporting = asyncio.create_task(_report(outcome))
    try:
        faults = islice(endless(wanted.seed), wanted.kills)
        await harass(system, faults, outcome, goes_on=lambda: time.monotonic() < until and not working.done())
        load.end()
        await working
    finally:
        reporting.cancel()


async def _report(outcome: Outcome) -> None:
    began = time.monotonic()
    while True:
        await asyncio.sleep(REPORT_EVERY_S)
        ledger = outcome.ledger
        print(
            f"chaos: {time.monotonic() - began:4.0f} s, {len(outcome.faults)} faults, {ledger.begun} applications begun, "
            f"{len(ledger.acknowledged)} acknowledged, {sum(map(len, ledger.done.values()))} steps of officers and treasury, "
            f"{ledger.repeated} requests sent again, "
            f"{len(ledger.complaints)} complaints",
            flush=True,
        )


def _counts(outcome: Outcome) -> str:
    counts = Counter(f"{fault.kind} {fault.part}" for fault in outcome.faults)
    return ", ".join(f"{times} × {what}" for what, times in counts.most_common())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="how many faults (default 1000)")
    parser.add_argument("--seed", type=int, default=seed_of_now(), help="repeats a run's choices (default: the time)")
    parser.add_argument("--minutes", type=float, default=120, help="end sooner than that many faults (default 120)")
    parser.add_argument("--rate", type=float, default=2.0, help="applications a second (default 2)")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("chaos: interrupted, nothing was verified")
