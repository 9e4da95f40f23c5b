"""How applicants prove who they are: tracking number and access code, as HTTP Basic (RFC 7617).

A wrong number and a wrong code look the same and cost the same: in both cases one row is asked for, one key is
unwrapped, one code is derived and compared in constant time. Failures are limited, per number as tried by one client
and per client; the limits are of this process.
"""

import hmac
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

from contracts.number import ALPHABET, InvalidNumber, parse_number
from services.intake.keys import ACCESS_CODE_SYMBOLS, GRANT_PREFIX
from services.intake.refusals import Refused

_MISREAD: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})

_GRANT_LIMIT: Final = 100


class AccessDenied(Refused):
    """No number and code were given, or they do not fit."""

    slug = "access-denied"


class TooManyAttempts(Refused):
    """The limit is reached. Parameters: retry_after_s."""

    slug = "too-many-attempts"


class Credentials(NamedTuple):
    """What an applicant gave. `number` is canonical, or empty where it cannot be a tracking number.

    `grant`: in place of the code, what a link by e-mail gave for some hours (`ApplicantKey.grant`).
    """

    number: str
    code: str
    grant: str = ""


def read_credentials(username: str, password: str) -> Credentials:
    """Of HTTP Basic's user name and password. What cannot be a number goes on as an unknown one, to cost the same."""
    grant = password[:_GRANT_LIMIT] if password.startswith(GRANT_PREFIX) else ""
    try:
        return Credentials(parse_number(username), normal_code(password), grant)
    except InvalidNumber:
        return Credentials("", normal_code(password), grant)


def normal_code(code: str) -> str:
    """A code as a person may type it (any case, hyphens and spaces anywhere, O for 0, I or L for 1), or '' if it is none."""
    symbols = code[:100].upper().translate(_MISREAD)
    if len(symbols) != ACCESS_CODE_SYMBOLS or set(symbols) - set(ALPHABET):
        return ""
    return symbols


def codes_match(given: str, expected: str) -> bool:
    """Whether a normalised code is the expected one, in constant time."""
    return hmac.compare_digest(given.encode(), normal_code(expected).encode())


class Rate(NamedTuple):
    """At most `burst` in a row; then one every `per_s / burst` seconds."""

    burst: int
    per_s: float


class RateLimit:
    """Token buckets by key, the least recently used forgotten beyond `most_keys`, so that memory is bounded."""

    def __init__(self, rate: Rate, clock: Callable[[], float], *, most_keys: int = 20_000) -> None:
        self._rate = rate
        self._clock = clock
        self._most_keys = most_keys
        self._buckets: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def check(self, key: object) -> None:
        """Raises `TooManyAttempts` when nothing is left for `key`; takes nothing."""
        left = self._left(key)
        if left < 1:
            wait_s = (1 - left) * self._rate.per_s / self._rate.burst
            raise TooManyAttempts(retry_after_s=max(1, math.ceil(wait_s)))

    def take(self, key: object) -> None:
        """Take one from `key`. Raises `TooManyAttempts` when nothing is left."""
        self.check(key)
        self.count(key)

    def count(self, key: object) -> None:
        """Take one from `key`, whether or not anything is left."""
        self._buckets[key] = (max(0.0, self._left(key) - 1), self._clock())
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._most_keys:
            self._buckets.popitem(last=False)

    def _left(self, key: object) -> float:
        left, since = self._buckets.get(key, (float(self._rate.burst), self._clock()))
        return min(float(self._rate.burst), left + (self._clock() - since) * self._rate.burst / self._rate.per_s)


class Attempts:
    """The failed attempts to get in."""

    def __init__(self, clock: Callable[[], float], *, per_number: Rate, per_client: Rate) -> None:
        self._per_number = RateLimit(per_number, clock)
        self._per_client = RateLimit(per_client, clock)

    def check(self, number: str, client: str) -> None:
        """Raises `TooManyAttempts` before anything is looked up."""
        self._per_number.check((number, client))
        self._per_client.check(client)

    def failed(self, number: str, client: str) -> None:
        """Count a failure. Per number *and* client: nobody can lock an applicant out by guessing at their number."""
        self._per_number.count((number, client))
        self._per_client.count(client)
