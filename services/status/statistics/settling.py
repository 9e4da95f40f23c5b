"""How legal clocks count in statistics: met, missed or running at an instant. Pure."""

from collections.abc import Iterator

from services.status.clocks.clockwork import Clockwork
from services.status.clocks.legal import Clock, clocks
from services.status.folding.progress import Progress
from services.status.statistics.statistics import Settle, Settled


def settling(clockwork: Clockwork) -> Settle:
    """The clocks of an application by the rules of `clockwork`; those that rest count as running.

    A deadline that passed is missed from then on, also while the application goes on. Of a clock that an end other than
    the awaited one stopped in time nothing is counted, nor of one that had not begun by the instant.
    """

    def settle(progress: Progress, until: int) -> Iterator[Settled]:
        for clock in clocks(progress, clockwork, until):
            settled = _settled(clock, until)
            if settled is not None:
                yield settled

    return settle


def _settled(clock: Clock, until: int) -> Settled | None:
    if clock.started_at is None or clock.started_at >= until:
        return None
    if clock.ended_at is not None and clock.ended_at < until:
        if clock.state == "met":
            return Settled(clock.rule.code, "met", clock.ended_at)
        if clock.state == "not_applicable":
            return None
    elif clock.state == "not_applicable" and clock.ended_at is None:
        return None
    if clock.deadline is not None and clock.deadline < until:
        return Settled(clock.rule.code, "missed", clock.deadline)
    return Settled(clock.rule.code, "running", until)
