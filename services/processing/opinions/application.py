"""Use cases of a link: look at what is asked, and answer, without a sign-in."""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from contracts.catalogue import Catalogue
from contracts.envelope import decode_event
from runtime.eventstore import Append, EventStore, VersionConflict
from services.processing.application import Cases, link_stream
from services.processing.domain import Case
from services.processing.events import read_event
from services.processing.opinions.commands import GiveOpinion
from services.processing.opinions.decisions import check_link, give_opinion
from services.processing.opinions.domain import Opinion, opinion_of
from services.processing.opinions.events import OpinionLinkReserved
from services.processing.opinions.refusals import NoSuchOpinion
from services.processing.stamping import Stamp

_ATTEMPTS: Final = 8
_SECRET: Final = re.compile(r"[A-Za-z0-9_-]{43}")


class Asked(NamedTuple):
    """An opinion, and the case that it is about."""

    number: str
    case: Case
    opinion: Opinion


def digest_of(secret: str) -> str:
    """What is kept of a link's secret (32 random bytes in base64url without padding): SHA-256 of its characters."""
    return urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).rstrip(b"=").decode()


class Opinions:
    """The links of the office's opinions."""

    def __init__(
        self, *, cases: Cases, store: EventStore, catalogue: Catalogue, stamp: Stamp, clock: Callable[[], datetime]
    ) -> None:
        self._cases = cases
        self._store = store
        self._catalogue = catalogue
        self._stamp = stamp
        self._clock = clock

    async def look(self, secret: str) -> Asked:
        """What the link is for. Raises `NoSuchOpinion`, or the `LinkEnded` that says why it is good no more."""
        if not _SECRET.fullmatch(secret):
            raise NoSuchOpinion()
        digest = digest_of(secret)
        reserved = await self._store.load(link_stream(digest))
        if not reserved:
            raise NoSuchOpinion()
        fact = read_event(reserved[0].state).fact
        number = decode_event(reserved[0].state).subject
        case = (await self._cases.load(number)).case
        opinion = opinion_of(case.opinions, fact.opinion) if isinstance(fact, OpinionLinkReserved) else None
        if opinion is None:
            raise NoSuchOpinion()
        check_link(case, opinion, digest, self._clock())
        return Asked(number, case, opinion)

    async def answer(self, secret: str, command: GiveOpinion) -> Asked:
        """Note the answer, once. Raises as `look`, and `OpinionAlreadyGiven`, `UnknownReason`."""
        for _ in range(_ATTEMPTS):
            number, case, opinion = await self.look(secret)
            now = self._clock()
            known, bodies = self._catalogue.reason_uses, self._catalogue.names.agencies
            facts = give_opinion(case, opinion, command, reasons=known, bodies=bodies)
            if not facts:
                return Asked(number, case, opinion)
            events = [self._stamp.event(fact, number, now) for fact in facts]
            try:
                await self._store.append(Append(number, case.version, events))
            except VersionConflict:
                continue
            return await self.look(secret)
        raise VersionConflict("an opinion")
