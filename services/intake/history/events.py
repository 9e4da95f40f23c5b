"""A row of history as the CloudEvent that goes through admission: a pure function of the row, the mapping and one secret.

Being a function makes an import resumable: what is sent again has the same `source` and `id`, and admission knows it.
"""

import base64
import hashlib
import hmac
from functools import lru_cache
from typing import NamedTuple

import msgspec

from contracts.number import RANDOM_BYTES, format_number
from services.intake.history.mapping import HistoryMapping, Unreadable
from services.intake.history.reading import Row


class HistoryEvent(NamedTuple):
    """An event to be sent: where it belongs, when it happened (microseconds since 1970), its structured-mode bytes."""

    number: str
    at_us: int
    type: str
    body: bytes


class Translation:
    """Rows into events, for one mapping.

    `source` is the office's source, `prefix` begins its tracking numbers. `number_key` makes the numbers: whoever does not
    have it cannot find the number of an application from what the older system called it.
    """

    def __init__(self, mapping: HistoryMapping, *, source: str, prefix: str, number_key: bytes) -> None:
        self._mapping = mapping
        self._source = f"{source}/history/{mapping.file.system}"
        self._prefix = prefix
        self._key = number_key
        self._number = lru_cache(maxsize=10_000)(self._new_number)
        self._seen: dict[bytes, int] = {}

    def event(self, row: Row) -> HistoryEvent:
        """The event of `row`. Raises `Unreadable`."""
        if row.fault:
            raise Unreadable(row.fault)
        columns = self._mapping.file.columns
        application = row.columns[columns.application].strip()
        if not application:
            raise Unreadable(f"column {columns.application!r} is empty: it belongs to no application")
        at = self._mapping.time(row.columns[columns.time])
        fact = self._mapping.fact(row.columns)
        number = self._number(application)
        event = {
            "specversion": "1.0",
            "id": self._id(application, row.columns),
            "source": self._source,
            "type": fact.TYPE,
            "subject": number,
            "time": at,
            "datacontenttype": "application/json",
            "data": fact,
        }
        return HistoryEvent(number, int(at.timestamp() * 1_000_000), fact.TYPE, msgspec.json.encode(event))

    def _new_number(self, application: str) -> str:
        digest = hmac.digest(self._key, f"{self._source}\0{application}".encode(), "sha256")
        return format_number(self._prefix, digest[:RANDOM_BYTES])

    def _id(self, application: str, columns: dict[str, str]) -> str:
        """The line's own id where it has one; otherwise its content and how many equal lines came before it."""
        own = columns.get(self._mapping.file.columns.event or "", "").strip()
        content = f"{application}\0{own}" if own else "\0".join(f"{k}\0{v}" for k, v in sorted(columns.items()))
        digest = hashlib.sha256(content.encode()).digest()[:18]
        count = 0
        if not own:
            count = self._seen.get(digest, 0)
            self._seen[digest] = count + 1
        text = base64.urlsafe_b64encode(digest).decode()
        return f"{text}.{count}" if count else text
