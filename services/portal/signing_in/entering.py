"""What a sign-in makes of a session."""

import hmac
import time
from typing import Final

from services.portal.session import Session, Staff

SIGN_IN_S: Final = 15 * 60
WHO: Final = "who"
"""Of `Session.notes`: who signed in last, also when that has expired."""


def begin(session: Session, *, state: str, nonce: str, verifier: str, back: str, language: str) -> None:
    """Remember a sign-in under way; another one is forgotten."""
    session.signing_in = {
        "state": state,
        "nonce": nonce,
        "verifier": verifier,
        "back": back,
        "language": language,
        "since": str(int(time.time())),
    }


def under_way(session: Session, state: str) -> dict[str, str] | None:
    """What was remembered of the sign-in `state`: None where it is another one, or began too long ago."""
    kept = session.signing_in
    if not kept or not hmac.compare_digest(kept.get("state", "").encode(), state.encode()):
        return None
    return kept if time.time() - int(kept["since"]) <= SIGN_IN_S else None


def enter(session: Session, staff: Staff) -> None:
    """Make the session that of `staff`.

    Nothing of before stays, so that no session can be prepared for somebody else; only where the same person comes
    back do forms that they left open stay good, and may be sent again.
    """
    if session.notes.get(WHO) != staff.subject:
        leave(session)
        session.renew()
    session.signing_in = {}
    session.staff = staff
    session.notes = {**session.notes, WHO: staff.subject}


def leave(session: Session) -> None:
    """Empty the session."""
    empty = Session()
    for field in Session.__struct_fields__:
        setattr(session, field, getattr(empty, field))
