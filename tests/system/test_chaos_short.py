"""The short form of `make chaos`: every part of the system is killed once while people apply."""

import asyncio
import os

import pytest

from tests.chaos.campaign import Outcome, hasty_system, judge, keep, load_and_faults, seed_of_now
from tests.chaos.faults import PARTS, each_part_once
from tests.chaos.load import Load

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]
SEED = int(os.environ.get("JEJAK_CHAOS_SEED", seed_of_now()))


def test_every_acknowledged_application_is_on_a_timeline_once_though_every_part_was_killed() -> None:
    print(f"JEJAK_CHAOS_SEED={SEED} repeats this run's choices")
    with hasty_system() as system:
        load = Load(system.urls["intake"], seed=SEED, rate_per_s=4, count=80)
        outcome = Outcome(SEED, load.ledger)
        asyncio.run(load_and_faults(load, system, each_part_once(SEED, every_s=3.5), outcome))
        judge(system, outcome, settle_s=60)
        if outcome.verdict.violations:
            print(f"logs, faults and ledger are kept in {keep(system, outcome)}")
    print(outcome.line)
    assert outcome.verdict.violations == []
    assert load.ledger.given_up == 0
    assert len(load.ledger.acknowledged) == load.ledger.begun == 80
    assert {fault.part for fault in outcome.faults} == set(PARTS)
