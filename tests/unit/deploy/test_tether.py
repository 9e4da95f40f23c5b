"""What is started cannot outlive the one that started it, on Linux by the kernel, elsewhere by a watcher."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.local import tether
from deploy.local.process import TETHER, tethered

# A parent that ties a sleeping child to itself in one of the two ways, says its pid, and waits.
PARENT = """
import os, subprocess, sys, time
sys.path.insert(0, {folder!r})
import tether
code = "import sys, os; sys.path.insert(0, {folder!r}); import tether; tie = tether.{way}; {call}; os.execvp('sleep', ['sleep', '600'])"
child = subprocess.Popen([sys.executable, "-c", code.replace("PARENT", str(os.getpid()))])
print(child.pid, flush=True)
time.sleep(600)
"""
BY_KERNEL = {"way": "tie_by_kernel()", "call": "tie(PARENT, 9)"}
BY_WATCHER = {"way": "tie_by_watcher", "call": "tie(PARENT, 9)"}


def is_running(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    """Wait for the process to end."""
    for _ in range(200):
        if not is_running(pid):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("way", [BY_KERNEL, BY_WATCHER], ids=["kernel", "watcher"])
def test_a_command_ends_when_its_parent_is_killed(way: dict[str, str]) -> None:
    code = PARENT.format(folder=str(TETHER.parent), **way)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert is_running(child)
        parent.kill()
    assert gone(child)


def test_a_command_that_is_not_there_gives_127_and_one_line() -> None:
    answer = subprocess.run(tethered(["no-such-command"]), capture_output=True, text=True, check=False)
    assert answer.returncode == 127
    assert answer.stderr == "cannot start no-such-command: No such file or directory\n"


def test_a_command_does_not_start_when_its_parent_has_ended_already() -> None:
    command = tethered(["echo", "started"])
    command[command.index(str(os.getpid()))] = "1"
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode != 0
    assert "started" not in answer.stdout


def test_the_command_keeps_the_process_id_and_its_arguments() -> None:
    with subprocess.Popen(tethered(["sh", "-c", 'echo "$$ $1"', "sh", "a b"]), stdout=subprocess.PIPE) as process:
        output, _ = process.communicate()
    assert output.decode().split(maxsplit=1) == [str(process.pid), "a b\n"]


def test_liveness_is_told_of_processes_of_others_too() -> None:
    assert tether.is_alive(1)
    assert tether.is_alive(os.getpid())
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert not tether.is_alive(process.pid)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else")
def test_rights_are_given_up_before_the_command_starts() -> None:
    from deploy.local.part import Owner

    command = tethered(["id"], signal.SIGKILL, Owner(65534, 65534))
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    assert "uid=65534" in answer.stdout
    assert "root" not in answer.stdout
