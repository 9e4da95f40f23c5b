"""What arrives from the log, and what intake does with it. Events of other types pass by unread."""

from collections.abc import Callable, Sequence
from typing import Final

from contracts.envelope import decode_event, decode_fact
from contracts.facts import (
    Collected,
    DocumentsRequested,
    DocumentSupplied,
    FeeAssessed,
    PersonalDataErased,
    Withdrawn,
)
from runtime.database import Connection
from runtime.records import Record
from services.intake import addresses, projections

HANDLED: Final = frozenset(
    fact.TYPE for fact in (FeeAssessed, DocumentsRequested, DocumentSupplied, Collected, Withdrawn, PersonalDataErased)
)


class LogHandler:
    """Handles records of one partition, in order. `own_source`: what we supplied ourselves the domain knows better."""

    def __init__(self, own_source: str, code_learned: Callable[[], None]) -> None:
        self._own_source = own_source
        self._code_learned = code_learned

    @staticmethod
    def concerns(record: Record) -> bool:
        """Whether anything is noted of `record`. Raises `MalformedEvent` for one that is no event of ours."""
        return decode_event(record.value or b"").type in HANDLED

    async def handle(self, connection: Connection, records: Sequence[Record]) -> None:
        """Raises `MalformedEvent` for a record that is no event of ours."""
        for record in records:
            await self._handle(connection, record)

    async def _handle(self, connection: Connection, record: Record) -> None:
        event = decode_event(record.value or b"")
        if event.type not in HANDLED:
            return
        match decode_fact(event):
            case FeeAssessed() as fact:
                await projections.note_billing_code(connection, event, fact)
                self._code_learned()
            case DocumentsRequested() as fact:
                await projections.note_requests(connection, event, fact)
            case DocumentSupplied() as fact if event.source != self._own_source:
                await projections.note_supplied_elsewhere(connection, event, fact)
            case Collected():
                await projections.note_end(connection, event, "collected")
            case Withdrawn():
                await projections.note_end(connection, event, "withdrawn")
            case PersonalDataErased():
                await projections.note_end(connection, event, "personal_data_erased")
                await addresses.forget(connection, event.subject)
