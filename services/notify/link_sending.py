"""Sends the mails with links that intake was asked for: fetched, written down, acknowledged, sent with repetition."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Final

import structlog

from runtime.faults import is_transient
from runtime.pauses import backoff, pause
from services.notify.application import Surroundings
from services.notify.contact import IntakeAway
from services.notify.deliveries import LeaseLost
from services.notify.domain import Failure, NotAccepted, Policy, Result, State, Unknown, pause_after, pause_for_intake
from services.notify.letters import Letters
from services.notify.link_source import LinkSource, NoLetter
from services.notify.links import LinkMail, LinkMails, after
from services.notify.mail import BadAddress, Mailer, Server, compose
from services.notify.measures import Measures

log = structlog.get_logger()
AT_ONCE: Final = 4
POLL_S: Final = 0.5
NO_LETTER: Final = "nobody_to_tell"
_FORGET_EVERY_S: Final = 3600.0


class LinkSending:
    """Three loops: `collect` asks intake, `send` sends what is due, `forget` removes what ended long ago."""

    def __init__(
        self,
        *,
        mails: LinkMails,
        source: LinkSource,
        letters: Letters,
        mailer: Mailer,
        server: Server,
        policy: Policy,
        around: Surroundings,
        measures: Measures,
    ) -> None:
        self._mails = mails
        self._source = source
        self._letters = letters
        self._mailer = mailer
        self._server = server
        self._policy = policy
        self._around = around
        self._measures = measures
        self._collected = asyncio.Event()

    async def collect(self) -> None:
        """Take links over from intake, for ever. Written down before it is acknowledged: none is lost, none is sent twice."""

        async def once() -> None:
            if links := await self._source.waiting():
                await self._mails.plan(links, self._around.clock())
                self._collected.set()
                await self._source.taken(links)

        await _for_ever(once, "links_not_collected")

    async def send(self) -> None:
        """Send what is due, for ever."""

        async def once() -> None:
            self._collected.clear()
            claimed = await self._mails.claim(self._around.clock(), AT_ONCE)
            if not claimed:
                await self._wait()
                return
            try:
                await asyncio.gather(*(self._work(mail) for mail in claimed))
            except asyncio.CancelledError:
                await self._mails.hand_back(claimed[0].lease)
                raise

        await _for_ever(once, "link_mails_interrupted")

    async def forget(self) -> None:
        """Remove what ended long ago, now and every hour."""
        while True:
            await self._mails.forget(self._around.clock())
            await asyncio.sleep(_FORGET_EVERY_S)

    async def attempt(self, mail: LinkMail) -> None:
        """Bring one mail an attempt further."""
        now = self._around.clock()
        if mail.in_flight:
            await self._note(mail, Unknown())
            return
        try:
            result = await self._hand_over(mail)
        except NoLetter:
            await self._mails.close(replace(mail, state=State.SKIPPED, reason=NO_LETTER), now)
        except IntakeAway as error:
            log.warning("intake_away", link=str(mail.id), reason=str(error))
            due_at = now + pause_for_intake(mail.postponed + 1, self._policy, self._around.chance())
            await self._mails.close(replace(mail, postponed=mail.postponed + 1), due_at)
        except LeaseLost:
            log.info("lease_lost", link=str(mail.id))
        else:
            await self._note(mail, result)

    async def _work(self, mail: LinkMail) -> None:
        try:
            await self.attempt(mail)
        except Exception as error:
            # The mail stays claimed and is taken up again when its lease has run out; the others go on.
            if is_transient(error):
                log.warning("link_mail_interrupted", link=str(mail.id), error=type(error).__name__)
            else:
                self._measures.defects.inc()
                log.exception("link_mail_failed", link=str(mail.id))

    async def _hand_over(self, mail: LinkMail) -> Result:
        letter = await self._source.letter(mail.id)
        message = self._letters.render(letter)
        at = self._around.clock()
        try:
            composed = compose(message, to=letter.address, server=self._server, delivery=mail.id, at=at)
        except BadAddress:
            return NotAccepted(Failure.RECIPIENT_REFUSED, permanent=True)
        return await self._mailer.send(composed, partial(self._mails.begin, mail))

    async def _note(self, mail: LinkMail, result: Result) -> None:
        ended = after(mail, result, self._policy.attempts)
        at = self._around.clock()
        if ended.state is State.WAITING:
            at += pause_after(ended.attempts, self._policy, self._around.chance())
        delays = backoff()
        while True:
            try:
                await self._mails.close(ended, at)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("outcome_not_noted_yet", link=str(mail.id), error=type(error).__name__)
                await pause(delays)
            else:
                break
        self._measures.links.labels(ended.state.value, ended.reason or "").inc()
        log.info("link_attempt_ended", link=str(mail.id), state=ended.state.value, attempt=ended.attempts)

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(POLL_S):
                await self._collected.wait()
        except TimeoutError:
            return


async def _for_ever(once: Callable[[], Awaitable[None]], trouble: str) -> None:
    """Repeat `once`; where intake or the database is away, after growing pauses."""
    delays = backoff()
    while True:
        try:
            await once()
        except Exception as error:
            if not (isinstance(error, IntakeAway) or is_transient(error)):
                raise
            log.warning(trouble, error=type(error).__name__)
            await pause(delays)
        else:
            delays = backoff()
