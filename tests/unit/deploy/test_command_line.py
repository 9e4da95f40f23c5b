"""Every wrong use of `jejak`: one line, an exit code, no traceback. And where commands of services come from."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local import command_line
from deploy.local.cli import app
from deploy.local.command_line import ServiceCommand
from deploy.local.state import Run, State


def jejak(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, output, errors."""
    with pytest.raises(SystemExit) as exit_:
        app(list(arguments), prog_name="jejak")
    captured = capsys.readouterr()
    return int(exit_.value.code or 0), captured.out, captured.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "Missing command"),
        (["upp"], 2, "No such command 'upp'"),
        (["up", "--nope"], 2, "No such option: --nope"),
        (["up", "--services", "intake,billing"], 2, "no service billing"),
        (["exec"], 2, "Missing argument"),
        (["exec", "--", "no-such-command"], 127, "cannot run no-such-command: there is no such command"),
        (["exec", "--", "/etc/passwd"], 126, "cannot run /etc/passwd: it is not executable"),
        (["token", "king"], 2, "there is no role king"),
        (["token", "officer", "--state", "/nowhere"], 1, "/nowhere holds no keys"),
        (["ps", "--state", "/nowhere"], 1, "nothing runs on /nowhere"),
        (["up", "--state", "/dev/null/x"], 1, "cannot be made: Not a directory"),
    ],
)
def test_wrong_use_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    found, _, errors = jejak(capsys, *arguments)
    assert found == code
    assert message in errors
    assert errors.startswith("jejak: ")
    assert errors.count("\n") == 1


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    code, output, _ = jejak(capsys, "--help")
    assert code == 0
    assert {"up", "exec", "token", "ps"} <= set(output.split())


def test_a_command_of_a_service_is_imported_when_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "some_service_cli.py").write_text("def greet(name: str) -> None:\n    print('hello', name)\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(command_line.SERVICE_COMMANDS, "greet", ServiceCommand("some_service_cli", "greet", "Greets."))
    monkeypatch.setenv("JEJAK_STATE", str(tmp_path / "nothing"))
    assert "Greets." in jejak(capsys, "--help")[1]
    assert "some_service_cli" not in sys.modules
    assert jejak(capsys, "greet", "you")[:2] == (0, "hello you\n")
    assert jejak(capsys, "greet")[0] == 2


def test_a_command_of_a_service_that_is_not_there_is_no_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(command_line.SERVICE_COMMANDS, "greet", ServiceCommand("services_of_nobody", "greet", ""))
    code, _, errors = jejak(capsys, "greet")
    assert code == 2
    assert "No such command 'greet'" in errors


def test_beside_a_running_system_commands_know_its_addresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(tmp_path)
    state.create()
    state.lock()
    state.write_run(
        Run(environment={"JEJAK_INTAKE_URL": "http://127.0.0.1:1", "JEJAK_STATUS_URL": "http://127.0.0.1:2"})
    )
    environment = {"JEJAK_STATE": str(tmp_path), "JEJAK_STATUS_URL": "http://elsewhere"}
    monkeypatch.setattr(command_line.os, "environ", environment)
    command_line.join_running_system()
    state.unlock()
    assert environment["JEJAK_INTAKE_URL"] == "http://127.0.0.1:1"
    assert environment["JEJAK_STATUS_URL"] == "http://elsewhere"


def test_the_command_line_starts_without_what_only_a_running_system_needs() -> None:
    code = "import sys, deploy.local.cli; print([m for m in ('asyncpg', 'psycopg', 'confluent_kafka', 'docker', 'jwt') "
    code += "if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
