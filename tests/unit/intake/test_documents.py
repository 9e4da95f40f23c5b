import asyncio
import os
import resource
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from services.intake.documents import (
    DocumentEmpty,
    DocumentStorage,
    DocumentStorageAway,
    DocumentStorageFull,
    DocumentTooLarge,
    Upload,
)
from services.intake.keys import ApplicantKey, SealBroken
from services.intake.media import DocumentNotWhatItSays

KEY = ApplicantKey(bytes(range(32)))
UPLOAD = Upload("doc-1", "identity_card", "image/png")


def png(size: int = 300_000) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + bytes(size) + b"\x00\x00\x00\x00IEND\xaeB`\x82"


async def pieces(content: bytes, step: int = 16_384) -> AsyncIterator[bytes]:
    for start in range(0, len(content), step):
        yield content[start : start + step]


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def storage(tmp_path: Path) -> DocumentStorage:
    return DocumentStorage.open((tmp_path / "documents store").as_uri(), limit_bytes=1_000_000)


async def test_a_document_is_stored_sealed_under_the_hash_of_what_is_stored(
    storage: DocumentStorage, tmp_path: Path
) -> None:
    stored = await storage.store(KEY, UPLOAD, pieces(png()))
    (path,) = files(tmp_path)
    assert path.name == stored.object == sha256(path.read_bytes()).hexdigest()
    assert b"PNG" not in path.read_bytes()
    assert (stored.media_type, stored.size_bytes) == ("image/png", len(png()))


async def test_a_document_comes_out_as_it_went_in(storage: DocumentStorage) -> None:
    stored = await storage.store(KEY, UPLOAD, pieces(png()))
    assert b"".join([piece async for piece in await storage.read(KEY, stored)]) == png()


async def test_a_commitment_is_the_hash_of_salt_and_content(storage: DocumentStorage) -> None:
    import base64

    stored = await storage.store(KEY, UPLOAD, pieces(png()))
    digest = sha256(KEY.document_salt("doc-1") + png()).digest()
    assert stored.commitment == base64.urlsafe_b64encode(digest).decode().rstrip("=")


async def test_the_same_file_has_the_same_fingerprint_for_one_applicant_and_another_for_others(
    storage: DocumentStorage,
) -> None:
    first = await storage.store(KEY, UPLOAD, pieces(png()))
    second = await storage.store(KEY, UPLOAD._replace(document="doc-2"), pieces(png()))
    others = await storage.store(ApplicantKey.new(), UPLOAD._replace(document="doc-3"), pieces(png()))
    assert first.fingerprint == second.fingerprint != others.fingerprint
    assert len({first.commitment, second.commitment, others.commitment}) == 3


async def test_a_stored_document_that_was_changed_is_not_given_out(storage: DocumentStorage, tmp_path: Path) -> None:
    stored = await storage.store(KEY, UPLOAD, pieces(png()))
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    with pytest.raises(SealBroken):
        async for _ in await storage.read(KEY, stored):
            pass


async def test_a_document_larger_than_the_limit_leaves_nothing(storage: DocumentStorage, tmp_path: Path) -> None:
    with pytest.raises(DocumentTooLarge):
        await storage.store(KEY, UPLOAD, pieces(png(1_000_000)))
    assert files(tmp_path) == []


async def test_an_empty_document_is_refused(storage: DocumentStorage, tmp_path: Path) -> None:
    with pytest.raises(DocumentEmpty):
        await storage.store(KEY, UPLOAD, pieces(b""))
    assert files(tmp_path) == []


async def test_a_document_found_wrong_at_its_very_end_leaves_nothing(storage: DocumentStorage, tmp_path: Path) -> None:
    with pytest.raises(DocumentNotWhatItSays):
        await storage.store(KEY, UPLOAD, pieces(png() + b"more"))
    assert files(tmp_path) == []


async def test_an_upload_whose_client_goes_away_leaves_nothing(storage: DocumentStorage, tmp_path: Path) -> None:
    async def broken_off() -> AsyncIterator[bytes]:
        async for piece in pieces(png()[:200_000]):
            yield piece
        raise ConnectionResetError("client gone")

    with pytest.raises(ConnectionResetError):
        await storage.store(KEY, UPLOAD, broken_off())
    assert files(tmp_path) == []


async def test_an_upload_that_is_cancelled_leaves_nothing(storage: DocumentStorage, tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield png()[:200_000]
        begun.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(storage.store(KEY, UPLOAD, endless()))
    await begun.wait()
    upload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await upload
    while files(tmp_path):  # obstore cleans up in a thread of its own
        await asyncio.sleep(0.01)


FULL_DISK = """
    import asyncio, resource, sys
    from pathlib import Path
    from services.intake.documents import DocumentStorage, DocumentStorageFull, Upload
    from services.intake.keys import ApplicantKey

    async def content():
        yield b"\\x89PNG\\r\\n\\x1a\\n" + bytes(2_000_000)
        yield b"\\x00\\x00\\x00\\x00IEND\\xaeB`\\x82"

    async def main():
        folder = Path(sys.argv[1])
        storage = DocumentStorage.open(folder.as_uri(), limit_bytes=10_000_000)
        try:
            await storage.store(ApplicantKey.new(), Upload("d", "identity_card", "image/png"), content())
        except DocumentStorageFull:
            print("full", [path for path in folder.rglob("*") if path.is_file()])
        await asyncio.sleep(0.5)  # obstore's threads let go of what they had; where Python ends before they do, it aborts

    asyncio.run(main())
"""


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    """A real error of the operating system: the process may write no file beyond a limit (Python ignores SIGXFSZ)."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(tmp_path / "s")],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000)),
    )
    assert done.stdout.splitlines()[-1] == "full []"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_small_file_system_that_fills_up_leaves_nothing(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=False, capture_output=True
    ).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(small / "s")],
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        subprocess.run(["umount", small], check=True)
    assert done.stdout.splitlines()[-1] == "full []"


async def test_a_storage_that_does_not_work_is_said_to_be_away(tmp_path: Path) -> None:
    place = tmp_path / "s"
    storage = DocumentStorage.open(place.as_uri(), limit_bytes=1_000_000)
    stored = await storage.store(KEY, UPLOAD, pieces(png()))
    (path,) = files(tmp_path)
    path.unlink()
    with pytest.raises(DocumentStorageAway):
        await storage.read(KEY, stored)


async def test_uploads_left_by_a_killed_process_are_swept_after_an_hour(
    storage: DocumentStorage, tmp_path: Path
) -> None:
    incoming = tmp_path / "documents store" / "incoming"
    incoming.mkdir(parents=True)
    (incoming / "old").write_bytes(b"x")
    (incoming / "new").write_bytes(b"x")
    long_ago = (datetime.now(UTC) - timedelta(hours=2)).timestamp()
    os.utime(incoming / "old", (long_ago, long_ago))
    assert await storage.sweep() == 1
    assert [path.name for path in files(incoming)] == ["new"]


async def test_what_was_removed_can_be_removed_again(storage: DocumentStorage, tmp_path: Path) -> None:
    stored = await storage.store(KEY, UPLOAD, pieces(png()))
    await storage.remove(stored)
    await storage.remove(stored)
    assert files(tmp_path) == []


def test_an_error_for_lack_of_room_is_a_refusal() -> None:
    assert DocumentStorageFull.slug == "document-storage-full"
