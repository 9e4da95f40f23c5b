"""The legal clock: what the rules of a service promise, and what became of it. Pure; times are microseconds since 1970.

Rules and worked examples: `CLOCKS.md` of the design; the arithmetic is `contracts.clock`. Everything here is a function
of what counts of an application (`Progress`), the rules (`Clockwork`) and, for whether a deadline has passed, one instant.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from msgspec import Struct

from contracts.clock import Reckoning, merged, reckon_days, reckon_hours
from services.status.clocks.clockwork import Clockwork, Ready, Rule
from services.status.clocks.pauses import Pause, by_time, pauses_of
from services.status.folding.progress import Progress

State = Literal["met", "missed", "running", "paused", "not_started", "not_applicable"]
NOTHING: Final[tuple[None, None]] = (None, None)


class Clock(Struct, frozen=True):
    """One rule's clock. Events are named by their place on the timeline."""

    rule: Rule
    state: State
    """`not_applicable`: no version of the rule holds on the day of the start, or the application ended otherwise in time."""
    started_at: int | None = None
    started_by: int | None = None
    deadline: int | None = None
    """None before the start and while it is paused."""
    remaining: int | None = None
    """While it is paused: what is left, in days, or in microseconds of running time."""
    paused: Pause | None = None
    """While it is paused: by what first."""
    pauses: tuple[Pause, ...] = ()
    """All that the rule knows and that lasted beyond the start."""
    ended_at: int | None = None
    ended_by: int | None = None
    """What met or missed it, or ended the application otherwise."""


class _Run(NamedTuple):
    """A clock that was started."""

    rule: Rule
    started: int
    pauses: Sequence[Pause]
    reckoned: Reckoning
    ended: int | None
    fulfilled: bool
    """It ended with the fact that the rule waits for."""
    late: bool
    """It ended after its deadline."""

    @property
    def due(self) -> int | None:
        """Its deadline, as long as that matters: it runs, or it was or will be missed."""
        return self.reckoned.deadline if self.ended is None or self.late else None


def clocks(
    progress: Progress, clockwork: Clockwork, now_us: int, versions: Mapping[str, int] | None = None
) -> list[Clock]:
    """The clock of each rule of the application's service, in the order of the catalogue.

    A rule counts in the version that is valid on the local day of its start. `versions` (rule code → version) asks for
    another one, valid then or not; a rule without that version is left out.
    """
    found = []
    for choices in clockwork.ready(progress.service, progress.office):
        if versions is None:
            found.append(_clock(progress, choices, now_us, must_hold=True))
        else:
            asked = [ready for ready in choices if ready.rule.version == versions.get(ready.rule.code)]
            found += [_clock(progress, asked, now_us, must_hold=False)] if asked else []
    return found


def deadlines_us(progress: Progress, clockwork: Clockwork) -> tuple[int | None, int | None]:
    """The first deadline that runs or was missed, and the first of those whose passing is not on the log yet."""
    if progress.service not in clockwork.rules.rules:
        return NOTHING
    due = [run.due for run in _runs(progress, clockwork) if run.due is not None]
    return (min(due), min(_unsaid(progress, due), default=None)) if due else NOTHING


def due_us(progress: Progress, clockwork: Clockwork) -> int | None:
    """The first deadline that runs or was missed; none where no clock started, all are paused, or all were met."""
    return deadlines_us(progress, clockwork)[0]


class Passing(NamedTuple):
    """A deadline that passed."""

    rule: str
    version: int
    deadline: int


def passings(progress: Progress, clockwork: Clockwork, now_us: int) -> list[Passing]:
    """The deadlines that have passed by `now_us` and of which the log does not say so yet.

    An event on the log names an instant; where two rules had the same deadline and only one was said, both are given.
    """
    passed = [
        Passing(run.rule.code, run.rule.version, run.due)
        for run in _runs(progress, clockwork)
        if run.due is not None and run.due <= now_us
    ]
    unsaid = set(_unsaid(progress, [passing.deadline for passing in passed]))
    return [passing for passing in passed if passing.deadline in unsaid]


def shown_at(progress: Progress, due: int | None, *, passed: bool) -> int:
    """The instant as of which a status is shown, from what it may depend on: the row, and whether `due` has passed.

    The deadline of a second clock is shown as missed once anything is recorded after it; the event that says so is.
    """
    if due is None:
        return progress.last_recorded
    return max(due, progress.last_recorded) if passed else due - 1


def _unsaid(progress: Progress, deadlines: Sequence[int]) -> Sequence[int]:
    said = [moment.at for moment in progress.journal if moment.fact == "deadline_passed"]
    if not said:
        return deadlines
    return [deadline for deadline in deadlines if said.count(deadline) < deadlines.count(deadline)]


