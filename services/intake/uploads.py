"""Documents that arrive in pieces, so that a broken connection costs only what was on the way.

The pieces lie in the database, sealed under the applicant's key, beside the count of what has arrived: one transaction
each, so that after any crash the count is true. With the last byte they become a document as any other (checked, hashed,
sealed anew as a whole); until then nothing refers to them, and a sweep removes what nobody went on with.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog

from runtime.database import Connection, Pool
from services.intake.application import Applications, Entry
from services.intake.documents import DocumentEmpty, DocumentStorageAway, DocumentStorageFull, DocumentTooLarge
from services.intake.keys import ApplicantKey, bound_to
from services.intake.media import HEAD_BYTES, check_head
from services.intake.refusals import Refused

log = structlog.get_logger()

PIECE_BYTES: Final = 256 * 1024
"""How much is stored at once; a killed process loses less than this."""
KEPT: Final = timedelta(hours=24)
"""How long an upload waits for its next byte."""
_MOST_PIECES: Final = 400
_SWEPT_EVERY_S: Final = 3600.0
_MAY_BE_REPEATED: Final = (DocumentStorageAway, DocumentStorageFull)

DELETE_EARLIER: Final = "DELETE FROM uploads WHERE application = $1 AND requirement = $2"
INSERT_UPLOAD: Final = """
INSERT INTO uploads (upload, application, requirement, declared_type, size_bytes, changed_at)
VALUES ($1, $2, $3, $4, $5, $6)
"""
SELECT_UPLOAD: Final = """
SELECT upload, requirement, declared_type, size_bytes, arrived_bytes, changed_at
FROM uploads WHERE upload = $1 AND application = $2 AND changed_at > $3
"""
ADVANCE: Final = """
UPDATE uploads SET arrived_bytes = $3, changed_at = $4 WHERE upload = $1 AND arrived_bytes = $2 RETURNING upload
"""
INSERT_PIECE: Final = "INSERT INTO upload_pieces (upload, start_bytes, sealed) VALUES ($1, $2, $3)"
COUNT_PIECES: Final = "SELECT count(*) FROM upload_pieces WHERE upload = $1"
SELECT_PIECES: Final = """
SELECT start_bytes, sealed FROM upload_pieces WHERE upload = $1 AND start_bytes > $2 ORDER BY start_bytes LIMIT 4
"""
DELETE_PIECES: Final = "DELETE FROM upload_pieces WHERE upload = $1"
DELETE_UPLOAD: Final = "DELETE FROM uploads WHERE upload = $1 AND application = $2 RETURNING upload"
DELETE_OLD: Final = "DELETE FROM uploads WHERE changed_at <= $1"


class UnknownUpload(Refused):
    """There is no such upload, or it was not gone on with for too long."""

    slug = "unknown-upload"


class UploadElsewhere(Refused):
    """The pieces go on at another place. Parameters: offset (where)."""

    slug = "upload-offset-conflict"


class UploadBeyondLength(Refused):
    """More came than was announced. Parameters: length."""

    slug = "upload-beyond-length"


class UploadInCrumbs(Refused):
    """Too many pieces. Parameters: most."""

    slug = "upload-in-crumbs"


class Arriving(NamedTuple):
    """How far an upload is."""

    upload: str
    requirement: str
    declared_type: str
    size_bytes: int
    arrived_bytes: int
    changed_at: datetime

    @property
    def expires_at(self) -> datetime:
        """Until when its next piece is awaited."""
        return self.changed_at + KEPT


class Uploads:
    """Takes pieces and makes documents of them. `limit_bytes`: the largest document."""

    def __init__(
        self, pool: Pool, applications: Applications, *, limit_bytes: int, clock: Callable[[], datetime]
    ) -> None:
        self._pool = pool
        self._applications = applications
        self._limit_bytes = limit_bytes
        self._clock = clock

    async def begin(self, entry: Entry, requirement: str, declared_type: str, size_bytes: int) -> Arriving:
        """Announce a document; an earlier upload for the same requirement is given up.

        Raises `DocumentTooLarge`, `DocumentEmpty`, or as `Applications.check_receivable`.
        """
        if size_bytes > self._limit_bytes:
            raise DocumentTooLarge(limit_bytes=self._limit_bytes)
        if size_bytes == 0:
            raise DocumentEmpty()
        await self._applications.check_receivable(entry.number, requirement)
        new = Arriving(secrets.token_hex(16), requirement, declared_type[:100], size_bytes, 0, self._clock())
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT FROM applicant_keys WHERE application = $1 FOR UPDATE", entry.number)
            await connection.execute(DELETE_EARLIER, entry.number, requirement)
            await connection.execute(
                INSERT_UPLOAD, new.upload, entry.number, requirement, new.declared_type, size_bytes, new.changed_at
            )
        return new

    async def find(self, entry: Entry, upload: str) -> Arriving:
        """Raises `UnknownUpload`, also for another application's."""
        if not _may_be(upload):
            raise UnknownUpload()
        row = await self._pool.fetchrow(SELECT_UPLOAD, upload, entry.number, self._clock() - KEPT)
        if row is None:
            raise UnknownUpload()
        return Arriving(*row)

    async def receive(self, entry: Entry, upload: str, offset: int, content: AsyncIterator[bytes]) -> Arriving:
        """Take what comes, from `offset` on; when the last byte is there, the document is stored.

        What came before `content` broke off is kept, and its error raised again. Raises `UploadElsewhere`,
        `UploadBeyondLength`, `UploadInCrumbs`, and at the end as `Applications.receive`; a document that is refused takes
        its upload with it.
        """
        arriving = await self.find(entry, upload)
        if offset != arriving.arrived_bytes:
            raise UploadElsewhere(offset=arriving.arrived_bytes)
        if arriving.arrived_bytes == arriving.size_bytes:
            return arriving
        if await self._pool.fetchval(COUNT_PIECES, upload) >= _MOST_PIECES:
            raise UploadInCrumbs(most=_MOST_PIECES)
        waiting = bytearray()
        try:
            async for piece in content:
                waiting += piece
                if arriving.arrived_bytes + len(waiting) > arriving.size_bytes:
                    raise UploadBeyondLength(length=arriving.size_bytes)
                # the last piece waits, to become a document with the others: a count that is full means a document
                while len(waiting) >= PIECE_BYTES and arriving.arrived_bytes + PIECE_BYTES < arriving.size_bytes:
                    arriving = await self._keep(entry.key, arriving, bytes(waiting[:PIECE_BYTES]))
                    del waiting[:PIECE_BYTES]
        except Refused as refused:
            await self._give_up_if_final(entry, arriving, refused)
            raise
        except Exception:
            if waiting and arriving.arrived_bytes + len(waiting) < arriving.size_bytes:
                await self._keep(entry.key, arriving, bytes(waiting))
            raise
        return await self._end_of(entry, arriving, bytes(waiting))

    async def give_up(self, entry: Entry, upload: str) -> None:
        """Raises `UnknownUpload`."""
        if not _may_be(upload) or await self._pool.fetchval(DELETE_UPLOAD, upload, entry.number) is None:
            raise UnknownUpload()

    async def sweep(self) -> int:
        """Remove what nobody went on with; how many."""
        status = await self._pool.execute(DELETE_OLD, self._clock() - KEPT)
        if removed := int(status.rpartition(" ")[2]):
            log.info("abandoned_pieces_removed", uploads=removed)
        return removed

    async def sweep_for_ever(self) -> None:
        """Sweep now and every hour."""
        while True:
            await self.sweep()
            await asyncio.sleep(_SWEPT_EVERY_S)

    async def _end_of(self, entry: Entry, arriving: Arriving, rest: bytes) -> Arriving:
        """What comes of the last bytes of a request: a piece, or the document."""
        try:
            if arriving.arrived_bytes + len(rest) < arriving.size_bytes:
                return await self._keep(entry.key, arriving, rest) if rest else arriving
            whole = self._whole(entry.key, arriving, rest)
            await self._applications.receive(entry, arriving.requirement, arriving.declared_type, whole)
        except Refused as refused:
            await self._give_up_if_final(entry, arriving, refused)
            raise
        now = self._clock()
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.fetchval(ADVANCE, arriving.upload, arriving.arrived_bytes, arriving.size_bytes, now)
            await connection.execute(DELETE_PIECES, arriving.upload)
        return arriving._replace(arrived_bytes=arriving.size_bytes, changed_at=now)

    async def _keep(self, key: ApplicantKey, arriving: Arriving, piece: bytes) -> Arriving:
        """Store a piece. Raises `UploadElsewhere` where another request was first; what is no document is refused early."""
        start, now = arriving.arrived_bytes, self._clock()
        if start == 0 and len(piece) >= HEAD_BYTES:
            check_head(arriving.declared_type, piece[:HEAD_BYTES])
        sealed = key.seal_record(piece, _address(arriving.upload, start))
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(ADVANCE, arriving.upload, start, start + len(piece), now) is None:
                raise await _overtaken(connection, arriving.upload)
            await connection.execute(INSERT_PIECE, arriving.upload, start, sealed)
        return arriving._replace(arrived_bytes=start + len(piece), changed_at=now)

    async def _whole(self, key: ApplicantKey, arriving: Arriving, rest: bytes) -> AsyncIterator[bytes]:
        at = 0
        rows: list[Any] = await self._pool.fetch(SELECT_PIECES, arriving.upload, -1)
        while rows:
            for row in rows:
                piece = key.unseal_record(row["sealed"], _address(arriving.upload, row["start_bytes"]))
                at = row["start_bytes"] + len(piece)
                yield piece
            rows = await self._pool.fetch(SELECT_PIECES, arriving.upload, rows[-1]["start_bytes"])
        if at != arriving.arrived_bytes:
            async with self._pool.acquire() as connection:
                raise await _overtaken(connection, arriving.upload)
        yield rest

    async def _give_up_if_final(self, entry: Entry, arriving: Arriving, refused: Refused) -> None:
        if isinstance(refused, (UploadElsewhere, UploadBeyondLength, UnknownUpload, *_MAY_BE_REPEATED)):
            return
        await self._pool.execute(DELETE_UPLOAD, arriving.upload, entry.number)


async def _overtaken(connection: Connection, upload: str) -> Refused:
    """Why a request cannot go on that another one was faster than."""
    found = await connection.fetchval("SELECT arrived_bytes FROM uploads WHERE upload = $1", upload)
    return UnknownUpload() if found is None else UploadElsewhere(offset=found)


def _may_be(upload: str) -> bool:
    """Whether one of our uploads can be called so: not everything that comes in a path is text to a database (NUL)."""
    return upload.isascii() and upload.isalnum()


def _address(upload: str, start: int) -> bytes:
    """What a sealed piece is bound to."""
    return bound_to("upload_pieces", upload, str(start))
