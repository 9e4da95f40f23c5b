"""The choice of containers and their start, against a stub of the Docker Engine's API on a Unix socket.

The stub answers as an engine does; what it was asked is looked at. No container runs: this shows that we ask for the
right things and clean up, not that the images work.
"""

import json
import os
import re
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

EXEC = [sys.executable, "-m", "deploy.local.cli", "exec", "--fresh", "--infrastructure-only", "--"]
LOGS = b"Started!\n[KafkaServer id=1] Kafka Server started\n"


class StubEngine(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Remembers requests and the containers that were made; `images` says which images it has."""

    daemon_threads = True

    def __init__(self, path: Path, *, has_images: bool = True) -> None:
        super().__init__(str(path), Answer)
        self.path = path
        self.has_images = has_images
        self.requests: list[str] = []
        self.containers: dict[str, dict] = {}
        self.reaper = socket.create_server(("127.0.0.1", 0))

    def asked(self, pattern: str) -> list[str]:
        return [request for request in self.requests if re.search(pattern, request)]

    def container(self, image: str) -> dict:
        return next(made for made in self.containers.values() if image in made["Image"])


class Answer(BaseHTTPRequestHandler):
    """The part of the API that testcontainers uses for our two containers and its own reaper."""

    server: StubEngine
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = self._note()
        if path == "/_ping":
            self._send(200, b"OK", "text/plain")
        elif path == "/version":
            self._json(200, {"ApiVersion": "1.44", "MinAPIVersion": "1.24"})
        elif path in {"/networks", "/containers/json"}:
            self._json(200, [])
        elif path.startswith("/images/"):
            self._json(
                *(
                    (200, {"Id": "sha256:1", "RepoTags": []})
                    if self.server.has_images
                    else (404, {"message": "no such image"})
                )
            )
        elif path.startswith("/exec/"):
            self._json(200, {"ExitCode": 0, "Running": False})
        elif path.startswith("/volumes/"):
            self._json(200, {"Name": path.split("/")[2]})
        elif path.endswith("/logs"):
            self._send(200, LOGS, "text/plain")
        elif path.split("/")[2] in self.server.containers:
            self._json(200, self._inspect(path.split("/")[2]))
        else:
            self._json(404, {"message": "no such container"})

    def do_POST(self) -> None:
        path = self._note()
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        if path == "/containers/create":
            name = f"{len(self.server.containers):012x}"
            self.server.containers[name] = body
            self._json(201, {"Id": name, "Warnings": []})
        elif path == "/images/create":
            self._json(500, {"message": "no route to the registry"})
        elif path.endswith("/exec"):
            self._json(201, {"Id": "e1"})
        elif path.endswith("/e1/start"):
            self.close_connection = True
            self._send(200, b"", "application/vnd.docker.raw-stream")
        else:
            self._send(204)

    def do_PUT(self) -> None:
        self._note()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._send(200)

    def do_DELETE(self) -> None:
        self._note()
        self._send(204)

    def _inspect(self, name: str) -> dict:
        made = self.server.containers[name]
        bindings = made["HostConfig"].get("PortBindings") or {}
        ports = {port: [{"HostIp": "127.0.0.1", "HostPort": host[0]["HostPort"]}] for port, host in bindings.items()}
        if "8080/tcp" in ports:
            ports["8080/tcp"][0]["HostPort"] = str(self.server.reaper.getsockname()[1])
        return {
            "Id": name,
            "Name": f"/{name}",
            "State": {"Status": "running", "Running": True},
            "Config": {"Tty": True, "Image": made["Image"]},
            "NetworkSettings": {"Ports": ports},
        }

    def _note(self) -> str:
        path = re.sub(r"^/v[\d.]+", "", self.path.split("?")[0])
        self.server.requests.append(f"{self.command} {path}")
        return path

    def _json(self, status: int, body: object) -> None:
        self._send(status, json.dumps(body).encode(), "application/json")

    def _send(self, status: int, body: bytes = b"", kind: str = "text/plain") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def engine() -> Iterator[StubEngine]:
    with tempfile.TemporaryDirectory() as folder:  # a Unix socket's path must be short
        stub = StubEngine(Path(folder) / "docker.sock")
        threading.Thread(target=stub.serve_forever, daemon=True).start()
        yield stub
        stub.shutdown()
        stub.server_close()
        stub.reaper.close()


def run(stub: StubEngine, *command: str, **named: str) -> subprocess.CompletedProcess[str]:
    """`jejak exec --fresh --infrastructure-only -- COMMAND` with the stub as the engine."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JEJAK_")}
    environment |= {"DOCKER_HOST": f"unix://{stub.path}", **named}
    # as seen from outside a container, wherever the tests run
    environment |= {"TESTCONTAINERS_HOST_OVERRIDE": "localhost", "TESTCONTAINERS_CONNECTION_MODE": "docker_host"}
    return subprocess.run([*EXEC, *command], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("answering", [True, False])
def test_an_engine_is_one_that_answers_not_one_whose_client_is_installed(engine: StubEngine, answering: bool) -> None:
    """In a process of its own: the client leaves its socket open when nobody answers."""
    code = "from deploy.local.containers import find_engine; print(find_engine() is not None)"
    environment = os.environ | {"DOCKER_HOST": f"unix://{engine.path}" if answering else "unix:///nowhere/docker.sock"}
    answer = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout == f"{answering}\n"
    assert bool(engine.asked("GET /_ping")) is answering


def test_both_pieces_run_in_containers_that_clients_reach_on_loopback(engine: StubEngine) -> None:
    answer = run(engine, "env")
    assert answer.returncode == 0, answer.stderr
    assert "kafka: docker, because a Docker engine answers" in answer.stderr
    assert "postgres: docker, because a Docker engine answers" in answer.stderr
    told = dict(line.split("=", 1) for line in answer.stdout.splitlines() if line.startswith("JEJAK_"))
    broker, server = engine.container("kafka"), engine.container("postgres")
    (kafka_port,) = broker["HostConfig"]["PortBindings"]["9093/tcp"]
    (postgres_port,) = server["HostConfig"]["PortBindings"]["5432/tcp"]
    assert kafka_port["HostIp"] == postgres_port["HostIp"] == "127.0.0.1"
    assert told["JEJAK_KAFKA"] == f"localhost:{kafka_port['HostPort']}"
    assert re.fullmatch(rf"postgresql://jejak:\w+@localhost:{postgres_port['HostPort']}/jejak", told["JEJAK_DATABASE"])


def test_a_killed_container_is_started_again_by_the_engine_on_its_data(engine: StubEngine) -> None:
    run(engine, "true")
    for image, folder in (("kafka", "/var/lib/kafka/data"), ("postgres", "/var/lib/postgresql/data")):
        settings = engine.container(image)["HostConfig"]
        assert settings["RestartPolicy"]["Name"] == "always"
        assert re.fullmatch(rf"jejak-\w+-{image}:{folder}:rw", settings["Binds"][0])


def test_kafka_is_configured_as_the_event_log_needs_it(engine: StubEngine) -> None:
    run(engine, "true")
    settings = engine.container("kafka")["Env"]
    assert "KAFKA_AUTO_CREATE_TOPICS_ENABLE=false" in settings
    assert "KAFKA_LOG_RETENTION_MS=-1" in settings
    assert "KAFKA_PROCESS_ROLES=broker,controller" in settings


def test_a_fresh_system_removes_its_containers_and_their_volumes(engine: StubEngine) -> None:
    run(engine, "true")
    assert len(engine.asked(r"DELETE /containers/")) >= 2
    assert len(engine.asked(r"DELETE /volumes/jejak-\w+-(kafka|postgres)")) == 2


def test_what_the_environment_names_is_not_put_in_a_container(engine: StubEngine) -> None:
    answer = run(engine, "true", JEJAK_KAFKA="127.0.0.1:1", JEJAK_DATABASE="postgresql://127.0.0.1:1/x")
    assert answer.returncode == 1
    assert engine.requests == []
    assert "(JEJAK_KAFKA)" in answer.stderr or "JEJAK_DATABASE" in answer.stderr


@pytest.mark.system
def test_an_engine_that_cannot_fetch_images_is_done_without(engine: StubEngine) -> None:
    engine.has_images = False
    answer = run(engine, "true")
    assert answer.returncode == 0, answer.stderr
    assert "kafka: no container (" in answer.stderr
    assert "no route to the registry" in answer.stderr
    assert "going on without Docker" in answer.stderr
    assert "postgres: native" in answer.stderr or "postgres: wheel" in answer.stderr
