"""Which answers about the past may be kept, and which look-ups into it count as shown to an applicant."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from services.status.answering.entries import Entries
from services.status.answering.lookups import Head
from services.status.answering.timelines import Timelines
from services.status.answering.views import Presenter
from services.status.folding.fold import encode_progress
from services.status.folding.replay import replay
from services.status.past.api import Past
from services.status.past.past import Historian
from tests.unit.status.story import CATALOGUE, MONDAY, NUMBER, PROCEDURES, hours, submitted, verified
from tests.unit.status.test_corrections import row

ROWS = [row(1, submitted(), 0), row(2, verified(), 1)]
SETTLED, OPEN = "private, max-age=86400, immutable", "no-cache"


class _Rows:
    """What is read: one timeline; whether a record of it is in quarantine."""

    def __init__(self, *, quarantined: bool = False) -> None:
        self.quarantined = quarantined

    async def entries(self, _: str, after: int, limit: int) -> list[Any]:
        return ROWS[after : after + limit]

    async def is_quarantined(self, _: str) -> bool:
        return self.quarantined


class _Noted:
    def __init__(self) -> None:
        self.noted: list[tuple[str, int]] = []

    def note(self, number: str, n: int) -> None:
        self.noted.append((number, n))


async def _is_staff(authorization: str) -> bool:
    return authorization == "Bearer staff"


def _past(rows: _Rows, noted: _Noted, *, sees_quarantine: bool = True) -> Past:
    presenter = Presenter(CATALOGUE, PROCEDURES)
    return Past(
        rows, Timelines(rows, Entries(presenter)), presenter, Historian(presenter, PROCEDURES), noted,  # type: ignore[arg-type]
        version="v", is_staff=_is_staff, sees_quarantine=sees_quarantine, now=lambda: datetime(2026, 11, 24, tzinfo=UTC),
    )  # fmt: skip


def _head() -> Head:
    progress = replay(ROWS, PROCEDURES)
    assert progress is not None
    return Head(NUMBER, 2, "v", "passport_new", "lebong", encode_progress(progress))


async def _ask(past: Past, as_of: str, **headers: str) -> Any:
    request: Any = SimpleNamespace(headers={name.replace("_", "-"): value for name, value in headers.items()})
    return await past.status(request, _head(), as_of, None)


@pytest.mark.parametrize(
    ("after_h", "quarantined", "sees_quarantine", "kept"),
    [
        (0.5, False, True, SETTLED),
        (1, False, True, OPEN),  # another event may have been recorded in the same millisecond
        (2, False, True, OPEN),  # nothing later is here yet
        (0.5, True, True, OPEN),
        (0.5, False, False, OPEN),
    ],
)
async def test_an_answer_is_kept_only_where_nothing_that_arrives_can_change_it(
    after_h: float, quarantined: bool, sees_quarantine: bool, kept: str
) -> None:
    past = _past(_Rows(quarantined=quarantined), _Noted(), sees_quarantine=sees_quarantine)
    answer = await _ask(past, (MONDAY + hours(after_h)).isoformat())
    assert answer.headers["Cache-Control"] == kept


async def test_what_an_applicant_sees_of_the_past_is_noted_and_what_staff_see_is_not() -> None:
    noted = _Noted()
    past = _past(_Rows(), noted)
    await _ask(past, MONDAY.isoformat())
    await _ask(past, (MONDAY + hours(3)).isoformat(), authorization="Bearer staff")
    await _ask(past, "2020-01-01")
    assert noted.noted == [(NUMBER, 1)]


async def test_what_is_seen_with_a_forged_token_is_noted() -> None:
    noted = _Noted()
    await _ask(_past(_Rows(), noted), MONDAY.isoformat(), authorization="Bearer forged")
    assert noted.noted == [(NUMBER, 1)]
