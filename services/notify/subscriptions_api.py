"""HTTP: browsers that want to hear of an application. The portal asks, after it has shown the page of that number."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Final, NamedTuple

import httpx
from litestar import Response, Router, get, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from contracts.number import InvalidNumber, parse_number
from runtime.auth import requires
from runtime.problems import Problem
from services.notify.domain import Language
from services.notify.push import Allowed, BadBrowser, Pusher, check_browser
from services.notify.subscriptions import Browser, Subscriptions

NO_STORE: Final = {"Cache-Control": "no-store"}
_FORGET_EVERY_S: Final = 3600.0


class Push(NamedTuple):
    """Everything about push, where it is switched on."""

    subscriptions: Subscriptions
    pusher: Pusher
    public_key: str
    allowed: Allowed
    client: httpx.AsyncClient


class ServerKey(Struct, frozen=True):
    """What a browser subscribes with (`applicationServerKey`)."""

    public_key: str


class BrowserKeys(Struct, frozen=True, forbid_unknown_fields=True):
    """As `PushSubscription.toJSON().keys`."""

    p256dh: Annotated[str, Meta(max_length=200)]
    auth: Annotated[str, Meta(max_length=100)]

    def __repr__(self) -> str:
        return "BrowserKeys(…)"


class Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A browser that wants to hear of `number`."""

    number: Annotated[str, Meta(max_length=64)]
    endpoint: Annotated[str, Meta(max_length=1000)]
    keys: BrowserKeys
    language: Language = "id"

    def __repr__(self) -> str:
        return "Wish(…)"


class Farewell(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A browser that wants to hear no more: of `number`, or of anything."""

    endpoint: Annotated[str, Meta(max_length=1000)]
    number: Annotated[str, Meta(max_length=64)] = ""

    def __repr__(self) -> str:
        return "Farewell(…)"


class Heard(Struct, frozen=True, kw_only=True):
    """Of which applications a browser hears."""

    numbers: list[str]


def subscription_routes(push: Push | None, clock: Callable[[], datetime]) -> Router:
    """`/subscriptions`: the server's key, subscribe, leave, and of what a browser hears; for systems."""

    @get("/key", summary="The key to subscribe with", guards=[requires("system")])
    async def show_key() -> Response[ServerKey]:
        """The public VAPID key; 404 where push is not switched on."""
        return Response(ServerKey(_on(push).public_key))

    @post("/", status_code=204, summary="Let a browser hear of an application", guards=[requires("system")])
    async def subscribe(data: JSONBody[Wish]) -> None:
        """Whoever has the number may; a sixth browser takes the place of the oldest. Again: no difference."""
        on = _on(push)
        browser = Browser(data.endpoint, data.keys.p256dh, data.keys.auth)
        try:
            check_browser(browser, on.allowed)
        except BadBrowser as error:
            raise _unusable(str(error)) from None
        await on.subscriptions.add(_number(data.number), browser, data.language, clock())

    @post("/remove", status_code=204, summary="Let a browser hear no more", guards=[requires("system")])
    async def unsubscribe(data: JSONBody[Farewell]) -> None:
        """Of one application, or without `number` of anything. Also for a browser that is not known: no difference."""
        await _on(push).subscriptions.remove(data.endpoint, _number(data.number) if data.number else None)

    @post("/heard", status_code=200, summary="Of what a browser hears", guards=[requires("system")])
    async def show_heard(data: JSONBody[Farewell]) -> Response[Heard]:
        """The numbers; of `number` only where it is given."""
        numbers = list(await _on(push).subscriptions.numbers(data.endpoint))
        wanted = _number(data.number) if data.number else None
        return Response(Heard(numbers=[one for one in numbers if wanted in (None, one)]), headers=NO_STORE)

    return Router("/subscriptions", route_handlers=[show_key, subscribe, unsubscribe, show_heard], tags=["push"])


async def forget_for_ever(subscriptions: Subscriptions, clock: Callable[[], datetime]) -> None:
    """Remove subscriptions that nobody renewed for long, now and every hour."""
    while True:
        await subscriptions.forget(clock())
        await asyncio.sleep(_FORGET_EVERY_S)


def _on(push: Push | None) -> Push:
    if push is None:
        raise _problem(
            "push-off", 404, "Push is not switched on",
            id="Kabar ke peramban belum tersedia di sini. Kabar tetap dikirim melalui surel.",
            en="Push messages are not available here. News is still sent by e-mail.",
        )  # fmt: skip
    return push


def _unusable(why: str) -> Problem:
    return _problem(
        "push-subscription-unusable", 422, "The subscription cannot be used",
        id=f"Peramban ini memakai layanan kabar yang tidak dapat kami pakai ({why}). Kabar tetap dikirim melalui surel.",
        en=f"This browser uses a push service that we cannot use ({why}). News is still sent by e-mail.",
    )  # fmt: skip


def _problem(slug: str, status: int, title: str, **words: Any) -> Problem:
    return Problem(slug, status, title, words["en"], words=words)


def _number(text: str) -> str:
    try:
        return parse_number(text)
    except InvalidNumber as error:
        raise _problem(
            "invalid-number", 422, "No tracking number",
            id="Itu bukan nomor permohonan. Periksa kembali.", en=f"That is no tracking number: {error}.",
        ) from None  # fmt: skip
