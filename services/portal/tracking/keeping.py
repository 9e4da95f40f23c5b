"""Track pages that are kept for as long as they are true, for those who come without a session.

A page is the same for everybody who asks for the same number in the same language. Whether its events are still all, and
whether a deadline has passed, is asked of the status service at each request (`front.py`). What changes with time alone
(the range to be expected, the place, what has been waited) is told with the time it is of: such a page is made anew behind
the next one who asks once it is a minute old, before their eyes once it is ten minutes old or of yesterday.
"""

import hashlib
from collections import OrderedDict
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

from litestar.types import Scope
from msgspec import Struct

SIZE_BYTES: Final = 64 * 2**20
_OVERHEAD_BYTES: Final = 1_000
_KEY: Final = "jejak.keep"


class Keep(Struct, frozen=True):
    """That the answer to this request may be kept while the status has this entity tag: for a while unasked (`fresh`), then
    until it has been made anew, at the longest to an instant (`until`)."""

    tag: str
    fresh: datetime
    until: datetime


class Key(NamedTuple):
    """What a page depends on, beside the status."""

    number: str
    language: str
    host: bytes
    """A page names its own address."""
    packed: bool


class Kept(NamedTuple):
    """A finished answer."""

    tag: bytes
    """Of the status that it shows."""
    fresh: datetime
    until: datetime
    headers: list[tuple[bytes, bytes]]
    body: bytes
    etag: bytes
    """Its own."""


def keep(scope: Scope, what: Keep) -> None:
    """Say that the answer to the request of `scope` may be kept."""
    cast(dict[str, object], scope)[_KEY] = what


def wanted(scope: Any) -> Keep | None:
    """Whether somebody said so."""
    found = scope.get(_KEY)
    return found if isinstance(found, Keep) else None


def entity_tag(body: bytes) -> str:
    """Of a page as it goes over the wire."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


class Shelf:
    """The pages that were last asked for, in at most `size_bytes`."""

    def __init__(self, size_bytes: int = SIZE_BYTES) -> None:
        self._size_bytes = size_bytes
        self._kept: OrderedDict[Key, Kept] = OrderedDict()
        self.used_bytes = 0

    def get(self, key: Key, now: datetime) -> Kept | None:
        """The page, if it is kept and not too old."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until <= now:
            self.drop(key)
            return None
        self._kept.move_to_end(key)
        return kept

    def put(self, key: Key, kept: Kept) -> None:
        """Keep a page in place of an earlier one; who was not asked for the longest makes room."""
        self.drop(key)
        self._kept[key] = kept
        self.used_bytes += len(kept.body) + _OVERHEAD_BYTES
        while self.used_bytes > self._size_bytes and self._kept:
            self.drop(next(iter(self._kept)))

    def drop(self, key: Key) -> None:
        """Forget a page."""
        if (kept := self._kept.pop(key, None)) is not None:
            self.used_bytes -= len(kept.body) + _OVERHEAD_BYTES
