"""The short form of `make chaos`: every part of the system is killed once while people apply."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from shutil import copyfile

import psycopg
import pytest
from confluent_kafka import Producer

from contracts.envelope import EVENT_LOG_TOPIC
from deploy.local.remote import RunningSystem
from tests.chaos.campaign import Outcome, hasty_system, judge, keep, load_and_faults, seed_of_now
from tests.chaos.faults import PARTS, each_part_once
from tests.chaos.load import Load
from tests.chaos.verify import verify

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]
SEED = int(os.environ.get("JEJAK_CHAOS_SEED", seed_of_now()))


@pytest.fixture(scope="module")
def battered() -> Iterator[RunningSystem]:
    with hasty_system() as system:
        yield system


@pytest.fixture(scope="module")
def survived(battered: RunningSystem) -> Outcome:
    """What came of it: load, faults, verdict."""
    print(f"JEJAK_CHAOS_SEED={SEED} repeats this run's choices")
    load = Load(battered, seed=SEED, rate_per_s=4, count=80, worked_on=0.3)
    outcome = Outcome(SEED, load.ledger)
    asyncio.run(load_and_faults(load, battered, each_part_once(SEED, every_s=3.5), outcome))
    judge(battered, outcome, settle_s=90)
    if outcome.verdict.violations:
        print(f"logs, faults and ledger are kept in {keep(battered, outcome)}")
    print(outcome.line)
    return outcome


def test_every_acknowledged_application_is_on_a_timeline_once_though_every_part_was_killed(survived: Outcome) -> None:
    assert survived.verdict.violations == []
    assert survived.ledger.given_up == 0
    assert survived.ledger.done
    assert len(survived.ledger.acknowledged) == survived.ledger.begun == 80
    assert {fault.part for fault in survived.faults} == set(PARTS)


def test_the_verdict_would_have_seen_it(battered: RunningSystem, survived: Outcome) -> None:
    lost, changed, unlisted = survived.ledger.numbers[:3]
    with psycopg.connect(battered.database) as database:
        database.execute("DELETE FROM status.timeline WHERE number = %s", (lost,))
        database.execute("UPDATE status.archive SET value = value || ' ' WHERE key = %s", (changed.encode(),))
        database.execute("DELETE FROM processing.worklist WHERE number = %s", (unlisted,))
        database.execute(
            'INSERT INTO notify.quarantine (consumer, topic, partition, "offset", timestamp_ms, state, error) '
            "VALUES ('notify', 'applications.v1@x', 0, 0, 0, 'failed', 'a test')"
        )
    mail = next(path for path in (battered.mail / "new").iterdir())
    copyfile(mail, Path(f"{mail}.again"))
    producer = Producer({"bootstrap.servers": battered.kafka})
    producer.produce(EVENT_LOG_TOPIC, b"no event", key=changed.encode())
    assert producer.flush(30) == 0
    found = verify(battered, survived.ledger)
    said = "\n".join(found.violations)
    for complaint in (
        "acknowledged, but without a timeline",
        "differs from Kafka's",
        "not on the worklist",
        "in quarantine of notify",
        "came 2 times as mail",
        "record on the log that no service wrote",
        "not shown as submitted",
        "rebuild from Kafka failed or differs",
    ):
        assert complaint in said
    assert lost in found.lost
    assert len(found.doubled) == 1
