"""Facts become events: what identifies each one, and the bytes that are stored and published."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from contracts.envelope import SALT_BYTES, encode_event, new_salt
from contracts.facts import Fact
from runtime.eventstore import NewEvent
from runtime.trace import current_traceparent


def _new_id() -> str:
    return str(uuid4())


@dataclass(frozen=True, slots=True)
class Stamp:
    """Writes facts as this service's CloudEvents. `source` names the service."""

    source: str
    new_id: Callable[[], str] = _new_id
    random: Callable[[int], bytes] = os.urandom

    def event(self, fact: Fact, number: str, at: datetime, traceparent: str | None = None) -> NewEvent:
        """One event about the application `number` that happened `at`."""
        state = encode_event(
            fact,
            id=self.new_id(),
            source=self.source,
            subject=number,
            time=at,
            salt=new_salt(self.random(SALT_BYTES)),
            traceparent=traceparent or current_traceparent(),
        )
        return NewEvent(fact.TYPE, state)
