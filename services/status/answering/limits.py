"""How often one client may look something up: a token bucket a client, in memory, bounded."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_CLIENTS: Final = 50_000


class RateLimit:
    """`per_s` look-ups a second in the long run, `burst` at once. `per_s` 0: no limit."""

    def __init__(self, per_s: float, burst: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._per_s = per_s
        self._burst = burst
        self._monotonic = monotonic
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Count one look-up of `client`: 0 when it is allowed, else the seconds until the next one is."""
        if self._per_s == 0:
            return 0.0
        now = self._monotonic()
        tokens, since = self._buckets.pop(client, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - since) * self._per_s)
        allowed = tokens >= 1
        self._buckets[client] = (tokens - 1 if allowed else tokens, now)
        if len(self._buckets) > _CLIENTS:
            self._buckets.popitem(last=False)  # who has not asked for the longest has a full bucket, or nearly
        return 0.0 if allowed else (1 - tokens) / self._per_s
