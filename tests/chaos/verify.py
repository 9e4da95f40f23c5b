"""After the faults, with everything back: is every acknowledged application on its timeline, once, everywhere?

`verify` looks at what each part holds and compares: the status service's answers and tables, the log as Kafka gives it
and as the archive kept it, every service's outbox, the cases, the deliveries and the mails, quarantine; and it rebuilds
the timelines from Kafka and compares digests. What is wrong is said in words.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg

from contracts.envelope import decode_event
from deploy.local.remote import RunningSystem
from tests.chaos.evidence import LogRecord, jejak, message_ids, read_log, timeline
from tests.chaos.faults import SERVICES
from tests.chaos.patience import Ledger

PUBLISHED = "id.jejak.application.%"
SHOWN = 5
UNDECIDED = ("mail_outcome_unknown",)
"""Killed twice in the middle of handing one mail over: notify gives up rather than send it a third time."""

TIMELINE_COUNTS = """
SELECT number, count(*) FILTER (WHERE fact = 'submitted'), count(*), max(n), count(DISTINCT (source, event_id))
FROM status.timeline GROUP BY number
"""
FACT_COUNTS = "SELECT number, fact, count(*) FROM status.timeline WHERE number = ANY(%s) GROUP BY number, fact"
ARCHIVE = """
SELECT a."offset", a.timestamp_ms, a.key, a.value FROM status.archive a
WHERE a.partition = %s AND a.log = (SELECT max(log) FROM status.logs) ORDER BY a."offset"
"""
OUTBOX = "SELECT notification_id, topic, state FROM {0}.stored_events WHERE topic LIKE %s ORDER BY notification_id"
CASES = """
SELECT originator_id, count(*) FROM processing.stored_events
WHERE topic = 'id.jejak.processing.case_opened.v1' GROUP BY originator_id
"""
WORKLIST = "SELECT number FROM processing.worklist"
QUARANTINE = "SELECT consumer, partition, \"offset\", state, error FROM {0}.quarantine WHERE state <> 'handled'"
DELIVERIES = """
SELECT id::text, number, about_source, about_id, channel, state, may_have_arrived, reason FROM notify.deliveries
"""


@dataclass
class Verdict:
    """What was found. `lost` and `doubled` count applications; every violation is also said in words."""

    lost: set[str] = field(default_factory=set)
    doubled: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)
    records: int = 0
    repeated_on_log: int = 0
    repeated_mails: int = 0

    def lose(self, numbers: Iterable[str], what: str) -> None:
        """These applications are not where they must be."""
        found = sorted(numbers)
        self.lost.update(found)
        self._say(found, what)

    def double(self, numbers: Iterable[str], what: str) -> None:
        """These applications are there more than once."""
        found = sorted(numbers)
        self.doubled.update(found)
        self._say(found, what)

    def blame(self, places: Sequence[object], what: str) -> None:
        """Something else is wrong, at these places."""
        self._say([str(place) for place in places], what)

    def _say(self, places: Sequence[str], what: str) -> None:
        if places:
            more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
            self.violations.append(f"{len(places)} × {what}: {', '.join(places[:SHOWN])}{more}")


def verify(system: RunningSystem, ledger: Ledger) -> Verdict:
    """Everything; the system must have come to rest (`settling.wait_settled`)."""
    verdict = Verdict()
    verdict.blame(ledger.complaints, "an answer that a good client should never get")
    numbers = ledger.numbers
    verdict.double([number for number, times in Counter(numbers).items() if times > 1], "given to two applicants")
    log = read_log(system.kafka)
    verdict.records = sum(len(records) for records in log.values())
    with psycopg.connect(system.database) as database:
        check_timelines(verdict, database, numbers)
        check_facts(verdict, database, ledger)
        check_archive(verdict, database, log)
        check_outboxes(verdict, database, log)
        check_cases(verdict, database, numbers)
        check_deliveries(verdict, database, numbers, system.mail)
        check_quarantine(verdict, database)
    check_answers(verdict, system.urls["status"], numbers)
    check_rebuild(verdict, system)
    return verdict


def check_timelines(verdict: Verdict, database: psycopg.Connection, numbers: Sequence[str]) -> None:
    """The status service's tables: one submission each, no event twice, counted without gaps."""
    rows = {row[0]: row[1:] for row in database.execute(TIMELINE_COUNTS)}
    verdict.lose([n for n in numbers if n not in rows], "acknowledged, but without a timeline")
    verdict.lose([n for n in numbers if n in rows and rows[n][0] == 0], "on a timeline without its submission")
    verdict.double([n for n, (times, *_) in rows.items() if times > 1], "submitted more than once on the timeline")
    twice = [n for n, (_, events, _, distinct) in rows.items() if events != distinct]
    verdict.double(twice, "an event twice on the timeline")
    verdict.blame(
        [n for n, (_, events, last, _) in rows.items() if events != last], "a timeline with gaps in its count"
    )


def check_facts(verdict: Verdict, database: psycopg.Connection, ledger: Ledger) -> None:
    """What officers and treasury were told is done is on the timeline, once."""
    found = {(number, fact): times for number, fact, times in database.execute(FACT_COUNTS, (list(ledger.done),))}
    expected = [(number, fact) for number, facts in ledger.done.items() for fact in facts]
    for fact in sorted({fact for _, fact in expected}):
        numbers = [number for number, expected_fact in expected if expected_fact == fact]
        verdict.lose(
            [n for n in numbers if (n, fact) not in found], f"{fact} was acknowledged and is not on the timeline"
        )
        verdict.double([n for n in numbers if found.get((n, fact), 0) > 1], f"{fact} more than once on the timeline")


