"""What the portal is told about the place it runs in."""

import base64
import binascii
from typing import ClassVar

from pydantic import Field, SecretStr, field_validator

from runtime.settings import Settings

KEY_BYTES = 32


class PortalSettings(Settings):
    """Addresses, keys and the OpenID provider. The portal has no log and no tables: both of their settings are idle."""

    service_name: ClassVar[str] = "portal"

    kafka: str = Field("", description="not used by the portal")
    database: str = Field("", description="not used by the portal", repr=False)

    intake_url: str = Field(description="address of intake")
    processing_url: str = Field(description="address of processing")
    status_url: str = Field(description="address of the status service")
    notify_url: str = Field(description="address of notify")
    service_token: SecretStr = Field(SecretStr(""), description="bearer token (role system) for the other services")
    upstream_timeout_s: float = Field(10.0, gt=0, le=120, description="seconds to wait for another service")

    public_url: str = Field(
        "", description="where people reach the portal, e.g. https://jejak.example; empty: as asked"
    )
    session_key: SecretStr = Field(
        description="KEY[,…], each 32 bytes in base64: the first seals sessions, the others still open them"
    )
    session_hours: float = Field(12.0, gt=0, le=24 * 30, description="hours after which an unused session ends")
    portal_reload: bool = Field(False, description="read templates anew on every request, while they are written")

    oidc_issuer: str = Field("", description="OpenID provider of the staff; empty: staff cannot sign in")
    oidc_client_id: str = Field("jejak-portal", description="how the portal is known there")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="its secret; empty: a public client with PKCE")
    oidc_scopes: str = Field("openid profile", description="what is asked for")

    @field_validator("session_key")
    @classmethod
    def _session_key_can_be_used(cls, setting: SecretStr) -> SecretStr:
        fernet_keys(setting)
        return setting

    @property
    def is_secure(self) -> bool:
        """Whether people reach the portal by HTTPS only."""
        return self.public_url.startswith("https://")


def fernet_keys(setting: SecretStr) -> list[bytes]:
    """The keys in the form that Fernet takes. Raises ValueError that says what is wrong, without the keys."""
    keys = []
    for text in setting.get_secret_value().split(","):
        try:
            key = base64.b64decode(text.strip().translate(str.maketrans("-_", "+/")), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("a key is not base64") from None
        if len(key) != KEY_BYTES:
            raise ValueError(f"a key has {len(key)} bytes, not {KEY_BYTES}")
        keys.append(base64.urlsafe_b64encode(key))
    return keys
