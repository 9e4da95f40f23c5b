"""One request to the portal: who asks, in which language, with which session; and the pages that answer."""

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from litestar import Request, Response

from runtime import addresses
from services.portal.forms import ForeignForm, Form, is_foreign, read_form
from services.portal.language import ENGLISH_PREFIX, Language, Speech
from services.portal.pages import HEADERS, packed
from services.portal.session import Flash, FlashKind, Session, Staff

if TYPE_CHECKING:
    from services.portal.portal import Portal

Asked = Request[Any, Any, Any]
LANGUAGE_KEY: Final = "jejak.language"
_PRIVATE: Final = {"Cache-Control": "no-store"}


class SignInNeeded(Exception):
    """The page is for staff, and nobody has signed in, or no longer."""


class NotForRole(Exception):
    """The page is for other roles. `roles`: for whom."""

    def __init__(self, *roles: str) -> None:
        super().__init__(", ".join(roles))
        self.roles = roles


class Visit:
    """A request, seen by the pages."""

    def __init__(self, portal: "Portal", request: Asked) -> None:
        self._portal = portal
        self.request = request
        self.language: Language = request.scope.get(LANGUAGE_KEY, "id")  # type: ignore[assignment]
        self._opened: Session | None = None
        self._before = b""

    @property
    def session(self) -> Session:
        """What is remembered of the visitor; change it before the page is made."""
        if self._opened is None:
            self._opened = self._portal.sessions.open(self.request.cookies)
            self._before = self._portal.encoded(self._opened)
        return self._opened

    @property
    def staff(self) -> Staff | None:
        """Who signed in."""
        return self.session.staff

    @property
    def has_session(self) -> bool:
        """Whether the visitor brought a session cookie, whatever is in it."""
        return self._portal.sessions.name in self.request.cookies

    @property
    def address(self) -> str:
        """The visitor's network address."""
        return self.request.client.host if self.request.client else ""

    @property
    def speech(self) -> Speech:
        """How the visitor's language puts things."""
        return self._portal.pages.speeches[self.language]

    @property
    def _room(self) -> str:
        """The room whose handler answers."""
        handler = self.request.scope.get("route_handler")
        module = getattr(getattr(handler, "fn", None), "__module__", "")
        return module.split(".")[2] if module.count(".") > 2 else ""

    @property
    def csrf(self) -> str:
        """A token for a form."""
        return self.session.form_token()

    @property
    def path(self) -> str:
        """The path without the language."""
        return str(self.request.scope["path"])

    @property
    def here(self) -> str:
        """The path with the query, without the language."""
        query = self.request.scope["query_string"].decode("latin-1")
        return addresses.path(self.path) + (f"?{query}" if query else "")

    @property
    def origin(self) -> str:
        """Where people reach the portal, e.g. `https://jejak.example`."""
        if self._portal.settings.public_url:
            parts = urlsplit(self._portal.settings.public_url)
            return f"{parts.scheme}://{parts.netloc}"
        return f"http://{self.request.headers.get('host', '')}"

    def _(self, text: str, /, **values: object) -> str:
        """`text` (Indonesian) in the visitor's language; `%(name)s` filled from `values`."""
        translated = self.speech.words.of(self._room).gettext(text)
        return translated % values if values else translated

    def text(self, words: Any) -> str:
        """`{id, en}` in the visitor's language."""
        return self.speech.text(words)

    def url(self, path: str) -> str:
        """A path of ours in the visitor's language."""
        return ENGLISH_PREFIX + ("" if path == "/" else path) if self.language == "en" else path

    def in_language(self, language: Language) -> str:
        """This very page in `language`."""
        return ENGLISH_PREFIX + self.here if language == "en" else self.here

    def require(self, *roles: str) -> Staff:
        """Who signed in with one of `roles`. Raises `SignInNeeded`, `NotForRole`."""
        if (staff := self.staff) is None:
            raise SignInNeeded
        if roles and not staff.has(*roles):
            raise NotForRole(*roles)
        return staff

    def flash(self, kind: FlashKind, text: str) -> None:
        """Say `text` on the next page."""
        self.session.flash = [*self.session.flash, Flash(kind, text)]

    def take_flashes(self) -> list[Flash]:
        """What is to be said on this page, and not again."""
        if not self.has_session and self._opened is None:
            return []
        said = self.session.flash
        if said:
            self.session.flash = []
        return said

    async def form(self) -> Form:
        """What was sent from a form of ours. Raises `ForeignForm`, `FormTooLarge`, `FormUnreadable`."""
        self.refuse_foreign()
        form = await read_form(self.request)
        self.check_token(form.get("csrf"))
        return form

    def refuse_foreign(self) -> None:
        """Raises `ForeignForm` where the browser says that another site sent this."""
        if is_foreign(self.request, frozenset({self.origin})):
            raise ForeignForm

    def check_token(self, token: str) -> None:
        """Raises `ForeignForm` where `token` is not of a form of this session."""
        if not self.session.is_form_token(token):
            raise ForeignForm

    def page(
        self, template: str, *, status_code: int = 200, headers: dict[str, str] | None = None, **context: Any
    ) -> Response[Any]:
        """The page of `template`. Not to be stored by caches unless `headers` say otherwise."""
        body = self._portal.pages.render(template, self, context)
        content, how = packed(body, self.request.headers.get("accept-encoding", ""))
        return self.with_session(
            Response(
                content,
                status_code=status_code,
                media_type="text/html",
                headers={**HEADERS, **_PRIVATE, "Content-Language": self.language, **how, **(headers or {})},
            )
        )

    def redirect(self, path: str) -> Response[Any]:
        """303 to a path of ours, in the visitor's language."""
        return self.with_session(
            Response(None, status_code=303, headers={"Location": self.url(path), **_PRIVATE})
        )  # fmt: skip

    def with_session(self, response: Response[Any]) -> Response[Any]:
        """`response`, with the session where it changed."""
        if self._opened is not None and self._portal.encoded(self._opened) != self._before:
            response.cookies = [*response.cookies, *self._portal.sessions.close(self._opened, self.request.cookies)]
        return response
