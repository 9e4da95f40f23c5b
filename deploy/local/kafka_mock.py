"""librdkafka's mock broker as a process of its own: in memory, for trying out where nothing better can run.

`python -m deploy.local.kafka_mock TOPIC=PARTITIONS …` prints its address and serves until it is ended. It cannot do
everything that a broker does (no second member in a group, no topics by request, no times of its own), and what was
written is lost at its end. The library chooses the port itself and nobody could restart the log: so it is no supervised
part; it is started before the others, and tied to the supervisor like them.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.local.part import NotStarted
from deploy.local.process import tethered

MODULE = "deploy.local.kafka_mock"
REPLICATION = 1
STOP_TIMEOUT_S = 5


def start(topics: Mapping[str, int], log: Path) -> tuple[str, Callable[[], None]]:
    """Start the process with these topics (name to partitions). Returns its address and what ends it."""
    arguments = [f"{name}={partitions}" for name, partitions in topics.items()]
    command = tethered([sys.executable, "-m", MODULE, *arguments])
    with log.open("ab") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, process_group=0
        )
    stdout = process.stdout
    address = stdout.readline().decode().strip() if stdout else ""
    if not address:
        raise NotStarted(f"librdkafka's in-process broker does not start (exit code {process.wait()}), see {log}")

    def stop() -> None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_TIMEOUT_S)
        process.kill()
        if stdout:
            stdout.close()

    return address, stop


def serve(topics: Mapping[str, int]) -> str:
    """Start the broker inside this process, where it lives until the process ends. Returns its address.

    The C interface, because the Python one offers neither topics with a number of partitions nor the address.
    """
    from confluent_kafka import cimpl

    library = ctypes.CDLL(cimpl.__file__)
    for name in ("rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(library, name).restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    reason = ctypes.create_string_buffer(512)
    client = ctypes.c_void_p(library.rd_kafka_new(0, None, reason, ctypes.c_size_t(len(reason))))
    if not client:
        raise NotStarted(f"librdkafka does not start: {reason.value.decode()}")
    cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(client, 1))
    if not cluster:
        raise NotStarted("librdkafka's in-process broker does not start")
    for topic, partitions in topics.items():
        library.rd_kafka_mock_topic_create(cluster, topic.encode(), partitions, REPLICATION)
    return bytes(library.rd_kafka_mock_cluster_bootstraps(cluster)).decode()


def main(arguments: list[str]) -> None:
    """Serve, say where, wait."""
    topics = {name: int(partitions) for name, _, partitions in (argument.partition("=") for argument in arguments)}
    print(serve(topics), flush=True)
    os.close(sys.stdout.fileno())
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1:])
