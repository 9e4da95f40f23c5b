"""A real Keycloak for one test: fetched by Maven once, built once for quick starts, run on free ports of loopback.

Kept in the cache as Kafka's jars are, in a folder named by the hash of `pom.xml`; a lock lets one run use it at a time.
"""

import fcntl
import os
import shutil
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import httpx

from deploy.local.kafka_native import default_cache, find_java, find_maven
from deploy.local.ports import LOOPBACK, Ports
from deploy.local.process import tethered

HERE: Final = Path(__file__).parent
REALM: Final = "kantor"
START_S: Final = 150
JVM: Final = (
    "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.security.egd=file:/dev/urandom",
    "--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
    "--add-opens=java.base/java.security=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--enable-native-access=ALL-UNNAMED", "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
    "-Djava.util.concurrent.ForkJoinPool.common.threadFactory="
    "io.quarkus.bootstrap.forkjoin.QuarkusForkJoinWorkerThreadFactory",
)  # fmt: skip


class CannotHave(Exception):
    """Keycloak cannot be had here; the message says why."""


def home(java: Path) -> Path:
    """The folder of a Keycloak that is ready to be started. Raises `CannotHave`."""
    folder = default_cache() / f"keycloak-{sha256((HERE / 'pom.xml').read_bytes()).hexdigest()[:12]}"
    if (folder / "built").exists():
        return folder
    maven = find_maven()
    if maven is None:
        raise CannotHave("Keycloak is not there yet, and Maven (mvn) is not installed to fetch it")
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        shutil.copy(HERE / "pom.xml", temporary)
        answer = _run([maven, "-q", "-B", "dependency:copy", f"-DoutputDirectory={temporary}/zip"], cwd=temporary)
        if answer.returncode:
            raise CannotHave(f"Maven could not fetch Keycloak: {(answer.stdout + answer.stderr).strip()[:300]}")
        zipped = next((Path(temporary) / "zip").glob("*.zip"))
        with zipfile.ZipFile(zipped) as archive:
            archive.extractall(temporary)
        made = next(path for path in Path(temporary).iterdir() if (path / "bin" / "kc.sh").exists())
        build = ["sh", str(made / "bin" / "kc.sh"), "build", "--db=dev-mem"]
        answer = _run(build, cwd=temporary, JAVA=str(java))
        if answer.returncode:
            raise CannotHave(f"Keycloak could not be built: {(answer.stdout + answer.stderr).strip()[-300:]}")
        (made / "built").touch()
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    return folder


@contextmanager
def keycloak() -> Iterator[str]:
    """The issuer of a running Keycloak with the realm of `realm.json`. Raises `CannotHave`."""
    java = find_java()
    if java is None:
        raise CannotHave("there is no Java of 17 or newer")
    default_cache().mkdir(parents=True, exist_ok=True)
    ports = Ports()
    with (default_cache() / "keycloak.lock").open("w") as lock, tempfile.TemporaryDirectory() as logs:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder, port, log = home(java), ports.find_free(), Path(logs) / "log"
        imports = folder / "data" / "import"
        imports.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "realm.json", imports)
        with log.open("wb") as output:
            process = subprocess.Popen(tethered(_command(java, folder, port)), stdout=output, stderr=output)
        issuer = f"http://{LOOPBACK}:{port}/realms/{REALM}"
        try:
            _wait(f"{issuer}/.well-known/openid-configuration", process, log)
            yield issuer
        finally:
            process.kill()  # it keeps nothing
            process.wait()


def _command(java: Path, folder: Path, port: int) -> list[str]:
    return [
        str(java),
        *JVM,
        f"-Dkc.home.dir={folder}",
        f"-Djboss.server.config.dir={folder / 'conf'}",
        "-cp",
        str(folder / "lib" / "quarkus-run.jar"),
        "io.quarkus.bootstrap.runner.QuarkusEntryPoint",
        *("start", "--optimized", "--import-realm", "--cache=local", "--http-enabled=true", "--hostname-strict=false"),
        *(f"--http-host={LOOPBACK}", f"--http-port={port}"),
    ]


def _run(command: list[str], cwd: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
        env=os.environ | environment,
    )  # fmt: skip


def _wait(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    ends = time.monotonic() + START_S
    while True:
        try:
            if httpx.get(address, timeout=5).is_success:
                return
        except httpx.HTTPError:
            pass
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < ends, log.read_text()[-3000:]
        time.sleep(0.2)
