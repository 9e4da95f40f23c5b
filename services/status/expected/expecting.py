"""The model of expected times: drawn from the projection, kept in memory, drawn anew now and then.

It is a function of the application rows and of the instant (`draw`), so it can be recomputed: `jejak expected`. Between
any two small steps the event loop gets its turn. Of a service with very many applications a part is read, chosen by a
hash of the number: the same one each time, and as mixed as the whole.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg
import msgspec
import structlog

from contracts.envelope import PARTITIONS
from runtime.database import Pool
from services.status.expected.coverage import Coverage, Tested, backtest, coverage_of
from services.status.expected.expected import Case, History, Rules, Sample, case_of, target_of
from services.status.folding.fold import state_of
from services.status.folding.procedure import Procedure
from services.status.folding.reading import in_us

log = structlog.get_logger()

_COUNT: Final = """
SELECT service, count(*) AS applications FROM application_{place:02d}
WHERE submitted_at >= $1 AND service = ANY($2) GROUP BY service
"""
_READ: Final = """
SELECT service, state, effective FROM application_{place:02d}
WHERE submitted_at >= $1 AND service = ANY($2)
AND (hashtext(number) & 2147483647) % coalesce(($3::jsonb ->> service)::integer, 1) = 0
"""
_READ_TIMEOUT_S: Final = 300.0
_ROWS_A_STEP: Final = 20
_STEP_PAUSE_S: Final = 0.005

_pack: Final = msgspec.msgpack.Encoder().encode
_unpack: Final = msgspec.msgpack.Decoder(Case).decode

Pause = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Drawing:
    """How the model is drawn."""

    rules: Rules = field(default_factory=Rules)
    history: timedelta = timedelta(days=730)
    """Applications submitted longer ago are left out."""
    most: int = 2_000
    """About so many applications are read of a service."""
    tests: int = 200
    """So many applications that ended last are foretold anew."""


@dataclass(frozen=True)
class ServiceModel:
    """What is known about the times of one service."""

    sample: Sample
    at_submission: Coverage
    half_way: Coverage
    ends: tuple[int, int]
    """How many ends were known, and when the last one was: while that stays, so does the coverage."""


@dataclass(frozen=True)
class Model:
    """What is known about the times of every service."""

    computed: datetime
    services: Mapping[str, ServiceModel]


async def draw(
    pool: Pool,
    procedures: Mapping[str, Procedure],
    drawing: Drawing,
    now: datetime,
    *,
    pause: Pause,
    before: Model | None = None,
) -> Model:
    """The model as of `now`; `before` spares the testing of services of which nothing ended since."""
    known = [code for code, procedure in procedures.items() if target_of(procedure)]
    since = now - drawing.history
    counts: dict[str, int] = dict.fromkeys(known, 0)
    for place in range(PARTITIONS):
        for row in await pool.fetch(_COUNT.format(place=place), since, known, timeout=_READ_TIMEOUT_S):
            counts[row["service"]] += row["applications"]
    every = {code: -(-count // drawing.most) for code, count in counts.items() if count > drawing.most}
    cases: dict[str, list[bytes]] = {code: [] for code, count in counts.items() if count}
    for place in range(PARTITIONS):
        rows = await pool.fetch(
            _READ.format(place=place), since, list(cases), msgspec.json.encode(every).decode(), timeout=_READ_TIMEOUT_S
        )
        for begin in range(0, len(rows), _ROWS_A_STEP):
            _take(cases, procedures, rows[begin : begin + _ROWS_A_STEP])
            await pause()
    earlier = before.services if before else {}
    return Model(
        now,
        {code: await _service(cases[code], drawing, in_us(now), pause, earlier.get(code)) for code in sorted(cases)},
    )


def _take(cases: dict[str, list[bytes]], procedures: Mapping[str, Procedure], rows: list[Any]) -> None:
    for row in rows:
        service = row["service"]
        case = case_of(state_of(row), procedures[service])
        if case is not None and service in cases:
            cases[service].append(_pack(case))  # a fifth of the memory, until the turn of the service


async def _service(
    packed: list[bytes], drawing: Drawing, now: int, pause: Pause, before: ServiceModel | None
) -> ServiceModel:
    history = History(map(_unpack, packed))
    sample = history.at(now, drawing.rules)
    ends = (len(history.told), history.told[-1] if history.told else 0)
    if before and before.ends == ends:
        return ServiceModel(sample, before.at_submission, before.half_way, ends)
    tested: list[Tested] = []
    for one in backtest(history, drawing.rules, until=now, latest=drawing.tests):
        tested.append(one)
        await pause()
    return ServiceModel(sample, coverage_of(tested, "at_submission"), coverage_of(tested, "half_way"), ends)


class Expectations:
    """Keeps the model of a running service."""

    asked_again_s = 1.0
    """How long the first drawing waits for timelines to be there."""

    def __init__(self, pool: Pool, procedures: Mapping[str, Procedure], drawing: Drawing, every_s: float) -> None:
        self.drawing = drawing
        self.model: Model | None = None
        """`None` until it was drawn for the first time."""
        self._pool = pool
        self._procedures = procedures
        self._every_s = every_s

    async def run(self) -> None:
        """Draw the model anew, for ever; raises when the database cannot be asked."""
        while True:
            was_drawn = await self._was_drawn()
            await asyncio.sleep(self._every_s if was_drawn else self.asked_again_s)

    async def _was_drawn(self) -> bool:
        """Draw; False while there are no timelines yet: they come with the first assignment of the log."""
        try:
            await self.refresh()
        except asyncpg.UndefinedTableError:
            if self.model is not None:
                raise
            log.debug("no_timelines_yet")
            return False
        return True

    async def refresh(self) -> None:
        """Draw the model as of now."""
        now = datetime.now(UTC)
        self.model = await draw(self._pool, self._procedures, self.drawing, now, pause=_pause, before=self.model)


async def _pause() -> None:
    await asyncio.sleep(_STEP_PAUSE_S)
