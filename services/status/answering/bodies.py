"""Finished answers, kept for as long as they are true and there is room."""

from collections import OrderedDict
from typing import Final

Key = tuple[int, str, bool]
"""What a body depends on beside the number: how many events, the projection's version, whether the deadline has passed."""

_OVERHEAD_BYTES: Final = 400
"""What a body costs beside its bytes: keys, tuples, its place in the order."""


class Bodies:
    """The latest body of each of the applications that were last asked for, in at most `size_bytes` (0: none)."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._kept: OrderedDict[str, tuple[Key, bytes]] = OrderedDict()
        self.used_bytes = 0

    def known(self, number: str) -> int:
        """Of how many events a body is kept; 0: none is."""
        held = self._kept.get(number)
        return held[0][0] if held else 0

    def get(self, number: str, key: Key) -> bytes | None:
        """The body, if the one that is kept is the one for `key`."""
        held = self._kept.get(number)
        if held is None or held[0] != key:
            return None
        self._kept.move_to_end(number)
        return held[1]

    def keep(self, number: str, key: Key, body: bytes) -> None:
        """Keep a body in place of an earlier one; whoever was not asked for the longest makes room."""
        self._drop(number)
        self._kept[number] = (key, body)
        self.used_bytes += len(body) + _OVERHEAD_BYTES
        while self.used_bytes > self._size_bytes and self._kept:
            self._drop(next(iter(self._kept)))

    def _drop(self, number: str) -> None:
        if held := self._kept.pop(number, None):
            self.used_bytes -= len(held[1]) + _OVERHEAD_BYTES
