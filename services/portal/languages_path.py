"""`/en` in front of a path asks for the English page of that path."""

from typing import cast

from litestar.types import ASGIApp, Receive, Scope, Send

from services.portal.language import ENGLISH_PREFIX
from services.portal.visit import LANGUAGE_KEY


class LanguagePath:
    """Takes the language off the path, before the framework looks at it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if path == ENGLISH_PREFIX or path.startswith(f"{ENGLISH_PREFIX}/"):
            rest = path[len(ENGLISH_PREFIX) :] or "/"
            scope = cast(Scope, {**scope, "path": rest, "raw_path": rest.encode(), LANGUAGE_KEY: "en"})
        await self._app(scope, receive, send)
