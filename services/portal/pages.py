"""From a template's name to a page: the templates of all rooms, in both languages, with the words of each."""

import gzip
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from services.portal.assets import Assets
from services.portal.language import LANGUAGES, Language, Speech, number_groups

if TYPE_CHECKING:
    from services.portal.visit import Visit

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; object-src 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=(), payment=()",
    # `no-referrer` would make browsers send `Origin: null` with our own forms
    "Referrer-Policy": "same-origin",
}
PACK_FROM_BYTES: Final = 600


class Pages:
    """Renders templates, named `<room>/<file>` for `<room>/templates/<file>`. Reads them anew each time where `reload`."""

    def __init__(self, rooms: Path, assets: Assets, speeches: Mapping[Language, Speech], *, reload: bool) -> None:
        self._assets = assets
        self._reload = reload
        self.speeches = speeches
        self._environments = {
            language: self._environment(rooms, speeches[language], reload=reload) for language in LANGUAGES
        }

    def _environment(self, rooms: Path, speech: Speech, *, reload: bool) -> Environment:
        folders = {path.parent.name: FileSystemLoader(path) for path in rooms.glob("*/templates") if path.is_dir()}
        environment = Environment(
            loader=PrefixLoader(folders),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=reload,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
        )
        environment.policies["ext.i18n.trimmed"] = True
        environment.install_gettext_callables(*_spoken(speech), newstyle=True)  # type: ignore[attr-defined]
        environment.globals |= {"asset": self._assets.address}
        environment.filters |= {
            "text": speech.text,
            "day": speech.day,
            "day_time": speech.day_time,
            "time": speech.time,
            "ago": speech.ago,
            "length_of": speech.length_of,
            "money": speech.money,
            "number": speech.number,
            "number_groups": number_groups,
        }
        return environment

    def render(self, name: str, visit: "Visit", context: Mapping[str, Any]) -> bytes:
        """The page, in the visitor's language."""
        if self._reload:
            self._assets.reread()
        template = self._environments[visit.language].get_template(name)
        return template.render(
            room_of_page=name.partition("/")[0],
            visit=visit,
            url=visit.url,
            now=datetime.now(UTC),
            csrf_field=_field("csrf", lambda: visit.csrf),
            once_field=_field("once", lambda: secrets.token_urlsafe(16)),
            **context,
        ).encode()


def _spoken(speech: Speech) -> tuple[Callable[..., str], Callable[..., str]]:
    """`gettext` and `ngettext` for templates: the words of the page's own room come first."""

    @pass_context
    def one(context: Context, text: str) -> str:
        return speech.words.of(_room(context)).gettext(text)

    @pass_context
    def counted(context: Context, singular: str, plural: str, n: int) -> str:
        return speech.words.of(_room(context)).ngettext(singular, plural, n)

    return one, counted


def _room(context: Context) -> str:
    return str(context.get("room_of_page", ""))


def _field(name: str, value: Callable[[], str]) -> Callable[[], Markup]:
    return lambda: Markup('<input type="hidden" name="{}" value="{}">').format(name, value())


def packed(body: bytes, accepted: str) -> tuple[bytes, dict[str, str]]:
    """`body` as the browser that accepts `accepted` gets it, and the headers that say so."""
    if len(body) < PACK_FROM_BYTES or "gzip" not in accepted:
        return body, {"Vary": "Accept-Encoding"}
    return gzip.compress(body, 5, mtime=0), {"Vary": "Accept-Encoding", "Content-Encoding": "gzip"}
