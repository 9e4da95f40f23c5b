"""Use cases over an event store in memory: versions, races, billing codes."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from contracts import catalogue
from contracts.envelope import decode_event, is_public
from contracts.facts import Decided, EventRef, Reason
from runtime.eventstore import Append, InMemoryEventStore, VersionConflict
from services.processing.application import Cases, NoSuchCase, StaleVersion
from services.processing.commands import AssessFee, Decide, VerifyDocuments
from services.processing.events import CaseOpened
from services.processing.refusals import DocumentsMissing, ServiceUnknown
from services.processing.stamping import Stamp
from tests.unit.processing.story import BOOK, MONDAY, OFFICER, POLICY, asking_for, document

NUMBER = "LBG-0000-0000-0000-0000-0"
OTHER = "LBG-0000-0000-0000-0001-1"
REFUSE = Decide(outcome="refused", reasons=[Reason(code="not_eligible")])


class RacingStore(InMemoryEventStore):
    """Lets both of two officers load before either appends."""

    async def load(self, stream: str) -> list[Any]:
        loaded = await super().load(stream)
        await asyncio.sleep(0)
        return loaded


def cases_on(store: InMemoryEventStore, serials: Iterator[int] | None = None) -> Cases:
    numbers = serials or iter(range(1000))
    return Cases(
        store=store,
        catalogue=catalogue.load(),
        policy=POLICY,
        stamp=Stamp("//lebong.imigrasi.go.id/processing"),
        clock=lambda: MONDAY,
        serial=lambda: next(numbers),
    )


async def opened(
    store: InMemoryEventStore, *numbers: str, at: datetime = MONDAY, service: str = "passport_new"
) -> None:
    documents = [document(code) for code in ("identity_card", "family_card", "birth_record")]
    for number in numbers:
        fact = CaseOpened(
            about=EventRef(source="//x", id=number), service=service, office="lebong", documents=documents
        )
        await store.append(Append(number, 0, [Stamp("//x").event(fact, number, at)]))


async def test_a_command_appends_the_public_fact_as_the_event_that_is_published() -> None:
    store = InMemoryEventStore()
    await opened(store, NUMBER)
    dossier = await cases_on(store).command(NUMBER, 1, VerifyDocuments(), OFFICER)
    assert dossier.case.version == 2
    last = (await store.load(NUMBER))[-1]
    event = decode_event(last.state)
    assert (event.type, event.subject, event.time) == (last.type, NUMBER, MONDAY)
    assert event.salt is not None
    assert is_public(event.type)


async def test_a_stale_version_is_refused_with_what_happened_since() -> None:
    store = InMemoryEventStore()
    await opened(store, NUMBER)
    await cases_on(store).command(NUMBER, 1, REFUSE, OFFICER)
    with pytest.raises(StaleVersion) as stale:
        await cases_on(store).command(NUMBER, 1, VerifyDocuments(), OFFICER)
    assert [type(happened.fact) for happened in stale.value.since] == [Decided]


async def test_of_two_officers_deciding_at_once_exactly_one_wins() -> None:
    store = RacingStore()
    await opened(store, NUMBER)
    cases = cases_on(store)
    results = await asyncio.gather(
        *(cases.command(NUMBER, 1, REFUSE, OFFICER) for _ in range(2)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["Dossier", "StaleVersion"]
    assert len(await store.load(NUMBER)) == 2


async def test_without_a_version_a_command_is_decided_on_what_there_is() -> None:
    store = RacingStore()
    await opened(store, NUMBER)
    cases = cases_on(store)
    await asyncio.gather(*(cases.command(NUMBER, None, REFUSE, OFFICER) for _ in range(3)))
    assert len(await store.load(NUMBER)) == 2


async def test_a_command_that_already_holds_appends_nothing() -> None:
    store = InMemoryEventStore()
    await opened(store, NUMBER)
    cases = cases_on(store)
    await cases.command(NUMBER, 1, VerifyDocuments(), OFFICER)
    assert (await cases.command(NUMBER, 2, VerifyDocuments(), OFFICER)).case.version == 2


async def test_a_billing_code_is_given_to_one_application_only() -> None:
    store = InMemoryEventStore()
    await opened(store, NUMBER, OTHER)
    cases = cases_on(store, iter([7, 7, 7, 8]))
    first = await cases.command(NUMBER, 1, AssessFee(fees=[BOOK]), OFFICER)
    second = await cases.command(OTHER, 1, AssessFee(fees=[BOOK]), OFFICER)
    assert first.case.assessment is not None
    assert second.case.assessment is not None
    assert first.case.assessment.billing_code == "820260302000007"
    assert second.case.assessment.billing_code == "820260302000008"


async def test_when_no_billing_code_is_free_nothing_is_assessed() -> None:
    store = InMemoryEventStore()
    await opened(store, NUMBER, OTHER)
    cases = cases_on(store, iter([7] * 100))
    await cases.command(NUMBER, 1, AssessFee(fees=[BOOK]), OFFICER)
    with pytest.raises(VersionConflict):
        await cases.command(OTHER, 1, AssessFee(fees=[BOOK]), OFFICER)
    assert len(await store.load(OTHER)) == 1


async def test_a_refusal_appends_nothing() -> None:
    store = InMemoryEventStore()
    await opened(store, NUMBER)
    cases = cases_on(store)
    await cases.command(NUMBER, 1, asking_for("family_card"), OFFICER)
    with pytest.raises(DocumentsMissing):
        await cases.command(NUMBER, 2, VerifyDocuments(), OFFICER)
    assert len(await store.load(NUMBER)) == 2


async def test_there_is_no_case_where_none_was_opened() -> None:
    store = InMemoryEventStore()
    cases = cases_on(store)
    with pytest.raises(NoSuchCase):
        await cases.load(NUMBER)
    await opened(store, NUMBER)
    await cases.command(NUMBER, 1, AssessFee(fees=[BOOK]), OFFICER)
    with pytest.raises(NoSuchCase):
        await cases.load("billing:820260302000000")


async def test_a_case_of_a_service_that_left_the_catalogue_says_so() -> None:
    store = InMemoryEventStore()
    await opened(store, NUMBER, service="abolished")
    with pytest.raises(ServiceUnknown):
        await cases_on(store).command(NUMBER, 1, VerifyDocuments(), OFFICER)
