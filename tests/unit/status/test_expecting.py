"""When the model is drawn; what it says: test_expected.py."""

import asyncio
from typing import Any, cast

import asyncpg
from structlog.testing import capture_logs

from runtime.database import Pool
from services.status.expected.expecting import Drawing, Expectations
from tests.unit.status.story import PROCEDURES


class Database:
    """Has no timelines at first; then empty ones."""

    def __init__(self) -> None:
        self.refused = 0
        self.has_timelines = False

    async def fetch(self, *_: Any, **__: Any) -> list[Any]:
        if self.has_timelines:
            return []
        self.refused += 1
        raise asyncpg.UndefinedTableError("no application_00")


async def test_until_there_are_timelines_the_first_model_is_waited_for_in_silence() -> None:
    database = Database()
    expectations = Expectations(cast(Pool, database), PROCEDURES, Drawing(), every_s=60)
    expectations.asked_again_s = 0.001
    with capture_logs() as lines:
        task = asyncio.create_task(expectations.run())
        while database.refused < 3:
            await asyncio.sleep(0.001)
        assert expectations.model is None
        database.has_timelines = True
        while expectations.model is None:
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert {line["log_level"] for line in lines} <= {"debug"}
