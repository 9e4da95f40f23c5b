"""Pages of a list: opaque cursors and `Link: <…>; rel="next"` (RFC 8288).

A cursor is the place where the page before ended, as base64url of JSON. It is not secret and not signed: whoever makes
one up sees another page of what he may see anyway, or a 400.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from litestar import Request

from runtime import problems
from runtime.problems import instance_of

LIMIT_DEFAULT = 50
LIMIT_MAX = 200
_CURSOR_LIMIT_CHARS = 1024

T = TypeVar("T")


def encode_cursor(place: object) -> str:
    """The cursor that stands for `place`, anything that msgspec writes as JSON."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, type: type[T]) -> T | None:
    """The place that `cursor` stands for; `None` for the first page. 400 where it is none of ours."""
    if cursor is None:
        return None
    try:
        if len(cursor) > _CURSOR_LIMIT_CHARS:
            raise ValueError("too long")
        padded = cursor + "=" * (-len(cursor) % 4)
        return msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=type)
    except (ValueError, binascii.Error, msgspec.DecodeError):
        raise problems.bad_request(
            "Take the cursor as it stands in the Link header of the page before, or leave it out.",
            slug="cursor",
            title="The cursor is not valid",
        ) from None


def next_link(request: Request[Any, Any, Any], place: object | None) -> Mapping[str, str]:
    """The `Link` header to the page after `place`, keeping the other query parameters; empty on the last page."""
    if place is None:
        return {}
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    query = urlencode([*kept, ("cursor", encode_cursor(place))])
    return {"Link": f'<{instance_of(request)}?{query}>; rel="next"'}
