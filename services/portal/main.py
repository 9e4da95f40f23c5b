"""The composition root of the portal: settings in, the web pages out.

python -m services.portal.main
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from litestar import Litestar, Router
from litestar.types import ControllerRouterHandler

from contracts.catalogue import load as load_catalogue
from runtime.serve import run
from runtime.settings import load_settings
from runtime.web import create_app
from services.portal.assets import Assets
from services.portal.catalogue import CatalogueReader
from services.portal.language import LANGUAGES, Speech, load_words
from services.portal.languages_path import LanguagePath
from services.portal.pages import Pages
from services.portal.portal import Portal
from services.portal.refusals import exception_handlers
from services.portal.session import Sessions
from services.portal.settings import PortalSettings, fernet_keys
from services.portal.signing_in.staying import SignedOut, staying
from services.portal.tracking.front import in_front
from services.portal.upstream import Upstream

ROOMS: Final = (
    "design",
    "offering",
    "applying",
    "mine",
    "installing",
    "tracking",
    "signing_in",
    "officers",
    "boards",
    "auditing",
)
FOLDER: Final = Path(__file__).parent


def build(settings: PortalSettings) -> Litestar:
    """The whole portal, wired. It keeps nothing and waits for nobody: a service that is away is a page that says so."""
    portal, signed_out = open_portal(settings), SignedOut()
    tracking = in_front(portal)

    @asynccontextmanager
    async def connections(_: Litestar) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await portal.close()

    return create_app(
        settings=settings,
        title="Jejak portal",
        version="1.0.0",
        description="The web pages: for applicants, officers, supervisors and auditors.",
        routes=[Router("/", route_handlers=all_routes(portal), before_request=staying(portal, signed_out))],
        state={"portal": portal, "signed_out": signed_out},
        lifespan=[connections],
        front=lambda app: LanguagePath(tracking(app)),
        exception_handlers=exception_handlers(portal),
    )


def all_routes(portal: Portal) -> list[ControllerRouterHandler]:
    """The routes of all rooms."""
    return [route for room in ROOMS for route in routes_of(room, portal)]


def routes_of(room: str, portal: Portal) -> list[ControllerRouterHandler]:
    """The routes of one room."""
    module: Any = import_module(f"services.portal.{room}.routes")
    routes: list[ControllerRouterHandler] = module.routes(portal)
    return routes


def open_portal(settings: PortalSettings) -> Portal:
    """What every room works with, from the settings."""
    zone = ZoneInfo(load_catalogue().offices[settings.office].time_zone)
    words = load_words()
    assets = Assets(FOLDER)
    speeches = {language: Speech(language, words[language], zone) for language in LANGUAGES}
    intake = _upstream("intake", settings.intake_url, settings)
    return Portal(
        settings=settings,
        intake=intake,
        processing=_upstream("processing", settings.processing_url, settings),
        status=_upstream("status", settings.status_url, settings),
        notify=_upstream("notify", settings.notify_url, settings),
        pages=Pages(FOLDER, assets, speeches, reload=settings.portal_reload),
        assets=assets,
        sessions=Sessions(fernet_keys(settings.session_key), secure=settings.is_secure, hours=settings.session_hours),
        catalogue=CatalogueReader(intake),
    )


def _upstream(name: str, url: str, settings: PortalSettings) -> Upstream:
    return Upstream(name, url, settings.service_token, timeout_s=settings.upstream_timeout_s)


def main() -> None:
    """Read the environment and serve."""
    run(build, load_settings(PortalSettings))


if __name__ == "__main__":
    main()
