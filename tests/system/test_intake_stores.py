"""The vault and the read models of the log on a real PostgreSQL, and documents on a real full disk."""

import os
import secrets
import subprocess
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts import catalogue
from contracts.envelope import MalformedEvent, encode_event
from contracts.facts import (
    Actor,
    Collected,
    DocumentRef,
    DocumentsRequested,
    DocumentSupplied,
    Fact,
    FeeAssessed,
    Reason,
    RequestedDocument,
)
from runtime.database import Pool, open_pool
from runtime.eventstore import InMemoryEventStore, PostgresEventStore
from runtime.migrations import migrate
from runtime.records import Record
from services.intake import main
from services.intake.abandoned import AbandonedDrafts
from services.intake.access import AccessDenied, normal_code
from services.intake.applicant import Applicant
from services.intake.application import Applications, Entry, UnknownNumber
from services.intake.documents import DocumentStorage
from services.intake.handlers import LogHandler
from services.intake.held import HeldEvents
from services.intake.keys import MasterKeys, SealBroken
from services.intake.projections import LogView
from services.intake.vault import Vault
from tests.system.intake_process import PNG, intake_process, new_billing_code
from tests.system.service_process import new_number

pytestmark = pytest.mark.system

KEYS = MasterKeys.parse("one:" + "11" * 32)
SOMEONE = Applicant(name="Pemohon Contoh", email="pemohon@example.org")
OFFICER = Actor(role="officer")
OURS = "//lebong.example/intake"
THEIRS = "//lebong.example/processing"
NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)


@pytest.fixture
async def pool(fresh_database: str) -> AsyncIterator[Pool]:
    opened = await open_pool(fresh_database, schema="intake")
    await migrate(opened, "intake", Path(main.__file__).parent / "migrations")
    yield opened
    await opened.close()


async def test_an_applicant_comes_out_of_the_vault_as_they_went_in(pool: Pool) -> None:
    number = new_number()
    await Vault(pool, KEYS).admit(number, SOMEONE)
    assert await Vault(pool, KEYS).applicant(number) == SOMEONE


async def test_who_knows_the_code_gets_in_and_nobody_else(pool: Pool) -> None:
    vault, number, other = Vault(pool, KEYS), new_number(), new_number()
    code = normal_code((await vault.admit(number, SOMEONE)).access_code())
    others = normal_code((await vault.admit(other, SOMEONE)).access_code())
    assert normal_code((await vault.enter(number, code)).access_code()) == code
    for wrong_number, wrong_code in [(number, others), (number, ""), (new_number(), code), ("", ""), ("nobody", code)]:
        with pytest.raises(AccessDenied):
            await vault.enter(wrong_number, wrong_code)


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE sealed_records SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)",
        "UPDATE applicant_keys SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)",
        "UPDATE sealed_records SET version = 2",
        "UPDATE applicant_keys SET master_key = 'another'",
        "UPDATE sealed_records a SET sealed = b.sealed FROM sealed_records b WHERE a.application <> b.application",
        "UPDATE applicant_keys a SET sealed = b.sealed FROM applicant_keys b WHERE a.application <> b.application",
    ],
)
async def test_a_row_that_was_changed_or_moved_cannot_be_opened(pool: Pool, tampering: str) -> None:
    vault, number = Vault(pool, KEYS), new_number()
    await vault.admit(number, SOMEONE)
    await vault.admit(new_number(), SOMEONE)
    await pool.execute(tampering)
    with pytest.raises(SealBroken):
        await vault.applicant(number)


async def test_another_master_key_of_the_same_name_opens_nothing(pool: Pool) -> None:
    number = new_number()
    await Vault(pool, KEYS).admit(number, SOMEONE)
    with pytest.raises(SealBroken):
        await Vault(pool, MasterKeys.parse("one:" + "22" * 32)).applicant(number)


async def test_a_new_master_key_in_front_opens_what_the_old_one_wrapped(pool: Pool) -> None:
    number = new_number()
    await Vault(pool, KEYS).admit(number, SOMEONE)
    both = Vault(pool, MasterKeys.parse("two:" + "22" * 32 + ",one:" + "11" * 32))
    assert await both.applicant(number) == SOMEONE


