"""What arrives from Kafka: events become planned deliveries, in the transaction that moves the inbox's position."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from contracts.catalogue import Catalogue
from contracts.envelope import Event, MalformedEvent, decode_event, decode_fact
from contracts.facts import PersonalDataErased
from runtime.database import Connection
from runtime.records import Record
from services.notify.domain import EMAIL, PUSH, Policy, State, delivery_id
from services.notify.telling import Application, News, Planned, Skip, concerns, plan, remember

SELECT_APPLICATIONS: Final = "SELECT number, service, office, followed, erased FROM applications WHERE number = ANY($1)"
UPSERT_APPLICATIONS: Final = """
INSERT INTO applications (number, service, office, followed, erased)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::boolean[])
ON CONFLICT (number) DO UPDATE
SET service = excluded.service, office = excluded.office, followed = excluded.followed, erased = excluded.erased
"""
INSERT_DELIVERIES: Final = """
INSERT INTO deliveries (id, number, about_source, about_id, channel, template, event, recorded_at, state, reason,
                        attempts_allowed, due_at, planned_at, closed_at, subscription)
SELECT id, number, source, about, channel, template, event, recorded_at, state, reason, $9, $8, $8,
       CASE WHEN state = 'skipped' THEN $8::timestamptz END, subscription
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::timestamptz[],
            $10::text[], $11::text[], $12::text[], $13::uuid[])
     WITH ORDINALITY AS planned (id, number, source, about, template, event, recorded_at, state, reason, channel,
                                 subscription, place)
ORDER BY place
ON CONFLICT DO NOTHING
"""
SKIP_ERASED: Final = """
UPDATE deliveries SET state = 'skipped', reason = $2, closed_at = $3, lease = NULL, leased_until = NULL
WHERE number = ANY($1) AND state = 'waiting' AND NOT in_flight
"""


DELETE_SUBSCRIPTIONS: Final = "DELETE FROM subscriptions WHERE number = ANY($1)"
SELECT_SUBSCRIPTIONS: Final = "SELECT number, id FROM subscriptions WHERE number = ANY($1) ORDER BY created_at, id"


@dataclass(frozen=True, slots=True)
class _Row:
    id: UUID
    channel: str
    subscription: UUID | None
    event: Event
    raw: bytes | None
    recorded_at: datetime
    planned: Planned


class Planner:
    """Plans deliveries. `clock` gives the present time in UTC: how old an event is on arrival decides whether it is news."""

    def __init__(self, catalogue: Catalogue, *, policy: Policy, news: News, clock: Callable[[], datetime]) -> None:
        self._services = catalogue.services
        self._policy = policy
        self._news = news
        self._clock = clock

    @staticmethod
    def concerns(record: Record) -> bool:
        """Whether anything comes of `record`. Raises `MalformedEvent` for what cannot be read."""
        _, fact = _read(record)
        return concerns(fact)

    async def handle(self, connection: Connection, records: Sequence[Record]) -> None:
        """Plan what is to be told after `records`. Raises `MalformedEvent` for what cannot be read; nothing is written then.

        One by e-mail, and one to each browser that subscribed to the application. Idempotent: a delivery about the same event
        over the same channel to the same place is planned once.
        """
        arrived_at = self._clock()
        events = [(record, *_read(record)) for record in records]
        known = await _applications(connection, {event.subject for _, event, _ in events})
        listening = await _subscriptions(connection, {event.subject for _, event, _ in events})
        before = dict(known)
        rows: list[_Row] = []
        for record, event, fact in events:
            application = known.get(event.subject, Application(event.subject))
            application = remember(application, fact, happened_at=event.time, arrived_at=arrived_at, news=self._news)
            known[event.subject] = application
            planned = plan(
                application,
                fact,
                happened_at=event.time,
                arrived_at=arrived_at,
                handled_elsewhere=self._handled_elsewhere(application),
                news=self._news,
            )
            if planned is not None:
                rows.append(_row(record, event, planned, EMAIL, None))
            if planned is not None and planned.skipped is None:
                rows += [_row(record, event, planned, PUSH, one) for one in listening.get(event.subject, ())]
        await _store_applications(connection, [a for number, a in known.items() if before.get(number) != a])
        await self._store_deliveries(connection, rows, arrived_at)
        erased = [event.subject for _, event, fact in events if isinstance(fact, PersonalDataErased)]
        if erased:
            await connection.execute(SKIP_ERASED, erased, Skip.ERASED, arrived_at)
            await connection.execute(DELETE_SUBSCRIPTIONS, erased)

    def _handled_elsewhere(self, application: Application) -> bool:
        service = self._services.get(application.service or "")
        return service is not None and service.handled_by == "external"

    async def _store_deliveries(self, connection: Connection, rows: Sequence[_Row], at: datetime) -> None:
        if not rows:
            return
        await connection.execute(
            INSERT_DELIVERIES,
            [row.id for row in rows],
            [row.event.subject for row in rows],
            [row.event.source for row in rows],
            [row.event.id for row in rows],
            [row.planned.template for row in rows],
            [row.raw for row in rows],
            [row.recorded_at for row in rows],
            at,
            self._policy.attempts,
            [(State.SKIPPED if row.planned.skipped else State.WAITING).value for row in rows],
            [row.planned.skipped for row in rows],
            [row.channel for row in rows],
            [row.subscription for row in rows],
        )


def _row(record: Record, event: Event, planned: Planned, channel: str, subscription: UUID | None) -> _Row:
    return _Row(
        id=delivery_id(event.source, event.id, channel, subscription),
        channel=channel,
        subscription=subscription,
        event=event,
        raw=None if planned.skipped else record.value,
        recorded_at=datetime.fromtimestamp(record.timestamp_ms / 1000, UTC),
        planned=planned,
    )


def _read(record: Record) -> tuple[Event, Any]:
    if record.value is None:
        raise MalformedEvent("the record has no value")
    event = decode_event(record.value)
    return event, decode_fact(event)


async def _applications(connection: Connection, numbers: set[str]) -> dict[str, Application]:
    rows = await connection.fetch(SELECT_APPLICATIONS, list(numbers))
    return {row["number"]: Application(*row) for row in rows}


async def _subscriptions(connection: Connection, numbers: set[str]) -> dict[str, list[UUID]]:
    found: dict[str, list[UUID]] = {}
    for number, subscription in await connection.fetch(SELECT_SUBSCRIPTIONS, list(numbers)):
        found.setdefault(number, []).append(subscription)
    return found


async def _store_applications(connection: Connection, applications: Sequence[Application]) -> None:
    if applications:
        await connection.execute(
            UPSERT_APPLICATIONS,
            [one.number for one in applications],
            [one.service for one in applications],
            [one.office for one in applications],
            [one.followed for one in applications],
            [one.erased for one in applications],
        )
