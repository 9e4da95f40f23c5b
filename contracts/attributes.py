"""The rules for the attributes of a CloudEvent that comes from outside: names, types, lengths and what each must be.

Source: CloudEvents 1.0.2, "Context Attributes" and "Type System"; RFC 3986 (URI-reference); RFC 3339.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from contracts.envelope import (
    MAX_ATTRIBUTE_LENGTH,
    MalformedEvent,
    check_characters,
    decode_salt,
    in_utc,
    is_json,
)

Value = str | int | bool
"""What an attribute may hold in the JSON format: String, Boolean, or Integer of 32 bits."""

_REQUIRED: Final = ("specversion", "id", "source", "type", "time")
_LONGEST: Final = dict.fromkeys(
    ("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "traceparent", "salt"),
    MAX_ATTRIBUTE_LENGTH,
) | {"tracestate": 512}
"""The attributes that are a text, with the most characters that each may have."""
_name: Final = re.compile(r"[a-z0-9]+", re.ASCII)
MAX_NAME_LENGTH: Final = 64
_pchar: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_uri_reference: Final = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.-]*:|(?![^/?#]*:))"
    rf"(?://(?:{_pchar}|\[[0-9A-Fa-fv:.]+\])*(?=[/?#]|\Z))?"
    rf"(?:{_pchar}|/)*(?:\?(?:{_pchar}|[/?])*)?(?:\#(?:{_pchar}|[/?])*)?"
)


def checked_attributes(attributes: dict[str, Any]) -> dict[str, Value]:
    """The attributes with `time` in UTC. Raises `MalformedEvent` for the first that breaks a rule."""
    for name, value in attributes.items():
        if name in _LONGEST:
            _check_text(name, value, _LONGEST[name])
        else:
            _check_extension(name, value)
    for name in _REQUIRED:
        if name not in attributes:
            raise MalformedEvent("a required attribute is missing" + place(name))
    if attributes["specversion"] != "1.0":
        raise MalformedEvent("specversion is not 1.0" + place("specversion"))
    if not _is_uri_reference(attributes["source"]):
        raise MalformedEvent("the source is no URI-reference" + place("source"))
    if "datacontenttype" in attributes and not _says_json(attributes["datacontenttype"]):
        raise MalformedEvent("the data is not JSON" + place("datacontenttype"))
    if "salt" in attributes:
        decode_salt(attributes["salt"])
    return attributes | {"time": _utc_text(attributes["time"])}


def _check_extension(name: str, value: Any) -> None:
    if len(name) > MAX_NAME_LENGTH or not _name.fullmatch(name):
        raise MalformedEvent("an attribute's name has lower-case letters a-z and digits only - at `$`")
    if isinstance(value, str):
        check_characters(name, value)
    elif not isinstance(value, bool | int):
        raise MalformedEvent("an attribute is a text, a boolean or an integer" + place(name))
    elif not -(2**31) <= value < 2**31:
        raise MalformedEvent("an attribute that is an integer has at most 32 bits" + place(name))


def _check_text(name: str, value: Any, longest: int) -> None:
    if not isinstance(value, str):
        raise MalformedEvent("this attribute is a text" + place(name))
    check_characters(name, value)
    if not 1 <= len(value) <= longest:
        raise MalformedEvent(f"this attribute has 1 to {longest} characters" + place(name))


@lru_cache(maxsize=256)
def _is_uri_reference(source: str) -> bool:
    """Remembered: a publisher has one source for its many events."""
    return _uri_reference.fullmatch(source) is not None


_says_json: Final = lru_cache(maxsize=256)(is_json)


def _utc_text(time: str) -> str:
    try:
        instant = msgspec.convert(time, datetime)
    except msgspec.ValidationError as error:
        raise MalformedEvent("the time is not as RFC 3339 has it" + place("time")) from error
    return str(msgspec.to_builtins(in_utc(instant)))


def place(name: str) -> str:
    """Where in an event, as the end of a message."""
    return f" - at `$.{name[:MAX_NAME_LENGTH]}`"
