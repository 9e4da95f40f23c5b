"""The loop that keeps the senders busy: claims what is due, never more than there are senders free for."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import structlog

from runtime.faults import is_transient
from runtime.pauses import backoff, pause
from services.notify.application import Sender
from services.notify.deliveries import Claimed, Deliveries
from services.notify.measures import Measures

log = structlog.get_logger()


class Dispatch:
    """Runs up to `senders` deliveries at a time; looks for new ones every `poll_s`, and at once when one has ended.

    At the end, senders may finish within `grace_s`; the leases of the others are given back.
    """

    def __init__(
        self,
        *,
        deliveries: Deliveries,
        sender: Sender,
        measures: Measures,
        clock: Callable[[], datetime],
        senders: int = 8,
        poll_s: float = 0.5,
        grace_s: float = 2.0,
    ) -> None:
        self._deliveries = deliveries
        self._sender = sender
        self._measures = measures
        self._clock = clock
        self._senders = senders
        self._poll_s = poll_s
        self._grace_s = grace_s
        self._at_work: dict[UUID, tuple[Claimed, asyncio.Task[None]]] = {}
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Send for ever. While the database is away, what is at hand is brought to its end, and nothing new is claimed."""
        delays = backoff()
        try:
            while True:
                self._ended.clear()
                try:
                    claimed = await self._claim()
                except Exception as error:
                    if not is_transient(error):
                        raise
                    log.warning("claim_delayed", error=type(error).__name__)
                    await pause(delays)
                    continue
                delays = backoff()
                for one in claimed:
                    task = asyncio.create_task(self._work(one))
                    self._at_work[one.delivery.id] = (one, task)
                if not claimed or len(self._at_work) >= self._senders:
                    await self._sleep()
        finally:
            await self._finish()

    async def measure(self, every_s: float = 5.0) -> None:
        """Keep the gauge of waiting deliveries up to date, for ever."""
        while True:
            self._measures.waiting.set(await self._deliveries.waiting())
            await asyncio.sleep(every_s)

    async def _claim(self) -> list[Claimed]:
        free = self._senders - len(self._at_work)
        if free <= 0:
            return []
        return await self._deliveries.claim(now=self._clock(), limit=free, besides=list(self._at_work))

    async def _work(self, claimed: Claimed) -> None:
        delivery = claimed.delivery.id
        try:
            await self._sender.send(claimed)
        except Exception as error:
            # The delivery stays claimed and is taken up again when its lease has run out; the others go on.
            if is_transient(error):
                log.warning("delivery_interrupted", delivery=str(delivery), error=type(error).__name__)
            else:
                self._measures.defects.inc()
                log.exception("delivery_failed", delivery=str(delivery))
        finally:
            self._at_work.pop(delivery, None)
            self._ended.set()

    async def _sleep(self) -> None:
        try:
            # Not `wait_for`: before Python 3.12 it swallows a cancellation that comes as the event is set.
            async with asyncio.timeout(self._poll_s):
                await self._ended.wait()
        except TimeoutError:
            return

    async def _finish(self) -> None:
        left = dict(self._at_work)
        if not left:
            return
        _, unfinished = await asyncio.wait([task for _, task in left.values()], timeout=self._grace_s)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)
        leases = {claimed.lease for claimed, task in left.values() if task in unfinished}
        if leases:
            await self._deliveries.hand_back(leases)