def check_archive(verdict: Verdict, database: psycopg.Connection, log: dict[int, list[LogRecord]]) -> None:
    """The archive holds every record of the log, byte for byte, and no other."""
    for partition, records in log.items():
        kept = {row[0]: tuple(row) for row in database.execute(ARCHIVE, (partition,))}
        sent = {record[0]: record for record in records}
        verdict.blame(sorted(set(sent) - set(kept)), f"record of partition {partition} missing in the archive, offset")
        verdict.blame(
            sorted(set(kept) - set(sent)), f"record in the archive that partition {partition} has not, offset"
        )
        differing = [offset for offset in set(sent) & set(kept) if sent[offset] != kept[offset]]
        verdict.blame(sorted(differing), f"archived record of partition {partition} differs from Kafka's, offset")


def check_outboxes(verdict: Verdict, database: psycopg.Connection, log: dict[int, list[LogRecord]]) -> None:
    """Every public event of every service is on the log, first appearances in the order of the outbox, and nothing else."""
    first: dict[bytes, tuple[int, int]] = {}
    for partition, records in log.items():
        for offset, _, _, value in records:
            if value is not None:
                verdict.repeated_on_log += value in first
                first.setdefault(value, (partition, offset))
    known: set[bytes] = set()
    for service in SERVICES:
        last = dict.fromkeys(log, -1)
        missing, swapped = [], []
        for place_in_outbox, kind, state in database.execute(OUTBOX.format(service), (PUBLISHED,)):
            known.add(state)
            place = first.get(state)
            if place is None:
                missing.append(decode_event(state).subject)
                verdict.blame([f"{service}/{place_in_outbox} {kind}"], "event in an outbox that is not on the log")
                continue
            partition, offset = place
            if offset < last[partition]:
                swapped.append(f"{service}/{place_in_outbox}")
            last[partition] = offset
        verdict.lose(missing, f"event of {service} never reached the log")
        verdict.blame(swapped, "event on the log before an earlier one of its service")
    strange = [f"{place[0]}/{place[1]}" for value, place in first.items() if value not in known]
    verdict.blame(strange, "record on the log that no service wrote")


def check_cases(verdict: Verdict, database: psycopg.Connection, numbers: Sequence[str]) -> None:
    """Each acknowledged application has one case, and that is on the worklist."""
    cases: dict[str, int] = dict(database.execute(CASES).fetchall())
    verdict.lose([n for n in numbers if n not in cases], "acknowledged, but without a case")
    verdict.double([n for n, times in cases.items() if times > 1], "more than one case opened")
    listed = {row[0] for row in database.execute(WORKLIST)}
    verdict.lose([n for n in cases if n not in listed], "a case that is not on the worklist")


def check_deliveries(verdict: Verdict, database: psycopg.Connection, numbers: Sequence[str], mail: Path) -> None:
    """One delivery for an event and channel; each told, and none told twice but where notify says that it may have been."""
    rows = database.execute(DELIVERIES).fetchall()
    keys = Counter((source, about, channel) for _, _, source, about, channel, *_ in rows)
    verdict.blame([key for key, times in keys.items() if times > 1], "more than one delivery about one event")
    told = Counter(row[1] for row in rows)
    verdict.lose([n for n in numbers if told[n] == 0], "acknowledged, but nothing was to be told")
    mails = Counter(message_ids(mail))
    verdict.repeated_mails = sum(times - 1 for times in mails.values())
    for delivery, number, _, _, _, state, may_have_arrived, reason in rows:
        came = mails.pop(delivery, 0)
        if state != "sent" and reason not in UNDECIDED:
            verdict.blame([f"{delivery} of {number} ({state}: {reason})"], "delivery that did not end in a mail")
        if state == "sent" and not came:
            verdict.lose([number], f"delivery {delivery} is called sent, and no mail came")
        if came > 1 + may_have_arrived:
            verdict.double([number], f"delivery {delivery} came {came} times as mail")
    verdict.blame(sorted(mails), "mail of a delivery that notify does not know")


def check_quarantine(verdict: Verdict, database: psycopg.Connection) -> None:
    """Nobody put anything aside: every record of this log can be handled."""
    for service in SERVICES:
        verdict.blame(database.execute(QUARANTINE.format(service)).fetchall(), f"record in quarantine of {service}")


def check_answers(verdict: Verdict, status_url: str, numbers: Sequence[str]) -> None:
    """What the public is answered: each acknowledged application, submitted once, no event twice."""
    absent, several, repeated = [], [], []
    with httpx.Client(base_url=status_url, timeout=20) as http:
        for number in numbers:
            entries = timeline(http, number)
            submissions = sum(entry["type"] == "submitted" for entry in entries)
            if submissions == 0:
                absent.append(number)
            if submissions > 1:
                several.append(number)
            if len({(entry["source"], entry["id"]) for entry in entries}) != len(entries):
                repeated.append(number)
    verdict.lose(absent, "not shown as submitted by the status service")
    verdict.double(several, "shown as submitted more than once by the status service")
    verdict.double(repeated, "an event shown twice by the status service")


def check_rebuild(verdict: Verdict, system: RunningSystem) -> None:
    """The timelines made anew from Kafka are the ones that are there."""
    done = jejak(system, "rebuild", "--from", "kafka")
    if done.returncode:
        verdict.blame([(done.stdout + done.stderr).strip()[-500:]], "rebuild from Kafka failed or differs")
