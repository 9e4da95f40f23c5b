"""An application's stream: facts to stored CloudEvents and back. What is stored is what goes to the log, byte for byte."""

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from contracts.envelope import SALT_BYTES, decode_event, encode_event, new_salt
from contracts.facts import Fact
from runtime.eventstore import NewEvent, StreamEvent
from runtime.trace import current_traceparent
from services.intake.domain import STORED_FACTS, Application, evolve

_decoders: Final = {name: msgspec.json.Decoder(fact) for name, fact in STORED_FACTS.items()}


def write(facts: Sequence[Fact], *, number: str, at: datetime, source: str) -> list[NewEvent]:
    """The facts, which happened at `at`, as they are appended."""
    return [
        NewEvent(
            fact.TYPE,
            encode_event(
                fact,
                id=str(uuid.uuid4()),
                source=source,
                subject=number,
                time=at,
                salt=new_salt(secrets.token_bytes(SALT_BYTES)),
                traceparent=current_traceparent(),
            ),
        )
        for fact in facts
    ]


def read(history: Sequence[StreamEvent]) -> Application | None:
    """The application that the stream tells of; `None` for an empty one. Types that are no longer known change nothing."""
    application: Application | None = None
    for stored in history:
        decoder = _decoders.get(stored.type)
        if decoder is not None:
            event = decode_event(stored.state)
            application = evolve(application, event.subject, decoder.decode(event.data), event.time)
    return application
