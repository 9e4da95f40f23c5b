"""Where applicants get in: number and access code or grant, a limited number of failures, one answer whatever is wrong."""

from collections.abc import Callable
from datetime import datetime

from contracts.number import InvalidNumber, parse_number
from services.intake.access import AccessDenied, Attempts, Credentials
from services.intake.application import Entry
from services.intake.vault import Vault


class Entrance:
    """Lets applicants in."""

    def __init__(self, vault: Vault, attempts: Attempts, clock: Callable[[], datetime]) -> None:
        self._vault = vault
        self._attempts = attempts
        self._clock = clock

    async def enter(self, credentials: Credentials, number: str, client: str) -> Entry:
        """The applicant of `number` (as in the address). Raises `AccessDenied`, `TooManyAttempts`."""
        self._attempts.check(credentials.number, client)
        try:
            now = int(self._clock().timestamp())
            key = await self._vault.enter(credentials.number, credentials.code, credentials.grant, now)
            if _canonical(number) != credentials.number:
                raise AccessDenied()
        except AccessDenied:
            self._attempts.failed(credentials.number, client)
            raise
        return Entry(credentials.number, key, by_grant=bool(credentials.grant))


def _canonical(number: str) -> str:
    try:
        return parse_number(number)
    except InvalidNumber:
        return ""
