"""Where a token says what its holder may do: providers put roles, office and desk in places of their own.

Keycloak, for one, lists roles in `realm_access.roles`. A place is the claim's whole name (which may hold dots, as names
that are addresses do) or, where there is no such claim, a path of names joined by dots.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Places(NamedTuple):
    """The places of our own claims."""

    roles: str = "roles"
    office: str = "office"
    desk: str = "desk"

    def read(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """`sub` and our own claims under our names; those that are not there are left out."""
        found = {
            "sub": payload.get("sub"),
            **{name: claim_at(payload, place) for name, place in self._asdict().items()},
        }
        return {name: value for name, value in found.items() if value is not None}


OURS = Places()


def claim_at(payload: Mapping[str, Any], place: str) -> Any:
    """What is at a place, None where nothing is."""
    if place in payload:
        return payload[place]
    found: Any = payload
    for name in place.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found