def _runs(progress: Progress, clockwork: Clockwork) -> list[_Run]:
    """The clocks that were started, each in the version that holds on its first day."""
    found = []
    for choices in clockwork.ready(progress.service, progress.office):
        for ready in choices:
            started = _started(progress, ready.rule)
            if started is not None and ready.rule.holds_on(ready.days.of(started)):
                found.append(_run(progress, ready, started))
                break
    return found


def _clock(progress: Progress, choices: Sequence[Ready], now_us: int, *, must_hold: bool) -> Clock:
    rule, days, _ = ready = choices[-1]
    holds = not must_hold
    for choice in choices if must_hold else ():
        started = _started(progress, choice.rule)
        if choice.rule.holds_on(days.of(progress.last_at if started is None else started)):
            rule, holds, ready = choice.rule, True, choice
            break
    started = _started(progress, rule)
    if started is None:
        over = _over(progress)
        state: State = "not_started" if holds and over is None else "not_applicable"
        return Clock(rule, state, ended_at=over, ended_by=_place(progress, _OVER, over))
    by = _place(progress, (rule.start,), started)
    if not holds:
        return Clock(rule, "not_applicable", started_at=started, started_by=by)
    run = _run(progress, ready, started)
    state = _state(run, now_us)
    return Clock(
        rule,
        state,
        started_at=started,
        started_by=by,
        deadline=run.reckoned.deadline,
        remaining=run.reckoned.remaining if state == "paused" else None,
        paused=_lasting(run.pauses) if state == "paused" else None,
        pauses=tuple(run.pauses),
        ended_at=run.ended,
        ended_by=_place(progress, (rule.end,) if run.fulfilled else _OVER, run.ended),
    )


def _state(run: _Run, now_us: int) -> State:
    if run.ended is not None:
        if run.late:
            return "missed"
        return "met" if run.fulfilled else "not_applicable"
    if run.reckoned.deadline is None:
        return "paused"
    return "missed" if run.reckoned.deadline <= now_us else "running"


def _lasting(pauses: Sequence[Pause]) -> Pause:
    """The pause in which the clock rests now: the one that began first of those that still last."""
    return min((pause for pause in pauses if pause.until is None), key=lambda pause: (pause.since, pause.began))


def _run(progress: Progress, ready: Ready, started: int) -> _Run:
    rule, days, counting = ready
    met, over = _met(progress, rule, started), _over(progress)
    fulfilled = met is not None and (over is None or met <= over)
    ended = met if fulfilled else over
    pauses = _pauses(progress, rule, started, ended)
    spans = merged([(pause.since, pause.until) for pause in pauses]) if pauses else ()
    if rule.unit == "hours":
        reckoned = reckon_hours(started, rule.length, spans)
    else:
        reckoned = reckon_days(started, rule.length, spans, days, counting)
    deadline = reckoned.deadline
    late = ended is not None and deadline is not None and ended > deadline
    return _Run(rule, started, pauses, reckoned, ended, fulfilled, late)


def _pauses(progress: Progress, rule: Rule, started: int, ended: int | None) -> Sequence[Pause]:
    """What the rule knows of, as far as it lasted after the start and began before the end."""
    reached = progress.reached
    for kind in rule.paused_by:
        if kind in reached:
            break
    else:
        return ()
    return [
        pause
        for pause in pauses_of(progress.journal, rule.paused_by, progress.office)
        if (pause.until is None or pause.until > started) and (ended is None or pause.since < ended)
    ]


def _started(progress: Progress, rule: Rule) -> int | None:
    """When the clock was started: by the first start event, or, where the rule says so, anew by the last one."""
    if not rule.restarts or rule.start == "fee_paid":  # a fee is accepted once
        return progress.reached.get(rule.start)
    return max((moment.at for moment in progress.journal if moment.fact == rule.start), default=None)


def _met(progress: Progress, rule: Rule, started: int) -> int | None:
    """When what the rule waits for happened; where the clock was started anew, only what came after that."""
    first = progress.reached.get(rule.end)
    if first is None or not rule.restarts or rule.end == "fee_paid" or progress.reached.get(rule.start) == started:
        return first
    return min(
        (moment.at for moment in progress.journal if moment.fact == rule.end and moment.at >= started), default=None
    )


_OVER: Final = ("withdrawn", "decided", "collected")


def _over(progress: Progress) -> int | None:
    """When nothing more was owed, whatever a rule waits for: withdrawn, refused, or handed over."""
    over = progress.ended_at  # withdrawn or collected
    if progress.outcome == "refused" and (over is None or progress.decided_at < over):
        return progress.decided_at
    return over


def _place(progress: Progress, facts: Sequence[str], at: int | None) -> int | None:
    """The place on the timeline of the event of one of these facts that happened at an instant."""
    if at is None:
        return None
    paid = progress.paid
    for moment in sorted(progress.journal, key=by_time):
        if moment.at != at or moment.fact not in facts:
            continue
        if moment.fact != "fee_paid" or paid is None or moment.detail == (paid.code,):
            return moment.n
    return None
