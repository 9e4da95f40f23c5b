"""What arrives on the event log, and what the cases make of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import structlog

from contracts.catalogue import Catalogue
from contracts.envelope import Event, MalformedEvent, decode_event, decode_fact
from contracts.facts import EventRef, Fact, Submitted
from contracts.number import InvalidNumber, parse_number
from runtime.eventstore import Append, EventStore, NewEvent
from runtime.records import Record
from services.processing.domain import Case, evolve, replay
from services.processing.events import Happened, read_event
from services.processing.stamping import Stamp
from services.processing.taking_in import TAKEN_IN, take_in

log = structlog.get_logger()


class UnknownService(Exception):
    """An application for a service that this catalogue does not have. It waits in quarantine until a newer one is here."""


class Arrival(NamedTuple):
    """One event of the log that concerns cases."""

    event: Event
    fact: Fact
    recorded_at: datetime


class CaseHandler:
    """Folds batches of the log's records into their cases: one load, one append a batch."""

    def __init__(self, store: EventStore, catalogue: Catalogue, stamp: Stamp) -> None:
        self._store = store
        self._catalogue = catalogue
        self._stamp = stamp

    async def __call__(self, records: Sequence[Record]) -> Sequence[Append]:
        """What to append for `records` of one partition, in order.

        Raises `MalformedEvent` or `UnknownService` for a record that cannot be handled.
        """
        arrivals = [arrival for record in records if (arrival := self._read(record))]
        numbers = list(dict.fromkeys(arrival.event.subject for arrival in arrivals))
        appends = []
        for number, history in (await self._store.load_many(numbers)).items():
            case = replay(read_event(stored.state) for stored in history)
            events = self._fold(case, [arrival for arrival in arrivals if arrival.event.subject == number])
            if events:
                appends.append(Append(number, case.version, events))
        return appends

    def concerns(self, record: Record) -> bool:
        """Whether cases have to do with `record`. Raises what a call raises."""
        return self._read(record) is not None

    def _read(self, record: Record) -> Arrival | None:
        """The event, where cases have to do with it: not our own, not of another type, not for another system."""
        if record.value is None:
            raise MalformedEvent("a record without a value")
        event = decode_event(record.value)
        if event.type not in TAKEN_IN or event.source == self._stamp.source:
            return None
        fact = decode_fact(event)
        if isinstance(fact, Submitted) and not self._opens(event, fact):
            return None
        return Arrival(event, fact, datetime.fromtimestamp(record.timestamp_ms / 1000, UTC))

    def _opens(self, event: Event, fact: Submitted) -> bool:
        service = self._catalogue.services.get(fact.service)
        if service is None or fact.office not in self._catalogue.offices:
            raise UnknownService(f"service {fact.service} at office {fact.office} is not in the catalogue")
        if service.handled_by == "external":
            return False
        try:
            canonical = parse_number(event.subject) == event.subject
        except InvalidNumber:
            canonical = False
        if not canonical:
            raise MalformedEvent("not a tracking number - at `$.subject`")
        return True

    def _fold(self, case: Case, arrivals: Sequence[Arrival]) -> list[NewEvent]:
        events = []
        for event, fact, recorded_at in arrivals:
            about = EventRef(source=event.source, id=event.id)
            # A payment cannot be reported before it was made, whatever the broker's clock says.
            for taken in take_in(case, fact, about, event.time, max(recorded_at, event.time)):
                case = evolve(case, Happened(event.time, taken))
                events.append(self._stamp.event(taken, event.subject, event.time, event.traceparent))
            if not case.exists:
                log.debug("fact_without_case", type=event.type)
        return events
