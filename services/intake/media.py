"""What a document is, decided by its content: PDF, JPEG or PNG, whole, and nothing else behind or inside it.

`puremagic` names the beginning; the checks here are the cheap ones against files that are two things at once: the
signature stands at the first byte, the format's own end stands at the end, and what the office's browser would be
offered is fixed to one of three media types (with `nosniff`).
"""

from collections.abc import AsyncIterator
from typing import Final

import puremagic

from services.intake.refusals import Refused

PDF: Final = "application/pdf"
JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
GENERIC: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""Declared types that say nothing, so that the content alone decides."""
ALIASES: Final = {"image/jpg": JPEG, "image/pjpeg": JPEG, "application/x-pdf": PDF, "image/x-png": PNG}

HEAD_BYTES: Final = 64
"""How much of the beginning is needed to decide the type."""
TAIL_BYTES: Final = 1024
"""How much of the end is needed to see the format's end; PDF readers look for `%%EOF` in the last 1,024 bytes."""

_SIGNATURES: Final = {PDF: b"%PDF-", JPEG: b"\xff\xd8\xff", PNG: b"\x89PNG\r\n\x1a\n"}
_PNG_END: Final = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_JPEG_END: Final = b"\xff\xd9"


class UnsupportedDocument(Refused):
    """By its content it is no PDF, JPEG or PNG."""

    slug = "unsupported-document"


class DocumentNotWhatItSays(Refused):
    """Content and declared type differ, or the content does not end as its type must. Parameters: declared, found."""

    slug = "document-not-what-it-says"


def detect(head: bytes) -> str | None:
    """The media type of a document that begins with `head`, or `None` where it is none of the three."""
    try:
        named = {match.mime_type for match in puremagic.magic_string(head)}
    except (puremagic.PureError, ValueError):
        return None
    for media_type, signature in _SIGNATURES.items():
        if media_type in named and head.startswith(signature):
            return media_type
    return None


def check_head(declared: str, head: bytes) -> str:
    """The media type. Raises `UnsupportedDocument`, or `DocumentNotWhatItSays` when `declared` says another."""
    media_type = detect(head)
    said = declared.partition(";")[0].strip().lower()
    said = ALIASES.get(said, said)
    if media_type is None:
        if said in _SIGNATURES:
            raise DocumentNotWhatItSays(declared=said, found="its content is neither PDF nor JPEG nor PNG")
        raise UnsupportedDocument()
    if said not in GENERIC and said != media_type:
        raise DocumentNotWhatItSays(declared=said[:100], found=f"its content is {media_type}")
    return media_type


def check_tail(media_type: str, tail: bytes) -> None:
    """Raises `DocumentNotWhatItSays` when a document that ends with `tail` is cut off or has something behind its end."""
    match media_type:
        case "application/pdf":
            whole = b"%%EOF" in tail and not tail.rpartition(b"%%EOF")[2].strip(b"\r\n\t \x00")
        case "image/png":
            whole = tail.endswith(_PNG_END)
        case _:
            whole = tail.rstrip(b"\x00").endswith(_JPEG_END)
    if not whole:
        raise DocumentNotWhatItSays(declared=media_type, found="it is cut off, or something follows its end")


class MediaCheck:
    """Looks at a document while it streams through. `media_type` is known once the beginning has passed."""

    def __init__(self, declared: str) -> None:
        self._declared = declared
        self.media_type = ""

    async def passing(self, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """`content` unchanged, from when its type is known. Raises as `check_head` and, at the end, `check_tail`."""
        head, tail = b"", b""
        async for piece in content:
            tail = (tail + piece)[-TAIL_BYTES:]
            if self.media_type:
                yield piece
                continue
            head += piece
            if len(head) >= HEAD_BYTES:
                self.media_type = check_head(self._declared, head)
                yield head
        if not self.media_type:
            self.media_type = check_head(self._declared, head)
            yield head
        check_tail(self.media_type, tail)
