"""A portal whose other services cannot be reached."""

import base64

import pytest
from pydantic import SecretStr

from services.portal.settings import PortalSettings

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def settings() -> PortalSettings:
    return PortalSettings(
        office="lebong",
        intake_url=NOWHERE,
        processing_url=NOWHERE,
        status_url=NOWHERE,
        notify_url=NOWHERE,
        session_key=SecretStr(base64.b64encode(bytes(32)).decode()),
        upstream_timeout_s=1,
    )
