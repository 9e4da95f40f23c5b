"""A file from a plain HTML form (multipart/form-data, RFC 7578), streamed: nothing of it is kept in memory or on disk here.

The form's fields come before the file, its token among them, so that a foreign form is refused before a byte of a file is
looked at. A file that goes beyond the limit is refused where it does; a little of the rest is read and thrown away, so
that the browser comes to read the answer, and then the connection ends. File names are never looked at.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any, Final

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.portal.forms import FormTooLarge, FormUnreadable
from services.portal.visit import Visit

FIELDS_BYTES: Final = 16 * 1024
"""What all fields before the file may have together."""
ENVELOPE_BYTES: Final = 32 * 1024
"""What a form may have around the file: fields, headers, boundaries."""
DRAINED_BYTES: Final = 24 * 1024 * 1024
DRAINED_S: Final = 4.0
"""How much of a file that is too large is still taken off the line, for how long at most."""
_MOST_FIELDS: Final = 20


class FileTooLarge(Exception):
    """The file goes beyond the limit. What it came in must not be used again: answer, and end the connection."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(limit_bytes)
        self.limit_bytes = limit_bytes


class Incoming:
    """A form with a file: its fields, then the file's declared type and content. `media_type` is empty where none came."""

    def __init__(self, fields: dict[str, str], media_type: str, content: AsyncIterator[bytes]) -> None:
        self.fields = fields
        self.media_type = media_type
        self.content = content


async def multipart(visit: Visit, limit_bytes: int) -> Incoming:
    """The form that `visit` sends, up to its file, whose content is read on from here by the caller.

    Raises `ForeignForm`, `FormUnreadable`, `FormTooLarge`, and `FileTooLarge`, also while the content is read.
    """
    visit.refuse_foreign()
    request = visit.request
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise FormUnreadable
    announced = request.headers.get("content-length", "")
    parts = _Parts(options[b"boundary"])
    stream = request.stream()
    try:
        await parts.read_fields(stream)
        visit.check_token(parts.fields.get("csrf", ""))
    except BaseException:
        await drain(stream)
        raise
    if announced.isascii() and announced.isdigit() and int(announced) > limit_bytes + ENVELOPE_BYTES:
        await drain(stream)
        raise FileTooLarge(limit_bytes)
    return Incoming(parts.fields, parts.media_type, parts.content(stream, limit_bytes))


async def drain(stream: AsyncIterator[bytes]) -> None:
    """Take some of what still comes off the line, so that the sender gets to read the answer."""
    taken = 0
    try:
        async with asyncio.timeout(DRAINED_S):
            async for piece in stream:
                taken += len(piece)
                if taken > DRAINED_BYTES:
                    return
    except Exception:  # noqa: S110 — whatever breaks here, the answer stands: the sender is gone, or too slow
        pass


class _Parts:
    """The push parser's events as they are needed: fields first, then the pieces of the one file."""

    def __init__(self, boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self.media_type = ""
        self._pieces: deque[bytes] = deque()
        self._file_begun = self._file_ended = self._ended = False
        self._name = ""
        self._is_file = False
        self._value = bytearray()
        self._fields_bytes = 0
        self._header = (bytearray(), bytearray())
        self._headers: dict[str, str] = {}
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    async def read_fields(self, stream: AsyncIterator[bytes]) -> None:
        """Up to where the file begins, or the form ends without one. Raises `FormUnreadable`, `FormTooLarge`."""
        while not (self._file_begun or self._ended):
            piece = await anext(stream, None)
            if piece is None:
                raise FormUnreadable
            self._write(piece)

    async def content(self, stream: AsyncIterator[bytes], limit_bytes: int) -> AsyncIterator[bytes]:
        """The file, piece by piece. Raises `FileTooLarge`, and `FormUnreadable` where the form ends in its middle."""
        passed = 0
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                passed += len(piece)
                if passed > limit_bytes:
                    await drain(stream)
                    raise FileTooLarge(limit_bytes)
                yield piece
            if self._file_ended or self._ended:
                return
            more = await anext(stream, None)
            if more is None:
                raise FormUnreadable
            self._write(more)

    def _write(self, piece: bytes) -> None:
        try:
            self._parser.write(piece)
        except MultipartParseError:
            raise FormUnreadable from None

    def _on_part_begin(self) -> None:
        self._headers, self._value, self._is_file = {}, bytearray(), False
        self._header = (bytearray(), bytearray())

    def _on_header_end(self) -> None:
        name, value = (bytes(part).decode("utf-8", "replace") for part in self._header)
        self._headers[name.lower()] = value
        self._header = (bytearray(), bytearray())

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", ""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._is_file = b"filename" in options
        if self._is_file and not self._file_begun:
            self._file_begun = True
            self.media_type = self._headers.get("content-type", "")[:100]

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if not self._is_file:
            self._fields_bytes += end - start
            if self._fields_bytes > FIELDS_BYTES or len(self.fields) >= _MOST_FIELDS:
                raise FormTooLarge
            self._value += data[start:end]
        elif not self._file_ended:
            self._pieces.append(data[start:end])

    def _on_part_end(self) -> None:
        if self._is_file:
            self._file_ended = True
        elif not self._file_begun:
            self.fields.setdefault(self._name, self._value.decode("utf-8", "replace").strip())

    def _on_end(self) -> None:
        self._ended = True


async def counted(content: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """The first piece, empty where nothing was chosen or the file is empty, and all of the content with it."""
    first = b""
    async for piece in content:
        if piece:
            first = piece
            break

    async def whole() -> AsyncIterator[bytes]:
        if first:
            yield first
        async for piece in content:
            yield piece

    return first, whole()


def ending(headers: dict[str, Any] | None = None) -> dict[str, str]:
    """Headers of an answer after which the connection is closed, because the rest of the request was not read."""
    return {**(headers or {}), "Connection": "close"}
