"""JSON that every reader reads alike: RFC 8259 within the limits of I-JSON (RFC 7493), with bounded nesting.

Python's and msgspec's decoders let through what others refuse or read differently: the same name twice, `NaN`, lone
surrogates, numbers beyond the exact range of a double. RFC 8785 (canonical JSON) can express none of these.
"""

import json
import math
from typing import Any, Final

MAX_DEPTH: Final = 32
_MAX_EXACT: Final = 2**53 - 1


class NotStrictJSON(ValueError):
    """The bytes are no JSON, or JSON that readers may understand differently; the message does not repeat them."""


def read_strict_json(raw: bytes) -> Any:
    """The value of `raw`. Raises `NotStrictJSON`."""
    try:
        value = _decoder.decode(str(raw, "utf-8"))
    except UnicodeDecodeError as error:
        raise NotStrictJSON(f"the text is not UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise NotStrictJSON(f"JSON is malformed (line {error.lineno}, column {error.colno})") from error
    except RecursionError as error:
        raise NotStrictJSON(f"JSON is nested more than {MAX_DEPTH} deep") from error
    _check_depth(value)
    if b"\\u" in raw:  # UTF-8 itself cannot hold half of a pair; an escape can
        _check_surrogates(value)
    return value


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
            elif isinstance(item, list):
                below += item
        if not below:
            return
        level = below
    raise NotStrictJSON(f"JSON is nested more than {MAX_DEPTH} deep")


def _check_surrogates(value: Any) -> None:
    """Names and values alike. The nesting is known to be bounded."""
    if isinstance(value, dict):
        for name, inner in value.items():
            _check_surrogates(name)
            _check_surrogates(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_surrogates(inner)
    elif isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise NotStrictJSON("a text has half of a surrogate pair") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) != len(pairs):
        raise NotStrictJSON("an object has the same name twice")
    return named


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > _MAX_EXACT:
        raise NotStrictJSON("a number is beyond 2^53-1, where readers differ")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise NotStrictJSON("a number is too large")
    return number


def _constant(name: str) -> Any:
    raise NotStrictJSON(f"{name} is no JSON")


_decoder: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)
