"""The supervisor, with small scripts as parts."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from deploy.local.logs import rotate, rotate_all
from deploy.local.part import NotStarted, Part, PortTaken, Wave
from deploy.local.ports import Ports, is_taken
from deploy.local.supervisor import Supervisor

SLEEPS = "import time; time.sleep(600)"
NOTES_ITS_END = """
import signal, sys, time
def note(*_):
    with open(sys.argv[1], "a") as file:
        file.write(sys.argv[2] + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, note)
open(sys.argv[1] + "." + sys.argv[2], "w").close()
time.sleep(600)
"""


async def always() -> None:
    """A check that passes."""


def script(code: str, *arguments: str, name: str = "part", ready=always, wave=Wave.SERVICE, **more) -> Part:
    return Part(name, [sys.executable, "-c", code, *arguments], ready, wave, **more)


@pytest.fixture
async def supervisor(tmp_path: Path) -> AsyncIterator[Supervisor]:
    said: list[str] = []
    supervisor = Supervisor(tmp_path, said.append)
    supervisor.said = said
    yield supervisor
    await supervisor.stop()


async def eventually(check: Callable[[], bool]) -> None:
    """Wait until `check` holds."""
    async with asyncio.timeout(20):
        while not check():
            await asyncio.sleep(0.02)


async def test_a_killed_part_is_started_again(supervisor: Supervisor) -> None:
    supervisor.start([script(SLEEPS)])
    await supervisor.wait_ready(10)
    running = supervisor.running["part"]
    first = running.pid
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: running.pid not in {None, first} and running.is_ready)
    assert running.restarts == 1
    assert "part: ended (signal SIGKILL), starting it again in 0.2 s" in supervisor.said


async def test_a_part_that_never_comes_up_is_given_up_with_its_last_words(supervisor: Supervisor) -> None:
    async def never() -> None:
        raise ConnectionError("no")

    supervisor.start([script("import sys; sys.exit('the disk is full')", ready=never)])
    with pytest.raises(NotStarted, match=r"part does not start \(exit code 1\): the disk is full"):
        await supervisor.wait_ready(30)


async def test_a_part_that_is_not_ready_in_time_is_named_with_its_reason(supervisor: Supervisor) -> None:
    async def not_yet() -> None:
        raise ConnectionError("the broker is away")

    supervisor.start([script(SLEEPS, ready=not_yet)])
    with pytest.raises(NotStarted, match=r"part \(the broker is away\)"):
        await supervisor.wait_ready(0.5)


async def test_a_port_that_somebody_took_is_told_apart_from_other_failures(supervisor: Supervisor) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def never() -> None:
        raise ConnectionError("no")

    supervisor.start([script("raise SystemExit(1)", ready=never, ports=(port,))])
    with pytest.raises(PortTaken, match=str(port)):
        await supervisor.wait_ready(30)
    server.close()
    await server.wait_closed()


async def test_services_stop_before_what_they_stand_on(tmp_path: Path, supervisor: Supervisor) -> None:
    ends = tmp_path / "ends"
    waves = {"database": Wave.INFRASTRUCTURE, "mail": Wave.SUPPORT, "intake": Wave.SERVICE}
    supervisor.start([script(NOTES_ITS_END, str(ends), name, name=name, wave=wave) for name, wave in waves.items()])
    await eventually(lambda: all(Path(f"{ends}.{name}").exists() for name in waves))
    await supervisor.stop()
    assert ends.read_text().split() == ["intake", "mail", "database"]


async def test_a_part_that_ignores_the_signal_is_ended_for_good(tmp_path: Path, supervisor: Supervisor) -> None:
    deaf = "import signal, sys, time; signal.signal(15, signal.SIG_IGN); open(sys.argv[1], 'w'); time.sleep(600)"
    supervisor.start([script(deaf, str(tmp_path / "deaf"), stop_timeout_s=0.3)])
    await eventually((tmp_path / "deaf").exists)
    await supervisor.stop()
    assert supervisor.running["part"].pid is None
    assert any("did not stop" in line for line in supervisor.said)


async def test_what_a_part_left_in_its_group_ends_with_it(tmp_path: Path, supervisor: Supervisor) -> None:
    forks = "import subprocess, sys, time; p = subprocess.Popen(['sleep', '600']); "
    forks += "open(sys.argv[1], 'w').write(str(p.pid)); time.sleep(600)"
    supervisor.start([script(forks, str(tmp_path / "child"))])
    await eventually(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text() != "")
    child = int((tmp_path / "child").read_text())
    await supervisor.stop()
    await eventually(lambda: not _is_running(child))


async def test_output_and_environment_of_a_part(tmp_path: Path, supervisor: Supervisor) -> None:
    says = "import os, time; print('office', os.environ['JEJAK_OFFICE'], flush=True); time.sleep(600)"
    supervisor.start([script(says, environment={"JEJAK_OFFICE": "lebong"})])
    log = tmp_path / "part.log"
    await eventually(lambda: log.exists() and "office lebong" in log.read_text())


def test_a_reserved_port_is_ours_to_listen_on_and_nobody_elses() -> None:
    ports = Ports()
    port = ports.take()
    assert not is_taken(port)
    assert port not in {Ports().find_free() for _ in range(50)}
    ports.release()


def test_a_log_is_rotated_by_size_and_only_two_old_ones_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "intake.log"
    with log.open("ab", buffering=0) as writer:
        for text in (b"first", b"second", b"third"):
            writer.write(text)
            rotate(log)
        writer.write(b"fourth")
    rotate_all(tmp_path, largest_bytes=100)
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert kept == {"intake.log": b"fourth", "intake.log.1": b"third", "intake.log.2": b"second"}


def _is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"
