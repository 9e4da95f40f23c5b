"""Documents: streamed in, checked, hashed and sealed on the way, kept under the hash of what is stored.

The storage is anything `obstore` speaks: `file:///folder` by default, `s3://bucket/prefix` and others by URL. An upload
goes to `incoming/<random>` and is renamed when it is whole; whatever breaks it off (too large, not what it says, client
gone, disk full) leaves nothing behind. What a killed process leaves in `incoming/` is swept on a later start.
"""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

import obstore
import structlog
from obstore.exceptions import BaseError, GenericError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from services.intake.domain import StoredDocument
from services.intake.keys import ApplicantKey
from services.intake.media import MediaCheck
from services.intake.refusals import Refused
from services.intake.sealing import seal_stream, unseal_stream

log = structlog.get_logger()

_LOCAL_PART_BYTES: Final = 1024 * 1024
_REMOTE_PART_BYTES: Final = 5 * 1024 * 1024
"""S3's least part size."""
_ABANDONED_AFTER: Final = timedelta(hours=1)


class DocumentTooLarge(Refused):
    """More than the limit. Parameters: limit_bytes."""

    slug = "document-too-large"


class DocumentEmpty(Refused):
    """Not one byte came."""

    slug = "document-empty"


class DocumentStorageFull(Refused):
    """There is no room for the document; nothing of it was kept."""

    slug = "document-storage-full"


class DocumentStorageAway(Refused):
    """The storage cannot be reached or does not work; nothing was kept."""

    slug = "document-storage-unavailable"


class DocumentDamaged(Refused):
    """What is stored is no longer what was sealed."""

    slug = "document-damaged"


class Upload(NamedTuple):
    """What is to be stored: for which requirement, under which new random id, what the sender says it is."""

    document: str
    requirement: str
    declared_type: str


@dataclass
class _Measure:
    """Size and hashes of what passed: of the content alone, and of salt ‖ content."""

    limit_bytes: int
    salt: bytes

    def __post_init__(self) -> None:
        self.size_bytes = 0
        self.content = hashlib.sha256()
        self.salted = hashlib.sha256(self.salt)

    async def passing(self, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in content:
            self.size_bytes += len(piece)
            if self.size_bytes > self.limit_bytes:
                raise DocumentTooLarge(limit_bytes=self.limit_bytes)
            self.content.update(piece)
            self.salted.update(piece)
            if piece:
                yield piece
        if not self.size_bytes:
            raise DocumentEmpty()


class DocumentStorage:
    """Sealed documents in an object store."""

    def __init__(self, store: ObjectStore, *, limit_bytes: int) -> None:
        self._store = store
        self._limit_bytes = limit_bytes
        self._part_bytes = _LOCAL_PART_BYTES if isinstance(store, LocalStore) else _REMOTE_PART_BYTES

    @classmethod
    def open(cls, url: str, *, limit_bytes: int) -> "DocumentStorage":
        """The storage at `url`; a local folder is made where it is missing."""
        parts = urlsplit(url)
        if parts.scheme == "file":
            folder = Path(unquote(parts.path))
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return cls(LocalStore(folder), limit_bytes=limit_bytes)
        return cls(from_url(url), limit_bytes=limit_bytes)

    async def store(self, key: ApplicantKey, upload: Upload, content: AsyncIterator[bytes]) -> StoredDocument:
        """Seal and keep `content`. Raises what the checks refuse, `DocumentStorageFull` or `DocumentStorageAway`."""
        measure = _Measure(self._limit_bytes, key.document_salt(upload.document))
        media = MediaCheck(upload.declared_type)
        sealed_hash = hashlib.sha256()

        async def sealed() -> AsyncIterator[bytes]:
            checked = media.passing(measure.passing(content))
            async for chunk in seal_stream(key.document_key(upload.document), upload.document, checked):
                sealed_hash.update(chunk)
                yield chunk

        incoming = f"incoming/{upload.document}"
        try:
            await obstore.put_async(
                self._store, incoming, sealed(), chunk_size=self._part_bytes, max_concurrency=2, use_multipart=True
            )
            name = sealed_hash.hexdigest()
            await obstore.rename_async(self._store, incoming, _path(name))
        except (BaseError, FileNotFoundError) as error:
            raise _storage_trouble(error) from error
        return StoredDocument(
            document=upload.document,
            requirement=upload.requirement,
            commitment=_base64url(measure.salted.digest()),
            media_type=media.media_type,
            size_bytes=measure.size_bytes,
            object=name,
            fingerprint=key.fingerprint(measure.content.digest()),
        )

    async def read(self, key: ApplicantKey, document: StoredDocument) -> AsyncIterator[bytes]:
        """The content again, as it streams.

        Raises `DocumentStorageAway` when it cannot be begun; while it streams `SealBroken` where it was tampered with.
        """
        try:
            found = await obstore.get_async(self._store, _path(document.object))
        except (BaseError, FileNotFoundError) as error:
            raise _storage_trouble(error) from error
        return unseal_stream(key.document_key(document.document), document.document, _pieces(found.stream()))

    async def remove(self, document: StoredDocument) -> None:
        """Remove what is no longer referred to; nothing there is fine."""
        try:
            await obstore.delete_async(self._store, _path(document.object))
        except (NotFoundError, FileNotFoundError):
            return

    async def sweep(self) -> int:
        """Remove what killed processes left of uploads long ago; how many."""
        limit = datetime.now(UTC) - _ABANDONED_AFTER
        listed = await obstore.list(self._store, "incoming").collect_async()
        left = [entry["path"] for entry in listed if entry["last_modified"] < limit]
        for path in left:
            await obstore.delete_async(self._store, path)
        if left:
            log.info("abandoned_uploads_removed", count=len(left))
        return len(left)

    async def sweep_for_ever(self) -> None:
        """Sweep now and every hour."""
        while True:
            await self.sweep()
            await asyncio.sleep(_ABANDONED_AFTER.total_seconds())

    async def check(self) -> None:
        """Raises when the storage cannot be listed: for readiness."""
        await asyncio.wait_for(obstore.list_with_delimiter_async(self._store, "documents"), 2.0)


def check_storage_url(url: str) -> None:
    """Raises `ValueError` when documents cannot be stored at `url`, naming what can be given."""
    try:
        scheme = obstore.parse_scheme(url)
    except BaseError as error:
        raise ValueError("not the URL of a storage: file:///folder, s3://bucket/prefix, gs://… or az://…") from error
    if scheme in ("http", "memory"):
        raise ValueError("documents must outlive the process and be written: file:///folder, s3://bucket/prefix")


async def _pieces(stream: Any) -> AsyncIterator[bytes]:
    async for piece in stream:
        yield bytes(piece)


def _path(name: str) -> str:
    """Two levels, so that no folder of a local storage grows without bound."""
    return f"documents/{name[:2]}/{name}"


def _storage_trouble(error: Exception) -> Refused:
    """obstore passes on the operating system's words, not its error number."""
    words = str(error)
    full = isinstance(error, GenericError) and any(sign in words for sign in _FULL)
    log.error("document_storage_failed", full=full, error=type(error).__name__)
    return DocumentStorageFull() if full else DocumentStorageAway()


_FULL: Final = ("os error 28)", "os error 122)", "os error 27)", "StorageFull", "QuotaExceeded")
"""ENOSPC, EDQUOT, EFBIG, and what S3-like storages answer."""


def _base64url(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
