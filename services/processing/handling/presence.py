"""Who has a case open just now: heartbeats in an unlogged table, forgotten after a short while."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from runtime.database import Pool
from services.processing.application import NoSuchCase
from services.processing.handling.decisions import Colleague
from services.processing.handling.shapes import PresenceView, PresentView

SHOWN_FOR: Final = timedelta(seconds=45)
"""A heartbeat comes every 15 seconds: two may be lost."""

SELECT_VERSION = "SELECT version FROM worklist WHERE number = $1"
NOTE = """
INSERT INTO presence (number, officer, role, desk, since, seen_at) VALUES ($1, $2, $3, $4, $5, $5)
ON CONFLICT (number, officer) DO UPDATE
SET role = excluded.role, desk = excluded.desk, seen_at = excluded.seen_at,
    since = CASE WHEN presence.seen_at < $6 THEN excluded.since ELSE presence.since END
"""
FORGET = "DELETE FROM presence WHERE seen_at < $1"
LEAVE = "DELETE FROM presence WHERE number = $1 AND officer = $2"
SELECT_OTHERS = """
SELECT role, desk, since FROM presence WHERE number = $1 AND officer <> $2 AND seen_at >= $3 ORDER BY since, officer LIMIT 20
"""


class Presence:
    """Officers see each other; nothing of it is kept."""

    def __init__(self, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock

    async def note(self, number: str, me: Colleague) -> PresenceView:
        """I have the case open; who else has. Raises `NoSuchCase` where the inbox has none of that number."""
        now = self._clock()
        async with self._pool.acquire() as connection:
            version = await connection.fetchval(SELECT_VERSION, number)
            if version is None:
                raise NoSuchCase(number)
            await connection.execute(FORGET, now - SHOWN_FOR)
            await connection.execute(NOTE, number, me.officer, me.by.role, me.by.desk, now, now - SHOWN_FOR)
            rows = await connection.fetch(SELECT_OTHERS, number, me.officer, now - SHOWN_FOR)
        return PresenceView(others=[PresentView(**row) for row in rows], version=int(version))

    async def leave(self, number: str, me: Colleague) -> None:
        """I closed it."""
        await self._pool.execute(LEAVE, number, me.officer)
