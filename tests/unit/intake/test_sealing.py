from collections.abc import AsyncIterator, Iterable

import pytest

from services.intake.keys import SealBroken
from services.intake.sealing import CHUNK_BYTES, TAG_BYTES, seal_stream, unseal_stream

KEY = bytes(range(32))
SEALED_CHUNK = CHUNK_BYTES + TAG_BYTES


async def pieces(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def sealed(content: bytes, document: str = "d", step: int = 10_000) -> bytes:
    parts = [content[start : start + step] for start in range(0, len(content), step)]
    return b"".join([chunk async for chunk in seal_stream(KEY, document, pieces(parts))])


async def opened(ciphertext: bytes, document: str = "d", key: bytes = KEY, step: int = 33_333) -> bytes:
    parts = [ciphertext[start : start + step] for start in range(0, len(ciphertext), step)]
    return b"".join([chunk async for chunk in unseal_stream(key, document, pieces(parts))])


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 200_001])
async def test_content_of_any_size_comes_out_as_it_went_in(size: int) -> None:
    content = bytes(index % 251 for index in range(size))
    assert await opened(await sealed(content)) == content


async def test_how_the_content_is_cut_on_its_way_makes_no_difference() -> None:
    content = b"x" * 150_000
    assert await sealed(content, step=7_001) == await sealed(content, step=150_000)


async def test_a_changed_byte_is_noticed() -> None:
    ciphertext = bytearray(await sealed(b"x" * 150_000))
    ciphertext[100_000] ^= 1
    with pytest.raises(SealBroken, match="chunk 1 "):
        await opened(bytes(ciphertext))


async def test_an_end_that_was_cut_off_at_a_chunk_is_noticed() -> None:
    with pytest.raises(SealBroken):
        await opened((await sealed(b"x" * 150_000))[:SEALED_CHUNK])


async def test_an_empty_ciphertext_is_noticed() -> None:
    with pytest.raises(SealBroken):
        await opened(b"")


async def test_chunks_in_another_order_are_noticed() -> None:
    ciphertext = await sealed(b"x" * 3 * CHUNK_BYTES)
    first, second, rest = (
        ciphertext[:SEALED_CHUNK],
        ciphertext[SEALED_CHUNK : 2 * SEALED_CHUNK],
        ciphertext[2 * SEALED_CHUNK :],
    )
    with pytest.raises(SealBroken, match="chunk 0 "):
        await opened(second + first + rest)


async def test_something_added_at_the_end_is_noticed() -> None:
    with pytest.raises(SealBroken):
        await opened(await sealed(b"x" * 100) + b"more")


async def test_a_document_put_in_anothers_place_is_noticed() -> None:
    with pytest.raises(SealBroken):
        await opened(await sealed(b"content", document="d"), document="e")


async def test_another_key_does_not_open_a_document() -> None:
    with pytest.raises(SealBroken):
        await opened(await sealed(b"content"), key=bytes(32))
