from collections.abc import AsyncIterator

import pytest

from services.intake.media import DocumentNotWhatItSays, MediaCheck, UnsupportedDocument

PDF = b"%PDF-1.7\n" + b"1 0 obj\n<< >>\nendobj\n" * 100 + b"trailer\n<< >>\nstartxref\n0\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\x00" * 2000 + b"\x00\x00\x00\x00IEND\xaeB`\x82"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + b"\x00" * 2000 + b"\xff\xd9"


async def passed(content: bytes, declared: str, step: int = 7) -> str:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), step):
            yield content[start : start + step]

    check = MediaCheck(declared)
    assert b"".join([piece async for piece in check.passing(pieces())]) == content
    return check.media_type


@pytest.mark.parametrize(
    ("content", "media_type"), [(PDF, "application/pdf"), (PNG, "image/png"), (JPEG, "image/jpeg")]
)
@pytest.mark.parametrize("step", [1, 63, 100_000])
async def test_a_document_of_an_accepted_type_passes_unchanged(content: bytes, media_type: str, step: int) -> None:
    assert await passed(content, media_type, step) == media_type


@pytest.mark.parametrize("declared", ["", "application/octet-stream"])
async def test_the_content_decides_where_nothing_is_said(declared: str) -> None:
    assert await passed(PNG, declared) == "image/png"


@pytest.mark.parametrize(
    ("content", "declared"),
    [(JPEG, "image/jpg"), (JPEG, "IMAGE/JPEG; name=x"), (PDF, "application/x-pdf")],
)
async def test_other_names_of_the_same_type_are_understood(content: bytes, declared: str) -> None:
    assert await passed(content, declared) != ""


@pytest.mark.parametrize(
    ("content", "declared"),
    [(PNG, "application/pdf"), (PDF, "image/png"), (b"hello" * 50, "image/jpeg"), (PDF, "text/html")],
)
async def test_a_document_that_is_not_what_it_says_is_refused(content: bytes, declared: str) -> None:
    with pytest.raises(DocumentNotWhatItSays):
        await passed(content, declared)


@pytest.mark.parametrize(
    "content",
    [b"<html><script>alert(1)</script>", b"MZ" + b"\x00" * 100, b"PK\x03\x04" + b"\x00" * 100, b"GIF89a" + b"\x00" * 100,
     b"a", b"\n" + PDF, b"%FDF-1.2\n" + b"x" * 100],
)  # fmt: skip
async def test_other_kinds_of_files_are_refused(content: bytes) -> None:
    with pytest.raises(UnsupportedDocument):
        await passed(content, "application/octet-stream")


@pytest.mark.parametrize("content", [PDF, PNG, JPEG])
async def test_a_document_that_is_cut_off_is_refused(content: bytes) -> None:
    with pytest.raises(DocumentNotWhatItSays):
        await passed(content[:-8], "")


@pytest.mark.parametrize("content", [PDF, PNG, JPEG])
async def test_a_document_with_another_file_behind_its_end_is_refused(content: bytes) -> None:
    with pytest.raises(DocumentNotWhatItSays):
        await passed(content + b"PK\x03\x04 and an archive", "")
