"""One run of load and faults against a system, and what came of it."""

import asyncio
import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from deploy.local.part import NotStarted
from deploy.local.remote import RunningSystem, running_system
from tests.chaos.faults import Fault, inflict
from tests.chaos.load import Load
from tests.chaos.patience import Ledger
from tests.chaos.settling import Unsettled, wait_settled
from tests.chaos.verify import Verdict, verify

HASTY = {
    "JEJAK_SMTP_TIMEOUT_S": "1",
    "JEJAK_INTAKE_TIMEOUT_S": "2",
    "JEJAK_LEASE_S": "6",
    "JEJAK_PUSH_TIMEOUT_S": "2",
    "JEJAK_FIRST_DELAY_S": "1",
    "JEJAK_ATTEMPTS": "20",
}
"""What a sender that died leaves is taken up after seconds instead of a minute, and the next attempts come soon."""
BACK_WITHIN_S = 60.0


@dataclass
class Outcome:
    """How a campaign ended."""

    seed: int
    ledger: Ledger
    faults: list[Fault] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def line(self) -> str:
        """The last line of a run."""
        return (
            f"chaos: kills={len(self.faults)} submissions={len(self.ledger.acknowledged)} "
            f"lost={len(self.verdict.lost)} doubled={len(self.verdict.doubled)} seed={self.seed}"
        )


def hasty_system() -> contextlib.AbstractContextManager[RunningSystem]:
    """A fresh system with short time limits."""
    return running_system(environment=HASTY)


async def harass(
    system: RunningSystem,
    faults: Iterable[Fault],
    outcome: Outcome,
    *,
    goes_on: Callable[[], bool] = lambda: True,
    each_back: bool = False,
) -> None:
    """Inflict `faults` one after the other while `goes_on`; with `each_back`, a part must be ready before the next."""
    for fault in faults:
        if not goes_on():
            return
        if await inflict(system, fault):
            outcome.faults.append(fault)
        await asyncio.sleep(fault.then_s)
        if each_back:
            await asyncio.to_thread(system.wait_ready, timeout_s=BACK_WITHIN_S)


def judge(system: RunningSystem, outcome: Outcome, *, settle_s: float) -> None:
    """Wait until the system has come to rest, then verify; what does not come to rest is a violation too."""
    try:
        wait_settled(system, timeout_s=settle_s)
    except (Unsettled, NotStarted) as error:
        outcome.verdict.violations.append(str(error))
    settled = outcome.verdict.violations
    outcome.verdict = verify(system, outcome.ledger)
    outcome.verdict.violations[:0] = settled


async def load_and_faults(load: Load, system: RunningSystem, faults: Iterable[Fault], outcome: Outcome) -> None:
    """The faults during the load; returns when all faults are done and every application is through."""
    working = asyncio.create_task(load.run())
    await asyncio.sleep(1)
    await harass(system, faults, outcome)
    await working


def keep(system: RunningSystem, outcome: Outcome) -> Path:
    """Copy what explains a failure to a folder that outlives the system."""
    folder = Path(tempfile.mkdtemp(prefix=f"jejak-chaos-{outcome.seed}-"))
    shutil.copytree(system.state.logs, folder / "logs")
    (folder / "violations.txt").write_text("\n".join(outcome.verdict.violations) + "\n")
    (folder / "faults.json").write_text(json.dumps(outcome.faults, indent=1))
    (folder / "ledger.json").write_text(json.dumps(asdict(outcome.ledger), indent=1))
    return folder


def seed_of_now() -> int:
    """A seed for a run that was given none; it is printed."""
    return int(time.time())
