"""Run a service's application: uvicorn, one process, a stop that ends within seconds also with open event streams."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import TypeVar

import structlog
import uvicorn
import uvloop
from litestar import Litestar

from runtime.logging import configure_logging
from runtime.settings import EXIT_CODE, Settings

S = TypeVar("S", bound=Settings)
_log = structlog.stdlib.get_logger("jejak.serve")

EXIT_STUCK = 3
_REST_S = 2
_DRIVER = "driver"
_THREADS_S = 0.5


def run(build: Callable[[S], Litestar], settings: S) -> None:
    """Build the application and serve it until SIGTERM or SIGINT; returns after a graceful stop.

    Listens on `settings.host` and `settings.port` (0: a free port); the address is logged and, where
    `JEJAK_ADDRESS_FILE` is set, written there. Exit code 2 with one line where the port cannot be had.
    """
    configure_logging(service=settings.service_name, level=settings.log_level)
    _allow_many_sockets()
    listener = _listen(settings)
    address = _address(listener)
    _log.info("listening", url=address)
    if settings.address_file:
        _write_atomically(Path(settings.address_file), address)
    drivers = ThreadPoolExecutor(thread_name_prefix=_DRIVER)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.get_loop().set_default_executor(drivers)
        runner.run(_serve(build, settings, listener))
        _log.info("stopped")
        _end_threads(drivers)


def _end_threads(drivers: ThreadPoolExecutor) -> None:
    """Let idle threads end. One in which a driver still waits for a server that is away would hold the process for
    seconds, and nobody waits for its answer any more: then the process ends without it.
    """
    drivers.shutdown(wait=False, cancel_futures=True)
    deadline = time.monotonic() + _THREADS_S
    threads = [thread for thread in threading.enumerate() if thread.name.startswith(_DRIVER)]
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if any(thread.is_alive() for thread in threads):
        os._exit(0)


async def _serve(build: Callable[[S], Litestar], settings: S, listener: socket.socket) -> None:
    """Build within the running loop, which pools and events belong to, then serve."""
    app = build(settings)
    config = uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies,
        timeout_graceful_shutdown=max(1, round(settings.graceful_stop_s)),
    )
    await Server(config, app.state.shutdown_event).serve(sockets=[listener])


class Server(uvicorn.Server):
    """Uvicorn that tells the application when a stop begins, and then returns instead of raising the signal again.

    Whatever hangs at the end (a lifespan) is left behind after `_REST_S` more: nothing is lost,
    since every effect is a transaction.
    """

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._limit_s = (config.timeout_graceful_shutdown or 1) + _REST_S

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """First signal: stop gracefully. A second SIGINT: at once."""
        if not self.should_exit:
            leave = threading.Timer(self._limit_s, _leave)
            leave.daemon = True  # does not keep a process alive that ends in time
            leave.start()
        elif sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End event streams first: uvicorn would otherwise wait for them until its limit."""
        self._stopping.set()
        await super().shutdown(sockets)


def _allow_many_sockets() -> None:
    """As many open files as the system lets us have: the usual soft limit of 1,024 is for programs that call select."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # where the system says otherwise, its limit stands
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _leave() -> None:
    _log.error("did not stop in time, leaving")
    os._exit(EXIT_STUCK)


def _listen(settings: Settings) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)  # at once: two sockets may be bound to one port as long as neither listens
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        sys.stderr.write(
            f"{settings.service_name}: cannot listen on {settings.host}:{settings.port}: {reason}. "
            "Set JEJAK_PORT to another port, or to 0 for a free one.\n"
        )
        raise SystemExit(EXIT_CODE) from None
    listener.setblocking(False)
    return listener


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _write_atomically(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.write_text(text + "\n", encoding="utf-8")
    fresh.replace(path)
