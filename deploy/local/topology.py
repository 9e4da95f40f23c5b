"""Who runs: the services, the portal and what they lean on, each with its port, its environment and its readiness check."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence

from deploy.local.issuer import AUDIENCE, DESKS, ROLES
from deploy.local.keys import Keys
from deploy.local.part import NotStarted, Part, Wave
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.provider import CLIENT_ID, DISCOVERY_PATH, JWKS_PATH
from deploy.local.state import State
from deploy.local.wanted import PARTS, PORTAL

ANSWER_CHARACTERS = 300


class Topology:
    """Ports and secrets of one run, and from them: the parts, their environment, and what a COMMAND is told."""

    def __init__(self, state: State, ports: Ports, kafka: str, database: str, log_generation: str | None) -> None:
        self._keys = Keys.of(state.path("keys"))
        self._state = state
        self._ports = {name: ports.take() for name in (*PARTS, "issuer", "mail")}
        self._shared = {"JEJAK_KAFKA": kafka, "JEJAK_DATABASE": database}
        if log_generation:
            self._shared["JEJAK_LOG_GENERATION"] = log_generation

    def parts(self, services: Sequence[str]) -> list[Part]:
        """The services named, and the support they need."""
        return [self._issuer(), self._mail(), *(self._service(name) for name in services)]

    def command_environment(self) -> dict[str, str]:
        """What a COMMAND gets: addresses, a token for each role, the keys an importer or a treasury needs, where mail and state lie."""
        tokens = {f"JEJAK_TOKEN_{role.upper()}": self._keys.issuer.token(role, desk=DESKS.get(role)) for role in ROLES}
        return {
            **self._shared,
            **self._addresses(),
            **self._trust(),
            **tokens,
            **self._provider(),
            "JEJAK_NUMBER_KEY": self._keys.number_key,
            "JEJAK_PUBLISHER_SECRET_TREASURY": self._keys.treasury_secret,
            "JEJAK_MAIL": str(self._state.path("mail")),
        }

    def _service(self, name: str) -> Part:
        port = self._ports[name]
        return Part(
            name=name,
            command=[sys.executable, "-m", "runtime.start", f"services.{name}.main"],
            ready=http_ready(port, "/health/ready"),
            wave=Wave.SERVICE,
            address=f"http://{LOOPBACK}:{port}",
            ports=(port,),
            environment=self._environment(name),
        )

    def _environment(self, name: str) -> Mapping[str, str]:
        if name == PORTAL:
            return self._portal_environment()
        push = {"JEJAK_VAPID_PRIVATE_KEY": self._keys.vapid_key} if name == "notify" else {}
        return {**self._service_environment(name), **push}

    def _service_environment(self, name: str) -> Mapping[str, str]:
        documents = self._state.path("documents")
        documents.mkdir(mode=0o700, exist_ok=True)
        return {
            **self._shared,
            **self._addresses(),
            **self._trust(),
            **self._listening(name),
            "JEJAK_TRACK_URL": f"{self._address(PORTAL)}/lacak/{{number}}",
            "JEJAK_PROXIES": LOOPBACK,
            "JEJAK_PUBLISHERS": str(self._keys.publishers),
            "JEJAK_MASTER_KEY": self._keys.master_key,
            "JEJAK_NUMBER_KEY": self._keys.number_key,
            "JEJAK_DOCUMENTS": documents.as_uri(),
            "JEJAK_SMTP": f"{LOOPBACK}:{self._ports['mail']}",
            "JEJAK_SERVICE_TOKEN": self._keys.issuer.token("system", subject=name),
        }

    def _portal_environment(self) -> Mapping[str, str]:
        """Beside addresses and trust: its own address, the key of its sessions, and how it is known to the provider."""
        return {
            **self._addresses(),
            **self._trust(),
            **self._listening(PORTAL),
            "JEJAK_PUBLIC_URL": self._address(PORTAL),
            "JEJAK_SESSION_KEY": self._keys.session_key,
            "JEJAK_SERVICE_TOKEN": self._keys.issuer.token("system", subject=PORTAL),
            **self._provider(),
        }

    def _provider(self) -> dict[str, str]:
        """How a portal is known to the provider; also for one that somebody starts beside the system, to work on it."""
        return {
            "JEJAK_OIDC_ISSUER": self._address("issuer"),
            "JEJAK_OIDC_CLIENT_ID": CLIENT_ID,
            "JEJAK_OIDC_CLIENT_SECRET": self._keys.portal_secret,
        }

    def _listening(self, name: str) -> dict[str, str]:
        return {"JEJAK_HOST": LOOPBACK, "JEJAK_PORT": str(self._ports[name])}

    def _address(self, name: str) -> str:
        return f"http://{LOOPBACK}:{self._ports[name]}"

    def _addresses(self) -> dict[str, str]:
        return {f"JEJAK_{name.upper()}_URL": self._address(name) for name in PARTS}

    def _trust(self) -> dict[str, str]:
        return {
            "JEJAK_ISSUER": self._keys.issuer.name,
            "JEJAK_JWKS": self._address("issuer") + JWKS_PATH,
            "JEJAK_AUDIENCE": AUDIENCE,
        }

    def _issuer(self) -> Part:
        port = self._ports["issuer"]
        keys = self._state.path("keys")
        return Part(
            name="issuer",
            command=[sys.executable, "-m", "deploy.local.provider", str(port), str(keys)],
            ready=http_ready(port, DISCOVERY_PATH),
            wave=Wave.SUPPORT,
            address=self._address("issuer"),
            ports=(port,),
        )

    def _mail(self) -> Part:
        port = self._ports["mail"]
        return Part(
            name="mail",
            command=[sys.executable, "-m", "deploy.local.mail_sink", str(port), str(self._state.path("mail"))],
            ready=smtp_ready(port),
            wave=Wave.SUPPORT,
            address=f"smtp://{LOOPBACK}:{port}",
            ports=(port,),
        )


def http_ready(port: int, path: str) -> Callable[[], Awaitable[None]]:
    """A check that a GET is answered with 200."""
    request = f"GET {path} HTTP/1.0\r\nHost: {LOOPBACK}:{port}\r\n\r\n"
    return lambda: _expect(port, request, b" 200 ")


def smtp_ready(port: int) -> Callable[[], Awaitable[None]]:
    """A check that a mail server greets."""
    return lambda: _expect(port, "", b"220 ")


async def _expect(port: int, request: str, expected: bytes) -> None:
    """Send `request` and look for `expected` in the first line of the answer; raises with the answer's last line."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        writer.write(request.encode())
        line = await reader.readline()
        if expected not in line:
            rest = (line + await reader.read()).decode(errors="replace").strip()
            raise NotStarted(rest.splitlines()[-1][:ANSWER_CHARACTERS] if rest else "it closed the connection")
    finally:
        writer.close()
