"""Conditional requests (RFC 9110, 13): `ETag`, `If-None-Match` on reads, `If-Match` on commands.

Our tags are strong: they name a version of the resource, so `If-Match` is an optimistic lock.
"""

from __future__ import annotations

import re
from typing import Any

from litestar import Request, Response

from runtime import problems

_TAGS = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')


def etag(version: object) -> str:
    """The strong entity tag of a version (a number, a digest); ASCII without quotes."""
    tag = f'"{version}"'
    if not _TAGS.fullmatch(tag):
        raise ValueError(f"no entity tag can be made of {version!r}")
    return tag


def is_unchanged(request: Request[Any, Any, Any], tag: str) -> bool:
    """Whether the caller has this version already (`If-None-Match`, weak comparison as the RFC asks for reads)."""
    sent = request.headers.get("If-None-Match")
    return sent is not None and (sent.strip() == "*" or any(f'"{opaque}"' == tag for _, opaque in _read(sent)))


def not_modified(tag: str, **headers: str) -> Response[Any]:
    """The 304 answer, without a body; give it the headers that the 200 would have had (Cache-Control, Vary)."""
    return Response(None, status_code=304, headers={"ETag": tag, **headers})


def require_match(request: Request[Any, Any, Any], tag: str) -> None:
    """Go on only where `If-Match` names the present version: 428 where it is missing, 412 where it is another.

    Strong comparison: a weak tag never matches. `*` matches whatever is there.
    """
    sent = request.headers.get("If-Match")
    if sent is None:
        raise problems.precondition_required("Send If-Match with the ETag that you read.", slug="if-match-missing")
    if sent.strip() == "*" or any(not weak and f'"{opaque}"' == tag for weak, opaque in _read(sent)):
        return
    raise problems.precondition_failed(
        "The present version is another one. Read it again and decide again.", headers={"ETag": tag}
    )


def matched_version(request: Request[Any, Any, Any]) -> int | None:
    """The version number that `If-Match` names, for commands that check it when they append; `None` for `*`.

    428 where the header is missing, 412 where it is no version number of ours.
    """
    sent = request.headers.get("If-Match")
    if sent is None:
        raise problems.precondition_required("Send If-Match with the ETag that you read.", slug="if-match-missing")
    if sent.strip() == "*":
        return None
    match _read(sent):
        case [(weak, opaque)] if not weak and opaque.isascii() and opaque.isdigit():
            return int(opaque)
    raise problems.precondition_failed("If-Match is not an ETag of this resource. Read it again.")


def _read(header: str) -> list[tuple[str, str]]:
    return _TAGS.findall(header)
