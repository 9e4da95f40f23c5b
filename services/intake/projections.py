"""What intake keeps of the log: billing codes, requests for documents, and which applications have ended.

Each statement changes nothing when it is run again, so that an event that comes twice makes no difference.
"""

from typing import Final

from contracts.envelope import Event
from contracts.facts import DocumentsRequested, DocumentSupplied, FeeAssessed
from runtime.database import Connection, Pool
from services.intake.domain import DocumentRequest, End

INSERT_BILLING_CODE: Final = """
INSERT INTO billing_codes (billing_code, application) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""
INSERT_REQUEST: Final = """
INSERT INTO document_requests (application, requirement, event) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
"""
DELETE_REQUESTS: Final = """
DELETE FROM document_requests WHERE application = $1 AND requirement = $2
"""
INSERT_END: Final = """
INSERT INTO ended_applications (application, ended_by) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""
SELECT_REQUESTS: Final = """
SELECT event, requirement FROM document_requests WHERE application = $1 ORDER BY event, requirement
"""
SELECT_END: Final = """
SELECT ended_by FROM ended_applications WHERE application = $1
"""


async def note_billing_code(connection: Connection, event: Event, fact: FeeAssessed) -> None:
    """The application can be paid for under this code. A code that two applications claim stays with the first."""
    await connection.execute(INSERT_BILLING_CODE, fact.billing_code, event.subject)


async def note_requests(connection: Connection, event: Event, fact: DocumentsRequested) -> None:
    """The office asks for these documents."""
    name = f"{event.source}#{event.id}"
    await connection.executemany(INSERT_REQUEST, [(event.subject, one.requirement, name) for one in fact.documents])


async def note_supplied_elsewhere(connection: Connection, event: Event, fact: DocumentSupplied) -> None:
    """The document came another way than through us: nobody waits for it any more."""
    await connection.execute(DELETE_REQUESTS, event.subject, fact.document.requirement)


async def note_end(connection: Connection, event: Event, ended_by: End) -> None:
    """Nothing more can come from the applicant. The first end stays."""
    await connection.execute(INSERT_END, event.subject, ended_by)


class LogView:
    """Reads what was noted."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def requests(self, application: str) -> list[DocumentRequest]:
        """The documents that the log says are asked for; what intake supplied meanwhile is for the domain to know."""
        return [DocumentRequest(*row) for row in await self._pool.fetch(SELECT_REQUESTS, application)]

    async def ended_by(self, application: str) -> End | None:
        """By which fact the application ended, if it did."""
        ended: End | None = await self._pool.fetchval(SELECT_END, application)
        return ended
