"""Where the demonstration takes place: the running system as `jejak exec` describes it in the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SERVICES = ("intake", "processing", "status", "notify")
ROLES = ("officer", "supervisor", "auditor", "operator", "system")


class DemoFailed(Exception):
    """Something is not as it must be; the message says what, in one line."""


@dataclass(frozen=True)
class Place:
    """Addresses, tokens by role, the treasury's secret, and where mail, state and logs lie."""

    urls: Mapping[str, str]
    """Of the services; the portal's is `portal`."""
    portal: str
    tokens: Mapping[str, str]
    treasury_secret: str
    mail: Path
    state: Path
    is_in_memory: bool = False
    """The broker is librdkafka's in-process one, for trying out."""

    def tracking_page(self, number: str) -> str:
        """Where an applicant follows an application."""
        return f"{self.portal}/lacak/{number}"

    @property
    def logs(self) -> Path:
        """The folder of the parts' logs."""
        return self.state / "logs"

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> "Place":
        """The place that `environment` describes. Raises `DemoFailed` where no system is running."""
        try:
            return cls(
                urls={name: environment[f"JEJAK_{name.upper()}_URL"] for name in SERVICES},
                portal=environment["JEJAK_PORTAL_URL"],
                tokens={role: environment[f"JEJAK_TOKEN_{role.upper()}"] for role in ROLES},
                treasury_secret=environment["JEJAK_PUBLISHER_SECRET_TREASURY"],
                mail=Path(environment["JEJAK_MAIL"]),
                state=Path(environment["JEJAK_STATE"]),
                is_in_memory="JEJAK_LOG_GENERATION" in environment,  # only where the broker cannot tell its log's own
            )
        except KeyError as error:
            raise DemoFailed(
                f"no system is running here ({error.args[0]} is not set): use scripts/demo, or "
                "jejak exec --fresh -- python -m deploy.demo"
            ) from None
