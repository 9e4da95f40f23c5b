"""`/manifest.webmanifest`, `/sw.js`, `/luring`, and `/lacak/{number}/kabar`: what makes the pages an application on a phone."""

from pathlib import Path
from typing import Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from contracts.number import InvalidNumber, parse_number
from runtime.addresses import segment
from services.portal.installing.manifest import manifest
from services.portal.portal import Asked, Portal
from services.portal.upstream import SYSTEM, Refused
from services.portal.visit import Visit

WORKER: Final = Path(__file__).parent / "static" / "sw.js"
_WORKER_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Service-Worker-Allowed": "/",
    # a worker lives under the policy of its own script: it fetches pages of ours, and nothing else
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'",
}
_NO_STORE: Final = {"Cache-Control": "no-store"}


def routes(portal: Portal) -> list[ControllerRouterHandler]:
    """The pages and files of installing."""
    worker = f"{WORKER.read_text()}// {portal.assets.version[:12]}: with other files it is another worker, which starts anew\n"

    @get("/manifest.webmanifest", include_in_schema=False)
    async def show_manifest(request: Asked) -> Response[bytes]:
        """In the language of its path."""
        visit = portal.visit(request)
        body = msgspec.json.encode(manifest(visit, portal.assets.address))
        headers = {"Cache-Control": "public, max-age=3600"}
        return Response(body, media_type="application/manifest+json", headers=headers)

    @get("/sw.js", include_in_schema=False, sync_to_thread=False)
    def show_worker() -> Response[str]:
        """At the root, so that its scope is the whole portal."""
        return Response(worker, media_type="text/javascript", headers=_WORKER_HEADERS)

    @get("/luring", include_in_schema=False)
    async def offline(request: Asked) -> Response[Any]:
        """Shown where there is no network and the page was never looked at."""
        return portal.visit(request).page("installing/offline.html", headers={"Cache-Control": "public, max-age=3600"})

    return [show_manifest, show_worker, offline, *_news_routes(portal)]


def _news_routes(portal: Portal) -> list[ControllerRouterHandler]:
    @get("/lacak/{number:str}/kabar", include_in_schema=False)
    async def news(request: Asked, number: FromPath[str]) -> Response[Any]:
        """Where a browser is told to show news of this application; without a script the page says what else there is."""
        visit = portal.visit(request)
        known = _canonical(number)
        await portal.status.get(f"/applications/{segment(known)}", visit)  # unknown numbers: the designed 404
        key = ""
        try:
            answer: Any = (await portal.notify.get("/subscriptions/key", visit, auth=SYSTEM)).body
            key = answer["public_key"]
        except Refused as refused:
            if refused.slug != "push-off":
                raise
        return visit.page("installing/news.html", number=known, key=key)

    @post("/lacak/{number:str}/kabar", include_in_schema=False, status_code=200)
    async def change(request: Asked, number: FromPath[str]) -> Response[Any]:
        """What the page's script asks: `mulai`, `berhenti` or `apakah` (204: yes, 404: no)."""
        visit = portal.visit(request)
        form = await visit.form()
        known = _canonical(number)
        body = {"endpoint": form.get("endpoint"), "number": known}
        match form.get("apa"):
            case "mulai":
                await portal.status.get(f"/applications/{segment(known)}", visit)
                keys = {"p256dh": form.get("p256dh"), "auth": form.get("auth")}
                wish = {**body, "keys": keys, "language": visit.language}
                return await _answered(portal, visit, "/subscriptions", wish)
            case "berhenti":
                return await _answered(portal, visit, "/subscriptions/remove", body)
            case _:
                heard: Any = (await portal.notify.post("/subscriptions/heard", visit, json=body, auth=SYSTEM)).body
                return Response(None, status_code=204 if heard["numbers"] else 404, headers=_NO_STORE)

    return [news, change]


async def _answered(portal: Portal, visit: Visit, path: str, body: dict[str, Any]) -> Response[Any]:
    """204, or the words of a refusal for the script to show."""
    try:
        await portal.notify.post(path, visit, json=body, auth=SYSTEM)
    except Refused as refused:
        text = refused.words(visit.language)
        return Response(text, status_code=422, media_type="text/plain", headers=_NO_STORE)
    return Response(None, status_code=204, headers=_NO_STORE)


def _canonical(number: str) -> str:
    try:
        return parse_number(number)
    except InvalidNumber:
        return number[:40]
