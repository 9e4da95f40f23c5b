"""The ways to tell somebody: by e-mail to the applicant, by push to a browser. What is common to both is in `Sender`."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from contracts.envelope import Event, decode_fact
from services.notify.contact import Contacts, NoContact
from services.notify.deliveries import Claimed
from services.notify.domain import Failure, Language, NotAccepted, Result
from services.notify.mail import BadAddress, Mailer, Server, compose
from services.notify.messages import Messages, Occasion
from services.notify.push import Pusher
from services.notify.subscriptions import Subscriptions
from services.notify.telling import Skip

Begin = Callable[[], Awaitable[None]]


class NotToBeSent(Exception):
    """There is nobody (any more) to tell; the message is the reason, one of `telling.Skip`."""


class Attempted(NamedTuple):
    """What an attempt came to, and in which language."""

    result: Result
    language: Language


class Channel(Protocol):
    """One way to tell somebody."""

    async def attempt(self, claimed: Claimed, event: Event, begin: Begin) -> Attempted:
        """Hand the message over; `begin` is awaited right before. Raises `NotToBeSent`, `IntakeAway`, and what `begin` raises."""
        ...


class EmailChannel:
    """To the address that intake tells at the moment of sending."""

    def __init__(
        self,
        *,
        contacts: Contacts,
        messages: Messages,
        mailer: Mailer,
        server: Server,
        clock: Callable[[], datetime],
    ) -> None:
        self._contacts = contacts
        self._messages = messages
        self._mailer = mailer
        self._server = server
        self._clock = clock

    async def attempt(self, claimed: Claimed, event: Event, begin: Begin) -> Attempted:
        delivery = claimed.delivery
        try:
            contact = await self._contacts.of(delivery.number)
        except NoContact:
            raise NotToBeSent(Skip.NO_CONTACT) from None
        if not contact.email:
            raise NotToBeSent(Skip.NO_EMAIL)
        message = self._messages.render(
            delivery.template, occasion(claimed, event), name=contact.name, language=contact.reads
        )
        try:
            mail = compose(message, to=contact.email, server=self._server, delivery=delivery.id, at=self._clock())
        except BadAddress:
            return Attempted(NotAccepted(Failure.RECIPIENT_REFUSED, permanent=True), contact.reads)
        return Attempted(await self._mailer.send(mail, begin), contact.reads)


class PushMessage(msgspec.Struct, frozen=True):
    """What a browser gets: nothing that is not on the page of the number. `path`: that page."""

    number: str
    title: str
    text: str
    language: Language
    path: str


class PushChannel:
    """To one browser that subscribed."""

    def __init__(self, *, subscriptions: Subscriptions, messages: Messages, pusher: Pusher) -> None:
        self._subscriptions = subscriptions
        self._messages = messages
        self._pusher = pusher

    async def attempt(self, claimed: Claimed, event: Event, begin: Begin) -> Attempted:
        delivery = claimed.delivery
        found = await self._subscriptions.find(delivery.subscription) if delivery.subscription else None
        if found is None:
            raise NotToBeSent(Skip.UNSUBSCRIBED)
        language = found.language
        title, text = self._messages.headline(delivery.template, occasion(claimed, event), language)
        path = ("/en" if language == "en" else "") + f"/lacak/{delivery.number}"
        payload = msgspec.json.encode(PushMessage(delivery.number, title, text, language, path))
        topic = self._subscriptions.topic(delivery.number)
        result = await self._pusher.send(found.browser, payload, topic=topic, begin=begin)
        if result == NotAccepted(Failure.PUSH_GONE, permanent=True):
            await self._subscriptions.gone(found.id)
        return Attempted(result, language)


class NoPush:
    """Where no VAPID key is set: what was planned before is not sent."""

    async def attempt(self, claimed: Claimed, event: Event, begin: Begin) -> Attempted:
        raise NotToBeSent(Skip.UNSUBSCRIBED)


def occasion(claimed: Claimed, event: Event) -> Occasion:
    """What a delivery's message is about."""
    return Occasion(claimed.application, decode_fact(event), event.time, claimed.recorded_at)
