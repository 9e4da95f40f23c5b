"""`event_streams`: the memory of one status process that holds 5,000 open event streams and serves them.

Real sockets over loopback; every stream gets the timeline so far, then events of some applications come over the log
and reach each watcher once. The figure is the most that the process was ever resident (VmHWM of /proc), so what opening
and fanning out take for a moment counts too. The limit is 300 MiB; the ratio is the share of it that is used.
"""

import asyncio
import time
from collections.abc import Iterator

from contracts.envelope import encode_event, new_salt
from contracts.facts import EventRef, NotificationSent
from tests.bench.events import BEGAN, OFFICE, SYSTEM
from tests.bench.lookup import projected
from tests.bench.measure import Measure, Result, Surroundings
from tests.system.status_process import Status
from tests.system.watching import Watcher, allow_many_sockets, memory_mib, until, watch

STREAMS = 5_000
APPLICATIONS = 500
TOLD = 100
LIMIT_MIB = 300
EVENTS = 5_000


def measure_event_streams(around: Surroundings) -> Iterator[Result]:
    """One round: what is measured is no time."""
    if allow_many_sockets() < STREAMS + 100:
        raise RuntimeError(f"{STREAMS} streams need as many open files: raise the hard limit (ulimit -Hn)")
    with projected(around, EVENTS, JEJAK_HEARTBEAT_S="15") as status:
        yield asyncio.run(_measured(around, status))


async def _measured(around: Surroundings, status: Status) -> Result:
    assert status.process is not None
    pid = status.process.pid
    rows = status.fetch(f"SELECT number, n FROM application ORDER BY number LIMIT {APPLICATIONS}")
    events = dict(rows)
    before = memory_mib(pid)
    began = time.perf_counter()
    watchers = await watch(status.url, [number for number in events for _ in range(STREAMS // APPLICATIONS)])
    await until(lambda: all(len(watcher.ids) == events[watcher.number] for watcher in watchers), "all have caught up")
    opened_s, opened = time.perf_counter() - began, memory_mib(pid)
    told = [number for number, _ in rows[:TOLD]]
    began = time.perf_counter()
    await asyncio.to_thread(status.publish, [(number, _news(number)) for number in told])
    expected = events | {number: events[number] + 1 for number in told}
    await until(lambda: all(len(watcher.ids) >= expected[watcher.number] for watcher in watchers), "the news is there")
    told_s = time.perf_counter() - began
    await asyncio.sleep(16)  # a sign of life for each
    wrong = [w.number for w in watchers if w.closed or w.ids != list(range(1, expected[w.number] + 1))]
    if wrong:
        raise RuntimeError(
            f"{len(wrong)} of {len(watchers)} streams were closed, or sent something else than each event once"
        )
    most, after = memory_mib(pid, "VmHWM"), memory_mib(pid)
    await _leave(watchers)
    around.say(
        f"{len(watchers):,} streams of {len(events)} applications: opened and sent the timeline so far in "
        f"{opened_s:.1f} s; {TOLD} events reached their {TOLD * STREAMS // APPLICATIONS:,} watchers in {told_s:.2f} s; "
        f"resident {before:.0f} MiB before, {opened:.0f} opened, {after:.0f} at the end, {most:.0f} at most: "
        f"{(after - before) * 1024 / len(watchers):.1f} KiB a stream"
    )
    return Result("event_streams", most / LIMIT_MIB, most, LIMIT_MIB, "MiB", better="lower")


def _news(number: str) -> bytes:
    about = EventRef(source=f"{OFFICE}/processing", id="some event")
    told = NotificationSent(about=about, channel="email", template="submitted", language="id", attempt=1, by=SYSTEM)
    return encode_event(
        told, id=f"news-{number}", source=f"{OFFICE}/notify", subject=number, time=BEGAN, salt=new_salt(bytes(32))
    )


async def _leave(watchers: list[Watcher]) -> None:
    for watcher in watchers:
        watcher.leave()
    await until(lambda: all(watcher.closed for watcher in watchers), "all have left")


MEASURES: dict[tuple[str, ...], Measure] = {("event_streams",): measure_event_streams}
