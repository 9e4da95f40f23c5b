"""The plan of a simulated office day: who comes, for what, when, and how it goes. Pure; chance comes from a seed.

Quotas: those of a real office (Batam, 285 a day: 200 general, 50 priority, 35 same-day). Services, requirements and
fees are the catalogue's. How often something goes wrong is invented, and so is everybody who comes.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, TypeVar

from contracts.catalogue import Catalogue, Service, fees_on

T = TypeVar("T")

OPENS_MIN: Final = 7.5 * 60
CLOSES_MIN: Final = 16 * 60
QUOTA: Final = 285


class End(StrEnum):
    """How far an application has come when the day is over."""

    COLLECTED = "handed over"
    ISSUED = "ready to be collected"
    REFUSED = "refused, with the remedy"
    WITHDRAWN = "withdrawn by the applicant"
    IN_WORK = "open: waits for the decision"
    PAUSED = "open: paused, blank books ran out"
    UNPAID = "open: waits for the payment"
    AWAITING = "open: waits for a document"


class Paying(StrEnum):
    """How the fee is paid."""

    AT_ONCE = "paid and reported at once"
    LATE = "paid in time and reported hours later"
    WRONG = "wrong amount first, then the right one"
    TWICE = "paid twice"


@dataclass(frozen=True)
class Plan:
    """One application's day."""

    service: str
    queue: str
    arrives_min: float
    """Minutes after midnight, office time."""
    channel: str
    language: str
    has_email: bool
    fees: tuple[str, ...]
    asked_for: str | None
    """A requirement that the office asks for once more."""
    request_reason: str
    refusal_reason: str
    is_invited: bool
    paying: Paying
    end: End
    gaps_min: Sequence[float]
    """Minutes between one step and the next, taken in turn."""


@dataclass(frozen=True)
class Queue:
    """One kind of visitors: how many of the day, when they come, how, and for which services (with weights)."""

    share: int
    arrives_min: tuple[float, float]
    channels: tuple[str, ...]
    services: dict[str, int]
    ends: dict[End, int]


_ENDS: Final = {
    End.COLLECTED: 50, End.ISSUED: 12, End.REFUSED: 6, End.WITHDRAWN: 3,
    End.IN_WORK: 14, End.PAUSED: 3, End.UNPAID: 7, End.AWAITING: 5,
}  # fmt: skip
QUEUES: Final = {
    "general": Queue(
        200, (OPENS_MIN, 14.5 * 60), ("internet", "internet", "mobile", "desk"),
        {
            "passport_new": 30, "passport_replacement": 34, "passport_lost": 4, "passport_damaged": 3, "travel_document": 2,
            "itk_extension": 7, "voa_extension": 7, "itas": 3, "itas_extension": 6, "itap": 2, "imk": 2,
        },
        _ENDS,
    ),
    "priority": Queue(
        50, (OPENS_MIN, 15 * 60), ("desk",),
        {"passport_new": 14, "passport_replacement": 16, "passport_child": 20}, _ENDS,
    ),
    "same-day": Queue(
        35, (OPENS_MIN, 10 * 60), ("desk",), {"passport_same_day": 1},
        {End.COLLECTED: 90, End.ISSUED: 6, End.REFUSED: 2, End.UNPAID: 2},
    ),
}  # fmt: skip
_PAYING: Final = {Paying.AT_ONCE: 85, Paying.LATE: 8, Paying.WRONG: 4, Paying.TWICE: 3}
_EXCEPTIONAL: Final = "force_majeure"
_REQUEST_REASONS: Final = ("unreadable", "incomplete", "expired", "does_not_match", "stamp_missing")
_REFUSALS: Final = {
    "passport": ("documents_not_genuine", "identity_not_established", "data_already_registered"),
    "stay_permit": ("guarantor_not_confirmed", "purpose_not_confirmed", "not_eligible"),
}
_STEPS: Final = 24


def plan_day(catalogue: Catalogue, size: int, today: date, seed: int) -> list[Plan]:
    """The plans of `size` applications, in the order in which they come; the quotas are scaled to `size`."""
    chance = random.Random(seed)  # noqa: S311 - a plan, no secret
    plans = [
        _plan(catalogue, name, queue, today, chance)
        for name, queue in QUEUES.items()
        for _ in range(_share(queue, name, size))
    ]
    return sorted(plans, key=lambda plan: plan.arrives_min)


def _share(queue: Queue, name: str, size: int) -> int:
    """The queue's part of `size`; the general queue takes what rounding leaves."""
    if name != "general":
        return size * queue.share // QUOTA
    return size - sum(_share(other, name, size) for name, other in QUEUES.items() if name != "general")


def _plan(catalogue: Catalogue, name: str, queue: Queue, today: date, chance: random.Random) -> Plan:
    service = catalogue.services[_choose(queue.services, chance)]
    end = _choose(queue.ends, chance)
    mandatory = [item.code for item in service.requirements if item.mandatory]
    is_asked = end is End.AWAITING or chance.random() < 0.15
    return Plan(
        service=service.code,
        queue=name,
        arrives_min=chance.triangular(*queue.arrives_min, queue.arrives_min[0] + 60),
        channel=chance.choice(queue.channels),
        language="en" if service.category in ("stay_permit", "reentry_permit") else "id",
        has_email=chance.random() < 0.95,
        fees=_fees(service, today, chance),
        asked_for=chance.choice(mandatory) if is_asked else None,
        request_reason=chance.choice(_REQUEST_REASONS),
        refusal_reason=chance.choice(_REFUSALS.get(service.category, ("requirements_not_met",))),
        is_invited=chance.random() < 0.7,
        paying=_choose(_PAYING, chance) if name != "same-day" else Paying.AT_ONCE,
        end=end,
        gaps_min=[chance.triangular(2, 45, 8) for _ in range(_STEPS)],
    )


def _fees(service: Service, today: date, chance: random.Random) -> tuple[str, ...]:
    """One fee of each group that is always charged; fees under force majeure are left to those."""
    groups: dict[str, list[str]] = {}
    for fee in fees_on(service, today):
        if fee.group and fee.charged == "always" and not fee.code.endswith(_EXCEPTIONAL):
            groups.setdefault(fee.group, []).append(fee.code)
    return tuple(chance.choice(codes) for codes in groups.values())


def _choose(weights: dict[T, int], chance: random.Random) -> T:
    return chance.choices(list(weights), list(weights.values()))[0]
