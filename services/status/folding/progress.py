"""What is known of one application: the state of the fold, kept as MessagePack in its row. Times: microseconds since 1970."""

from msgspec import Struct

from services.status.folding.reading import Reason, Remedy


class Fee(Struct, array_like=True, gc=False):
    """An assessed fee and, once there is one that fits, its payment."""

    code: str
    amount: int
    currency: str
    expires_at: int
    assessed_at: int


class Payment(Struct, array_like=True, gc=False):
    """A payment as reported."""

    code: str
    amount: int
    currency: str
    paid_at: int
    reported_at: int
    """When we learned of it."""


class Moment(Struct, array_like=True, gc=False):
    """One event as the clocks see it."""

    at: int
    """When it happened."""
    n: int
    """Its place on the timeline, from 1."""
    fact: str
    """Its short name; `stage_recorded:<code>` for an office's own stage."""
    reported: int
    """When we learned of it; for history, which came to us long after it happened, its own time."""
    desk: str = ""
    """Of who acted; empty where none is named."""
    detail: tuple[str, ...] = ()
    """What it was about: requirements, examinations, a billing code, a body, a reason code or an outcome."""


class Progress(Struct, array_like=True, gc=False):
    """What is known of one application after `n` events. Dicts that most applications never need stay `None`."""

    n: int = 0
    service: str = ""
    office: str = ""
    last_at: int = 0
    last_recorded: int = 0
    stages: int = 0
    """The stages of the service's procedure that were reached, as a bit mask."""
    reached: dict[str, int] = {}
    """Milestone → when it was first reached (by the events' own time)."""
    outstanding: dict[str, int] | None = None
    """Requirement → since when it is asked for."""
    supplied: dict[str, int] | None = None
    """Requirement → when it was last supplied after submission."""
    fee: Fee | None = None
    """The latest assessment."""
    earlier_fees: list[Fee] | None = None
    payments: list[Payment] | None = None
    paid: Payment | None = None
    """The payment that met an assessment in code, amount and time."""
    invited: dict[str, tuple[int, int]] | None = None
    """Examination → (since when invited, when to come); gone once examined."""
    examined: dict[str, int] | None = None
    """Examination → when it was last done."""
    called_in: bool = False
    """An invitation has been answered by coming: the wait for the office began with the examination."""
    ended_at: int | None = None
    decided_at: int = 0
    outcome: str = ""
    reasons: tuple[Reason, ...] = ()
    remedy: Remedy | None = None
    product: str = ""
    collect_by: int | None = None
    paused_at: int | None = None
    paused: bool = False
    pause: Reason | None = None
    resumed_at: int | None = None
    transferred_at: int | None = None
    transferred_to: str | None = None
    acted_at: int | None = None
    """When an office or agency last did something."""
    own_stage: str = ""
    own_stage_at: int = 0
    own_stage_id: str = ""
    own_stage_en: str = ""
    standing: dict[str, int] | None = None
    """Deviation that still holds → time of the event that deviated."""
    answered: bool = False
    """The body to which the case was transferred last has done something since."""
    first_recorded: int = 0
    """Since when we follow it."""
    desk: str = ""
    """Of the body that has the case, where it last acted; empty where none was named."""
    journal: list[Moment] = []
    """Every event in the order of the log: what the clocks are computed from."""
    corrected: bool = False
    """One of the events takes the place of another: what counts is a fold of its own (`services.status.folding.replay`)."""
