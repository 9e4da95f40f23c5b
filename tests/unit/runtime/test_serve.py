"""The service as a process: its address, its logs, its end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

DEPOT = Path(__file__).with_name("depot.py")
ROOT = Path(__file__).parents[3]
DEADLINE_S = 60


class Depot:
    """A running depot with its address and what it logs."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.address_file, self.log_file = folder / "address", folder / "log"
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "JEJAK_KAFKA": "localhost:1",
            "JEJAK_DATABASE": "postgresql://nowhere/x",
            "JEJAK_ADDRESS_FILE": str(self.address_file),
        } | settings
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, str(DEPOT)], env=environment, stderr=log)

    @property
    def url(self) -> str:
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            if self.address_file.exists():
                return self.address_file.read_text().strip()
            assert self.process.poll() is None, self.log_file.read_text()
            time.sleep(0.02)
        raise AssertionError("the depot wrote no address")

    def stop(self, sig: int = signal.SIGTERM) -> int:
        self.process.send_signal(sig)
        return self.process.wait(DEADLINE_S)

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log_file.read_text().splitlines()]


@pytest.fixture
def depot(tmp_path: Path) -> Iterator[Callable[..., Depot]]:
    started: list[Depot] = []

    def start(**settings: str) -> Depot:
        started.append(Depot(tmp_path, **settings))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_service_stops_gracefully_with_exit_code_0(depot: Callable[..., Depot], sig: int) -> None:
    service = depot()
    assert httpx.get(service.url + "/health/live").status_code == 200
    assert service.stop(sig) == 0
    assert service.log()[-1]["event"] == "stopped"


def test_an_open_event_stream_ends_at_a_stop(depot: Callable[..., Depot]) -> None:
    service = depot(JEJAK_GRACEFUL_STOP_S="30")
    with httpx.stream("GET", service.url + "/stream", timeout=30) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "data: first"
        service.process.send_signal(signal.SIGTERM)
        assert "data: last" in list(lines)
    assert service.process.wait(DEADLINE_S) == 0


def test_an_event_stream_that_does_not_listen_is_cut_off(depot: Callable[..., Depot]) -> None:
    service = depot(JEJAK_GRACEFUL_STOP_S="1")
    with httpx.stream("GET", service.url + "/deaf-stream", timeout=30) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "data: first"
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(DEADLINE_S) == 0


def test_a_request_that_the_stop_cuts_short_is_told_to_come_again(depot: Callable[..., Depot]) -> None:
    service = depot(JEJAK_GRACEFUL_STOP_S="1")
    url = service.url
    with ThreadPoolExecutor() as threads:
        asked = threads.submit(httpx.get, url + "/never", timeout=30)
        while not httpx.get(url + "/begun").json():
            time.sleep(0.01)
        assert service.stop() == 0
        answer = asked.result()
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["status"] == 503
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert not [line for line in service.log() if "exception" in line]


def test_what_hangs_at_the_end_is_left_behind(depot: Callable[..., Depot]) -> None:
    service = depot(JEJAK_GRACEFUL_STOP_S="1", JEJAK_STOP_TAKES_S="600")
    assert httpx.get(service.url + "/health/live").status_code == 200
    assert service.stop() == 3
    assert "did not stop in time" in service.log()[-1]["event"]


def test_a_port_in_use_is_one_line_and_exit_code_2(depot: Callable[..., Depot]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        service = depot(JEJAK_PORT=str(port))
        assert service.process.wait(DEADLINE_S) == 2
    said = service.log_file.read_text()
    assert said == (
        f"depot: cannot listen on 127.0.0.1:{port}: Address already in use. "
        "Set JEJAK_PORT to another port, or to 0 for a free one.\n"
    )


def test_a_missing_setting_is_one_line_and_exit_code_2(depot: Callable[..., Depot]) -> None:
    service = depot(JEJAK_KAFKA="")
    assert service.process.wait(DEADLINE_S) == 2
    assert service.log_file.read_text().startswith("depot: JEJAK_KAFKA is not set")


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Depot:
    """A depot that answered a few requests and was stopped."""
    service = Depot(tmp_path_factory.mktemp("finished"))
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "Authorization": "Basic c2l0aTpyYWhhc2lh"}
    httpx.get(service.url + "/items/LBG-7F3K?name=siti", headers=headers)
    assert httpx.get(service.url + "/boom").status_code == 500
    httpx.get(service.url + "/health/live")
    service.stop()
    return service


def test_logs_are_json_lines_with_service_trace_and_route_but_no_path_or_query(finished: Depot) -> None:
    line = next(line for line in finished.log() if line["event"] == "request")
    assert (line["service"], line["logger"], line["level"]) == ("depot", "jejak.http", "info")
    assert (line["method"], line["route"], line["status"]) == ("GET", "/items/{number}", 200)
    assert line["trace_id"] == TRACE
    assert line["timestamp"].endswith("Z")
    written = finished.log_file.read_text()
    assert not any(secret in written for secret in ("siti", "LBG-7F3K", "c2l0a"))


def test_an_unexpected_error_is_logged_with_its_place_and_without_its_message(finished: Depot) -> None:
    (line,) = (line for line in finished.log() if line["event"] == "request failed")
    assert line["exception"][0]["type"] == "builtins.RuntimeError"
    assert "depot.py" in line["exception"][0]["frames"][-1]
    assert "Merdeka" not in finished.log_file.read_text()


def test_health_is_not_in_the_log(finished: Depot) -> None:
    assert [line["route"] for line in finished.log() if line["event"] == "request"] == ["/items/{number}", "/boom"]
