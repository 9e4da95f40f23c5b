"""Where applicants get in: number and access code, a limited number of failures, one answer whatever is wrong."""

from contracts.number import InvalidNumber, parse_number
from services.intake.access import AccessDenied, Attempts, Credentials
from services.intake.application import Entry
from services.intake.vault import Vault


class Entrance:
    """Lets applicants in."""

    def __init__(self, vault: Vault, attempts: Attempts) -> None:
        self._vault = vault
        self._attempts = attempts

    async def enter(self, credentials: Credentials, number: str, client: str) -> Entry:
        """The applicant of `number` (as in the address). Raises `AccessDenied`, `TooManyAttempts`."""
        self._attempts.check(credentials.number, client)
        try:
            key = await self._vault.enter(credentials.number, credentials.code)
            if _canonical(number) != credentials.number:
                raise AccessDenied()
        except AccessDenied:
            self._attempts.failed(credentials.number, client)
            raise
        return Entry(credentials.number, key)


def _canonical(number: str) -> str:
    try:
        return parse_number(number)
    except InvalidNumber:
        return ""
