"""HTTP on loopback: discovery, keys, the page of choices, tokens, the end of a session."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.oauth2 import OAuth2Error

from deploy.local.ports import LOOPBACK
from deploy.local.provider import DISCOVERY_PATH, JWKS_PATH, pages
from deploy.local.provider.grants import LOOPBACK_NAMES, SCOPES, Answer, Request, Server
from deploy.local.provider.people import person_of

BODY_BYTES: Final = 64 * 1024
# The choice ends with a redirection to the portal, which browsers take for a target of the form.
POLICY: Final = "default-src 'none'; style-src 'self'; form-action 'self' http://127.0.0.1:* http://localhost:*"
_HTML: Final = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": POLICY}


def discovery(address: str) -> dict[str, Any]:
    """What there is (OpenID Connect Discovery 1.0, section 3)."""
    return {
        "issuer": address,
        "authorization_endpoint": f"{address}/authorize",
        "token_endpoint": f"{address}/token",
        "end_session_endpoint": f"{address}/end-session",
        "jwks_uri": f"{address}{JWKS_PATH}",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["EdDSA"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["sub", "name", "auth_time", "nonce"],
    }


def answer(server: Server, request: Request) -> Answer:
    """What is answered to a request."""
    path = urlsplit(request.uri).path
    match request.method, path:
        case (("GET" | "POST"), "/authorize"):
            return _authorize(server, request)
        case "POST", "/token":
            return _as_answer(server.create_token_response(request))
        case (("GET" | "POST"), "/end-session"):
            return _end_session(server, request)
        case "GET", _ if document := _document(server, path):
            return document
        case _:
            return _trouble(404, "there is no such page")


def _document(server: Server, path: str) -> Answer | None:
    if path == JWKS_PATH:
        return Answer(200, server.issuer.jwks(), {"Content-Type": "application/jwk-set+json"})
    if path == DISCOVERY_PATH:
        return Answer(200, json.dumps(discovery(server.address)), {"Content-Type": "application/json"})
    return Answer(200, pages.STYLE, {"Content-Type": "text/css"}) if path == "/style.css" else None


def _authorize(server: Server, request: Request) -> Answer:
    """The page of choices; after the choice, the way back to the portal with a code."""
    try:
        grant = server.get_consent_grant(request)
    except OAuth2Error as error:
        return _trouble(400, error.description or error.error)
    if request.method == "GET":
        return Answer(200, pages.choice(urlsplit(request.uri).query), _HTML)
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return _trouble(403, "the choice came from another site")
    person = person_of(request.form.get("person", ""))
    return _as_answer(server.create_authorization_response(request, grant_user=person, grant=grant))


def _end_session(server: Server, request: Request) -> Answer:
    try:
        ended = server.validate_endpoint_request("end_session", request)
    except OAuth2Error as error:
        return _trouble(400, error.description or error.error)
    leads_back = server.create_endpoint_response("end_session", ended)
    return _as_answer(leads_back) if leads_back else Answer(200, pages.signed_out(), _HTML)


def _trouble(status: int, reason: str) -> Answer:
    return Answer(status, pages.trouble(reason), _HTML)


def _as_answer(given: Answer) -> Answer:
    """After the form of the choice the browser is to go on by GET."""
    return Answer(303, given.body, given.headers) if given.status == 302 else given


def serve(port: int, server: Server) -> None:
    """Answer until ended."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("")

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > BODY_BYTES:
                self.close_connection = True
                self._send(_trouble(413, "that is too much"))
                return
            self._answer(self.rfile.read(length).decode(errors="replace"))

        def _answer(self, form: str) -> None:
            if urlsplit(f"//{self.headers.get('Host', '')}").hostname not in LOOPBACK_NAMES:
                self._send(_trouble(403, "only this machine is answered"))
                return
            self._send(answer(server, Request(self.command, server.address + self.path, form, dict(self.headers))))

        def _send(self, given: Answer) -> None:
            body = given.body.encode()
            self.send_response(given.status)
            for name, value in {"Cache-Control": "no-store", **given.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: addresses hold codes."""

    ThreadingHTTPServer((LOOPBACK, port), Handler).serve_forever()
