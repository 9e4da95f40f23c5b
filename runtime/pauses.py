"""How long to wait before the same is tried again. Light: a command of the terminal can use it without a driver."""

import asyncio
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRY_AFTER_MAX_S = 5.0


def backoff(first_s: float = 0.05, most_s: float = 5.0) -> Iterator[float]:
    """Waiting times in seconds: doubling up to `most_s`, each spread over its upper half so that many do not retry at once."""
    delay = first_s
    while True:
        yield delay * random.uniform(0.5, 1.0)  # noqa: S311 - spreading retries needs no secrecy
        delay = min(delay * 2, most_s)


async def pause(delays: Iterator[float]) -> None:
    """Wait for the next of `delays`."""
    await asyncio.sleep(next(delays))


def retry_after_s(header: str | None, *, otherwise_s: float, most_s: float = RETRY_AFTER_MAX_S) -> float:
    """Seconds to wait by a `Retry-After` header, in seconds or as a date (RFC 9110, 10.2.3), at most `most_s`."""
    if header is None:
        return otherwise_s
    if header.strip().isdigit():
        return min(float(header), most_s)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return otherwise_s
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max((at - datetime.now(UTC)).total_seconds(), 0.0), most_s)
