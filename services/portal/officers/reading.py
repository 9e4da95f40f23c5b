"""What the pages ask of the other services: the case, what can be chosen, and what the applicant sees."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from msgspec import Struct

from runtime.addresses import segment
from services.portal.portal import Portal
from services.portal.upstream import STAFF, Away, Refused, no_call
from services.portal.visit import Visit

READERS: Final = ("officer", "supervisor", "auditor")
ACTORS: Final = ("officer", "supervisor")


class File(Struct, frozen=True, kw_only=True):
    """A case with all that its page shows. What is None could not be had just now, or is not for this role."""

    number: str
    case: dict[str, Any]
    choices: dict[str, Any]
    handling: dict[str, Any] | None = None
    others: dict[str, Any] | None = None
    """Who else has it open."""
    status: dict[str, Any] | None = None
    deadline: dict[str, Any] | None = None
    timeline: list[dict[str, Any]] | None = None
    needs: dict[str, Any] | None = None
    assistance: dict[str, Any] = {}
    """What the office's needs are called, by code."""


def path_of(number: str) -> str:
    """The page of a case."""
    return f"/petugas/kasus/{segment(number)}"


async def read_case(portal: Portal, visit: Visit, number: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The case and what can be chosen. Raises `Refused` (404 where this office has none), `Away`."""
    place = f"/cases/{segment(number)}"
    case, choices = await asyncio.gather(
        portal.processing.get(place, visit, auth=STAFF, type=dict[str, Any]),
        portal.processing.get(f"{place}/choices", visit, auth=STAFF, type=dict[str, Any]),
    )
    return case.body, choices.body


async def read_file(portal: Portal, visit: Visit, number: str) -> File:
    """Everything on the page of a case. The case must be there; what else is away is left out and said on the page."""
    case, choices = await read_case(portal, visit, number)
    place, about = f"/cases/{segment(case['number'])}", f"/applications/{segment(case['number'])}"
    acts = visit.staff is not None and visit.staff.has(*ACTORS)
    handling, others, status, deadline, timeline, needs = await asyncio.gather(
        _maybe(portal.processing.get(f"{place}/handling", visit, auth=STAFF)),
        _maybe(portal.processing.put(f"{place}/presence", visit, auth=STAFF)) if acts else no_call(None),
        # As staff, so that it is not kept as something that the applicant was shown.
        _maybe(portal.status.get(about, visit, auth=STAFF)),
        _maybe(portal.status.get(f"{about}/deadline", visit, auth=STAFF)),
        _maybe(portal.status.get(f"{about}/timeline", visit, auth=STAFF, params={"limit": 200})),
        _maybe(portal.intake.get(f"{about}/needs", visit, auth=STAFF)) if acts else no_call(None),
    )
    return File(
        number=case["number"],
        case=case,
        choices=choices,
        handling=handling,
        others=others,
        status=status,
        deadline=deadline,
        timeline=timeline["entries"] if timeline else None,
        needs=needs,
        assistance=await _assistance(portal, visit, case["office"]) if needs and needs["needs"] else {},
    )


async def wished_fees(portal: Portal, visit: Visit, number: str) -> list[str]:
    """The fees that the applicant chose in the form; none where that cannot be asked now."""
    needs = await _maybe(portal.intake.get(f"/applications/{segment(number)}/needs", visit, auth=STAFF))
    return list(needs["fees"]) if needs else []


async def _assistance(portal: Portal, visit: Visit, code: str) -> dict[str, Any]:
    try:
        office = await portal.catalogue.office(code, visit)
    except (Refused, Away):
        return {}
    offered = office.visiting.assistance if office and office.visiting else []
    return {one.code: one.labels for one in offered}


async def _maybe(asking: Coroutine[Any, Any, Any]) -> Any:
    """The answer's body; None where it is not to be had: the page says so, and shows the rest."""
    try:
        return (await asking).body
    except (Refused, Away):
        return None
