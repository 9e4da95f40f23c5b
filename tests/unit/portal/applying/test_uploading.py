from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.portal.applying import uploading
from services.portal.applying.uploading import FileTooLarge, counted, multipart
from services.portal.forms import ForeignForm, FormTooLarge, FormUnreadable

BOUNDARY = "----x"
LIMIT = 1_000_000


class Request:
    """A request whose body is made as it is read, and counts what was taken."""

    def __init__(self, pieces: Any, headers: dict[str, str] | None = None) -> None:
        self.headers = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", **(headers or {})}
        self._pieces = pieces
        self.taken_bytes = 0

    async def stream(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.taken_bytes += len(piece)
            yield piece


class Visit:
    """As much of a visit as an upload needs; its form's token is `right`."""

    def __init__(self, request: Request) -> None:
        self.request = request

    def refuse_foreign(self) -> None:
        pass

    def check_token(self, token: str) -> None:
        if token != "right":
            raise ForeignForm


def part(name: str, content: bytes, file: str | None = None, media_type: str = "image/png") -> bytes:
    said = f'Content-Disposition: form-data; name="{name}"' + (f'; filename="{file}"' if file is not None else "")
    kind = f"\r\nContent-Type: {media_type}" if file is not None else ""
    return f"--{BOUNDARY}\r\n{said}{kind}\r\n\r\n".encode() + content + b"\r\n"


def body(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


async def taken(pieces: Any, limit: int = LIMIT, **headers: str) -> tuple[uploading.Incoming, bytes]:
    return await read(Request(pieces, headers), limit)


async def read(request: Request, limit: int = LIMIT) -> tuple[uploading.Incoming, bytes]:
    incoming = await multipart(Visit(request), limit)  # type: ignore[arg-type]
    return incoming, b"".join([piece async for piece in incoming.content])


@pytest.mark.parametrize("size", [1, 3, 17, 1000])
async def test_a_file_comes_out_as_it_was_sent_however_the_network_cuts_it(size: int) -> None:
    content = b"\r\n--almost a boundary\r\n----x" + bytes(range(256)) * 3
    whole = body(part("csrf", b"right"), part("file", content, "../../etc/passwd"))
    pieces = [whole[at : at + size] for at in range(0, len(whole), size)]
    incoming, found = await taken(pieces)
    assert found == content
    assert incoming.fields == {"csrf": "right"}
    assert incoming.media_type == "image/png"


async def test_of_several_files_only_the_first_is_taken() -> None:
    whole = body(part("csrf", b"right"), part("file", b"one", "a"), part("file", b"two", "b"))
    assert (await taken([whole]))[1] == b"one"


async def test_a_form_without_its_token_is_refused_before_a_byte_of_the_file() -> None:
    for parts in (
        [part("file", b"x" * 10, "a"), part("csrf", b"right")],
        [part("csrf", b"no"), part("file", b"x", "a")],
    ):
        with pytest.raises(ForeignForm):
            await taken([body(*parts)])


async def test_a_file_beyond_the_limit_is_stopped_where_it_goes_beyond() -> None:
    pieces = [part("csrf", b"right"), part("file", b"", "a")[:-2], *[bytes(100_000)] * 20]
    with pytest.raises(FileTooLarge):
        await taken(iter(pieces))


async def test_four_gigabytes_are_not_read_to_their_end() -> None:
    def endless() -> Any:
        yield part("csrf", b"right") + part("file", b"", "a")[:-2]
        piece = bytes(1024 * 1024)
        for _ in range(4096):
            yield piece

    for headers in ({}, {"content-length": str(4 * 1024**3)}):
        request = Request(endless(), headers)
        with pytest.raises(FileTooLarge):
            await read(request)
        assert request.taken_bytes < 40 * 1024 * 1024


async def test_a_form_that_breaks_off_or_is_none_is_unreadable() -> None:
    whole = body(part("csrf", b"right"), part("file", b"content", "a"))
    for pieces, headers in [
        ([whole[:-40]], {}),
        ([whole[:60]], {}),
        ([b"not multipart at all"], {}),
        ([whole], {"content-type": "application/x-www-form-urlencoded"}),
        ([whole], {"content-type": "multipart/form-data"}),
    ]:
        with pytest.raises(FormUnreadable):
            await taken(pieces, **headers)


async def test_fields_cannot_grow_without_bound() -> None:
    with pytest.raises(FormTooLarge):
        await taken([part("csrf", b"right"), part("more", bytes(20_000))])
    with pytest.raises(FormTooLarge):
        await taken([part(f"f{n}", b"x") for n in range(30)])


async def test_a_form_in_which_no_file_was_chosen_has_no_content() -> None:
    incoming = await multipart(
        Visit(Request([body(part("csrf", b"right"), part("file", b"", "", "application/octet-stream"))])),  # type: ignore[arg-type]
        LIMIT,
    )
    first, content = await counted(incoming.content)
    assert first == b""
    assert [piece async for piece in content] == []