async def test_without_the_key_row_nothing_of_an_applicant_is_left(pool: Pool) -> None:
    vault, number = Vault(pool, KEYS), new_number()
    code = normal_code((await vault.admit(number, SOMEONE)).access_code())
    await vault.destroy(number)
    assert await vault.applicant(number) is None
    with pytest.raises(AccessDenied):
        await vault.enter(number, code)
    assert await pool.fetchval("SELECT count(*) FROM sealed_records") == 0


class Drafts:
    """Applicants' use cases and the sweep, on real stores; the clock is the test's."""

    def __init__(self, pool: Pool, store: PostgresEventStore, folder: Path) -> None:
        self.pool, self.store, self.folder = pool, store, folder
        self.vault = Vault(pool, KEYS)
        self.storage = DocumentStorage.open(folder.as_uri(), limit_bytes=100_000)
        self.days = 0.0
        self.applications = Applications(
            store=store, vault=self.vault, storage=self.storage, log_view=LogView(pool), catalogue=catalogue.load(),
            source=OURS, clock=self.clock,
        )  # fmt: skip

    def clock(self) -> datetime:
        return datetime.now(UTC) + timedelta(days=self.days)

    async def opened(self, *requirements: str) -> Entry:
        number = (await self.applications.open("passport_new", "lebong", "internet", SOMEONE)).number
        key = await self.vault.key(number)
        assert key is not None
        for requirement in requirements:
            await self.attach(Entry(number, key), requirement)
        return Entry(number, key)

    async def attach(self, entry: Entry, requirement: str) -> None:
        async def content() -> AsyncIterator[bytes]:
            yield PNG[:20] + secrets.token_bytes(8) + PNG[20:]

        await self.applications.attach(entry, requirement, "image/png", content())

    async def sweep(self, storage: Any = None) -> int:
        sweep = AbandonedDrafts(
            self.pool, store=self.store, vault=self.vault, storage=storage or self.storage, source=OURS,
            after=timedelta(days=30), clock=self.clock,
        )  # fmt: skip
        return await sweep.sweep()

    def files(self) -> list[Path]:
        return [path for path in self.folder.rglob("*") if path.is_file()]

    async def rows(self) -> int:
        return int(
            await self.pool.fetchval(
                "SELECT (SELECT count(*) FROM applicant_keys) + (SELECT count(*) FROM sealed_records)"
            )
        )


@pytest.fixture
async def drafts(pool: Pool, fresh_database: str, tmp_path: Path) -> AsyncIterator[Drafts]:
    store = PostgresEventStore.open(fresh_database, "intake")
    await store.prepare()
    yield Drafts(pool, store, tmp_path / "documents")
    await store.close()


async def test_a_draft_that_nobody_went_on_with_is_destroyed_with_its_data_and_files(drafts: Drafts) -> None:
    entry = await drafts.opened("identity_card", "family_card")
    await drafts.attach(entry, "identity_card")  # replaced: the first file is still there
    drafts.days = 29
    assert await drafts.sweep() == 0
    assert len(drafts.files()) == 3
    drafts.days = 31
    assert await drafts.sweep() == 1
    assert (drafts.files(), await drafts.rows()) == ([], 0)
    with pytest.raises(AccessDenied):
        await drafts.vault.enter(entry.number, normal_code(entry.key.access_code()))
    assert await drafts.sweep() == 0


async def test_a_draft_is_kept_as_long_as_its_applicant_works_on_it_and_what_was_handed_in_for_good(
    drafts: Drafts,
) -> None:
    needed = [one.code for one in catalogue.load().services["passport_new"].requirements if one.mandatory]
    handed_in, worked_on = await drafts.opened(*needed), await drafts.opened()
    await drafts.applications.submit(handed_in.number)
    drafts.days = 20
    await drafts.attach(worked_on, "identity_card")
    drafts.days = 40
    assert await drafts.sweep() == 0
    drafts.days = 51
    assert await drafts.sweep() == 1
    assert (await drafts.applications.view(handed_in.number)).application.submitted_at
    assert len(drafts.files()) == len(needed)
    assert await drafts.pool.fetch("SELECT application FROM applicant_keys WHERE draft") == []


async def test_a_sweep_that_was_interrupted_is_finished_by_the_next_one(drafts: Drafts) -> None:
    class Away:
        async def remove(self, document: object) -> None:
            raise ConnectionError

    entry = await drafts.opened("identity_card")
    drafts.days = 31
    with pytest.raises(ConnectionError):
        await drafts.sweep(Away())
    with pytest.raises(UnknownNumber):  # the applicant who comes back in this moment changes nothing any more
        await drafts.attach(entry, "family_card")
    assert await drafts.sweep() == 1
    assert (drafts.files(), await drafts.rows()) == ([], 0)


