"""Documents encrypted chunk by chunk while they stream, so that memory stays flat whatever their size.

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár, "Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance", 2015) over AES-256-GCM: the nonce is the chunk's number and whether it is the last, so that chunks
can be neither reordered nor dropped nor the end cut off. The key is derived for one document and seals one content only,
which is what makes counting nonces safe. The associated data names the document.
"""

from collections.abc import AsyncIterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.intake.keys import SealBroken, bound_to

CHUNK_BYTES: Final = 64 * 1024
TAG_BYTES: Final = 16
_SEALED_CHUNK_BYTES: Final = CHUNK_BYTES + TAG_BYTES


def _nonce(index: int, last: bool) -> bytes:
    return index.to_bytes(11) + (b"\x01" if last else b"\x00")


def _associated(document: str, index: int, last: bool) -> bytes:
    return bound_to("documents", document, str(index), "last" if last else "more")


async def seal_stream(key: bytes, document: str, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The sealed chunks of `content`, given in pieces of any size. The last chunk is shorter or full, never missing."""
    cipher, index, waiting = AESGCM(key), 0, bytearray()
    async for piece in content:
        waiting += piece
        while len(waiting) > CHUNK_BYTES:  # strictly: a full chunk waits, since it may be the last
            chunk = bytes(waiting[:CHUNK_BYTES])
            del waiting[:CHUNK_BYTES]
            yield cipher.encrypt(_nonce(index, False), chunk, _associated(document, index, False))
            index += 1
    yield cipher.encrypt(_nonce(index, True), bytes(waiting), _associated(document, index, True))


async def unseal_stream(key: bytes, document: str, sealed: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The content again, in chunks. Raises `SealBroken` at the first chunk that is not what was sealed, or is missing."""
    cipher, index, waiting = AESGCM(key), 0, bytearray()
    async for piece in sealed:
        waiting += piece
        while len(waiting) > _SEALED_CHUNK_BYTES:
            chunk = bytes(waiting[:_SEALED_CHUNK_BYTES])
            del waiting[:_SEALED_CHUNK_BYTES]
            yield _open(cipher, document, index, False, chunk)
            index += 1
    yield _open(cipher, document, index, True, bytes(waiting))


def _open(cipher: AESGCM, document: str, index: int, last: bool, chunk: bytes) -> bytes:
    try:
        return cipher.decrypt(_nonce(index, last), chunk, _associated(document, index, last))
    except (InvalidTag, ValueError) as error:
        raise SealBroken(f"chunk {index} of the stored document is not what was sealed") from error
