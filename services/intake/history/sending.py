"""Staged history goes through admission, batch after batch; repeating a batch whose answer was lost changes nothing."""

from collections.abc import Callable
from typing import Literal

import httpx
import msgspec
import structlog

from contracts.envelope import BATCH_CONTENT_TYPE
from runtime.pauses import backoff, pause, retry_after_s
from services.intake.history.staging import Progress, StagedEvent, Staging

log = structlog.get_logger()

_PATIENCE = 60
"""How often a batch is offered while intake is away: with growing pauses, some five minutes."""


class ImportStopped(Exception):
    """Intake will not take it: the message says why and what to do. What was sent so far stays noted."""


class Refusal(msgspec.Struct):
    """Why an event was not admitted, as problem details."""

    title: str = ""
    detail: str = ""


class Outcome(msgspec.Struct):
    """What became of one event of a batch."""

    index: int
    status: Literal["accepted", "duplicate", "held", "refused"]
    problem: Refusal | None = None


class Answer(msgspec.Struct):
    """What intake answers to a batch: an outcome for each event, in order."""

    outcomes: list[Outcome] = []


async def send_all(
    staging: Staging, client: httpx.AsyncClient, *, batch_size: int, report: Callable[[Progress], None]
) -> None:
    """Send what is staged and not yet sent. Raises `ImportStopped`; calling it again goes on where it stopped."""
    for batch in staging.batches(batch_size):
        outcomes = (await _offer(client, batch)).outcomes
        statuses = [outcome.status for outcome in outcomes]
        refused = [
            (batch[outcome.index].line, f"not admitted: {_words(outcome.problem)}")
            for outcome in outcomes
            if outcome.status == "refused"
        ]
        staging.sent(batch, statuses.count("accepted") + statuses.count("held"), statuses.count("duplicate"), refused)
        report(staging.progress())


async def _offer(client: httpx.AsyncClient, batch: list[StagedEvent]) -> Answer:
    body = b"[" + b",".join(event.body for event in batch) + b"]"
    headers = {"Content-Type": BATCH_CONTENT_TYPE}
    delays = backoff(first_s=0.2, most_s=5.0)
    for _ in range(_PATIENCE):
        try:
            response = await client.post("/events", content=body, headers=headers)
        except httpx.TransportError as error:
            log.warning("intake_away", error=type(error).__name__)
            await pause(delays)
            continue
        if response.is_success:
            return msgspec.json.decode(response.content, type=Answer)
        if response.status_code not in (429, 503):
            raise ImportStopped(f"intake answers {response.status_code}: {_said(response)}")
        log.warning("intake_busy", status=response.status_code)
        await _wait(response, next(delays))
    raise ImportStopped("intake was away for minutes: start it, then run the same command again; it goes on from here")


async def _wait(response: httpx.Response, otherwise_s: float) -> None:
    await pause(iter([retry_after_s(response.headers.get("Retry-After"), otherwise_s=otherwise_s)]))


def _said(response: httpx.Response) -> str:
    try:
        problem = msgspec.json.decode(response.content, type=Refusal)
    except msgspec.DecodeError:
        return "(no problem details)"
    return _words(problem)


def _words(problem: Refusal | None) -> str:
    return f"{problem.title}. {problem.detail}".strip() if problem else "(no reason given)"