async def test_personal_data_whose_draft_was_never_opened_is_swept_up_too(drafts: Drafts) -> None:
    await drafts.vault.admit(new_number(), SOMEONE)  # and here the process died
    drafts.days = 31
    assert await drafts.sweep() == 1
    assert await drafts.rows() == 0


def record(fact: Fact, number: str, *, source: str = THEIRS, id: str = "") -> Record:
    value = encode_event(fact, id=id or str(uuid.uuid4()), source=source, subject=number, time=NOON, salt="A" * 43)
    return Record("log", 0, 0, 0, number.encode(), value)


def asking(requirement: str) -> DocumentsRequested:
    wanted = RequestedDocument(requirement=requirement, reason=Reason(code="document_unreadable"))
    return DocumentsRequested(documents=[wanted], by=OFFICER)


def supplying(requirement: str) -> DocumentSupplied:
    document = DocumentRef(document="d", requirement=requirement, commitment="c" * 43)
    return DocumentSupplied(document=document, by=OFFICER)


async def handled(pool: Pool, *records: Record) -> None:
    handler = LogHandler(OURS, lambda: None)
    async with pool.acquire() as connection, connection.transaction():
        await handler.handle(connection, records)


async def requested(pool: Pool, number: str) -> list[str]:
    return [request.requirement for request in await LogView(pool).requests(number)]


async def test_an_event_that_comes_twice_makes_no_difference(pool: Pool) -> None:
    number, code = new_number(), new_billing_code()
    assessed = FeeAssessed(billing_code=code, amount=1, expires_at=NOON, by=OFFICER)
    records = [record(asking("family_card"), number), record(assessed, number), record(Collected(by=OFFICER), number)]
    await handled(pool, *records, *records)
    await handled(pool, *records)
    assert await requested(pool, number) == ["family_card"]
    assert await HeldEvents(pool, InMemoryEventStore()).applications([code]) == {code: number}
    assert await LogView(pool).ended_by(number) == "collected"


async def test_a_document_supplied_another_way_is_waited_for_no_more(pool: Pool) -> None:
    number = new_number()
    await handled(pool, record(asking("family_card"), number), record(asking("identity_card"), number))
    await handled(pool, record(supplying("family_card"), number))
    assert await requested(pool, number) == ["identity_card"]


async def test_our_own_answer_coming_back_does_not_hide_a_later_request(pool: Pool) -> None:
    number = new_number()
    first, second = record(asking("family_card"), number), record(asking("family_card"), number)
    await handled(pool, first, second, record(supplying("family_card"), number, source=OURS))
    assert await requested(pool, number) == ["family_card", "family_card"]


async def test_events_of_other_types_and_of_unknown_ones_pass_by(pool: Pool) -> None:
    other = record(Collected(by=OFFICER), new_number())
    unknown = other._replace(value=(other.value or b"").replace(b"collected", b"vanished"))
    await handled(pool, unknown)


@pytest.mark.parametrize("value", [None, b"", b"\xff", b"{}", b"not json"])
async def test_a_corrupt_record_is_for_quarantine(pool: Pool, value: bytes | None) -> None:
    with pytest.raises(MalformedEvent):
        await handled(pool, Record("log", 0, 0, 0, b"key", value))


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_is_answered_as_such_and_the_draft_lives_on(
    infrastructure: Any, fresh_database: str, tmp_path: Path
) -> None:
    small = tmp_path / "documents"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    topic = f"test-intake-{secrets.token_hex(5)}"
    try:
        with intake_process(tmp_path, kafka=infrastructure.kafka, database=fresh_database, topic=topic) as intake:
            draft = intake.open_draft()
            large = PNG[:-12] + bytes(180_000) + PNG[-12:]
            answer = draft.attach("identity_card", large)
            assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (507, "document-storage-full")
            assert int(answer.headers["Retry-After"]) > 0
            assert [path for path in small.rglob("*") if path.is_file()] == []
            assert draft.attach("identity_card", PNG).status_code == 200
    finally:
        subprocess.run(["umount", str(small)], check=True)
