"""Settings from the environment: every name begins with `JEJAK_`.

A service adds its own fields in a subclass. `load_settings` is the only place that reads the environment; what is
missing or wrong is said in one line per variable, without the value (it may be a secret), and the process ends with
exit code 2.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import ClassVar, Literal, TypeVar, cast

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

LogLevel = Literal["debug", "info", "warning", "error"]
ENV_PREFIX = "JEJAK_"
EXIT_CODE = 2


class Settings(BaseSettings):
    """What every service needs to know about the place it runs in. Secrets are `SecretStr`, never plain text."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    service_name: ClassVar[str] = "jejak"
    """Name in logs and metrics; each service's own settings set it."""

    kafka: str = Field(description="Kafka bootstrap servers, e.g. 127.0.0.1:9092")
    database: str = Field(description="PostgreSQL URI or libpq connection string", repr=False)
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(0, ge=0, le=65535, description="TCP port to listen on, 0 for a free one")
    address_file: str | None = Field(None, description="file that receives the address listened on, e.g. for port 0")
    office: str = Field("lebong", description="code of the office in the catalogue")
    issuer: str = Field("", description="issuer (`iss`) of the bearer tokens")
    jwks: str = Field("", description="URL of the issuer's public keys: https://, http:// or file://")
    audience: str = Field("jejak", description="audience (`aud`) that bearer tokens must name")
    claim_roles: str = Field("roles", description="where tokens list roles, e.g. realm_access.roles")
    claim_office: str = Field("office", description="where tokens name the office")
    claim_desk: str = Field("desk", description="where tokens name the desk")
    log_level: LogLevel = Field("info", description="one of debug, info, warning, error")
    log_generation: str | None = Field(None, description="generation of the event log's topic, where Kafka tells none")
    topic_replication: int = Field(1, ge=1, le=32767, description="replication factor of topics that are created")
    proxies: str = Field(
        "", description="addresses, separated by commas, whose X-Forwarded-For is believed (a proxy, the portal)"
    )
    graceful_stop_s: float = Field(3.0, gt=0, le=60, description="seconds for open requests to end at a stop")


class SettingsError(SystemExit):
    """The environment does not describe a service that can start. `reasons` has one line per variable."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(EXIT_CODE)
        self.reasons = reasons

    def __str__(self) -> str:
        return "\n".join(self.reasons)


S = TypeVar("S", bound=Settings)


def load_settings(cls: type[S]) -> S:
    """Read `cls` from the environment.

    Raises `SettingsError` (exit code 2) after writing one line per missing or wrong variable to stderr.
    """
    try:
        return cast(Callable[[], S], cls)()
    except ValidationError as error:
        reasons = [_reason(cls, issue["loc"], issue["type"], issue["msg"]) for issue in error.errors()]
    except SourceError as error:  # a list or mapping that is not JSON; the message names the field, not the value
        reasons = [f"settings cannot be read: {error}"]
    for reason in reasons:
        sys.stderr.write(f"{cls.service_name}: {reason}\n")
    raise SettingsError(reasons)


def variable_name(field: str) -> str:
    """The environment variable of a settings field."""
    return f"{ENV_PREFIX}{field.upper()}"


def _reason(cls: type[Settings], location: tuple[int | str, ...], kind: str, message: str) -> str:
    if not location:
        return message.removeprefix("Value error, ")
    # pydantic reports the alias where a value was given, the field's name where none was
    field = str(location[0]).removeprefix(ENV_PREFIX.lower())
    known = cls.model_fields.get(field)
    meaning = f" ({known.description})" if known and known.description else ""
    if kind == "missing":
        return f"{variable_name(field)} is not set{meaning}: set it in the environment"
    return f"{variable_name(field)} is wrong{meaning}: {message}"
