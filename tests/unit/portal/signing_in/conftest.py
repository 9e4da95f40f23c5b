"""The provider for trying out, spoken to without a network; what it answers can be bent."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from deploy.local.issuer import Issuer
from deploy.local.provider.grants import Client, Request, Server
from deploy.local.provider.serving import answer
from services.portal.settings import PortalSettings
from services.portal.signing_in.provider import Begun, Provider

ADDRESS = "http://127.0.0.1:5000"
BACK = "http://127.0.0.1:6000/masuk/kembali"
SESSION_KEY = "A" * 43 + "="


class Office:
    """A provider, the portal's settings for it, and what its answers are made to say."""

    def __init__(self, folder: Path) -> None:
        self.issuer = Issuer(folder / "issuer.pem")
        self.server = Server(ADDRESS, self.issuer, Client("jejak-portal", "geheim"))
        self.keys = folder / "jwks.json"
        self.keys.write_text(self.issuer.jwks())
        self.bent: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.status: dict[str, int] = {}
        self.asked: list[str] = []
        self.settings = PortalSettings(
            intake_url="http://i",
            processing_url="http://p",
            status_url="http://s",
            notify_url="http://n",
            session_key=SecretStr(SESSION_KEY),
            issuer=self.issuer.name,
            jwks=self.keys.as_uri(),
            oidc_issuer=ADDRESS,
            oidc_client_secret=SecretStr("geheim"),
        )

    def provider(self, **settings: Any) -> Provider:
        """The portal's side of it."""
        return Provider(self.settings.model_copy(update=settings), transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = urlsplit(str(request.url)).path
        self.asked.append(path)
        headers = {name.title(): value for name, value in request.headers.items()}
        given = answer(self.server, Request(request.method, str(request.url), request.content.decode(), headers))
        body = json.loads(given.body)
        if path.endswith("openid-configuration"):
            body["jwks_uri"] = self.keys.as_uri()
        if path in self.bent:
            body = self.bent[path](body)
        return httpx.Response(self.status.get(path, given.status), json=body)

    def choose(self, begun: Begun, person: str) -> str:
        """The code that the browser brings back after choosing a person."""
        asked = urlsplit(begun.address).query
        request = Request("POST", f"{ADDRESS}/authorize?{asked}", urlencode({"person": person}), {})
        return parse_qs(urlsplit(answer(self.server, request).headers["Location"]).query)["code"][0]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    return Office(tmp_path)
