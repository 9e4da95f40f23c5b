"""The state folder: who may read it, who runs on it, what it tells others."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.part import NotStarted
from deploy.local.state import Run, State

HOLDS = """
import sys, time
from pathlib import Path
from deploy.local.state import State
state = State(Path(sys.argv[1])); state.create(); state.lock()
print("locked", flush=True)
time.sleep(600)
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path / "state")
    state.create()
    return state


def test_others_may_pass_through_the_state_but_not_look(state: State) -> None:
    assert mode(state.folder) == 0o711
    assert mode(state.logs) == 0o700


def test_the_run_file_holds_tokens_and_is_ours_alone(state: State) -> None:
    run = Run(supervisor=7, ready=True, environment={"JEJAK_TOKEN_OFFICER": "secret"})
    state.write_run(run)
    assert mode(state.path("run.json")) == 0o600
    assert state.read_run() == run


def test_where_nothing_runs_the_run_file_is_empty(state: State) -> None:
    assert state.read_run() == Run()
    assert not state.is_running()


def test_a_second_system_on_the_same_state_is_refused(state: State) -> None:
    state.lock()
    with pytest.raises(NotStarted, match="already running"):
        State(state.folder).lock()
    assert State(state.folder).is_running()
    state.unlock()
    assert not State(state.folder).is_running()


def test_a_lock_does_not_outlive_a_killed_holder(state: State) -> None:
    command = [sys.executable, "-c", HOLDS, str(state.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"locked\n"
        assert state.is_running()
        holder.kill()
    state.lock()
    state.unlock()


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotStarted, match="cannot be made: Not a directory"):
        State(tmp_path / "file" / "state").create()


def test_removing_the_state_removes_the_database_outside_it_too(tmp_path: Path, state: State) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    state.path("postgres").symlink_to(outside)
    state.remove()
    assert not outside.exists()
    assert not state.folder.exists()
