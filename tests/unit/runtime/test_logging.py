import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from runtime.logging import Surge, describe, library_handler, without_sensitive


@pytest.fixture
def library() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    stream, logger = io.StringIO(), logging.getLogger("some.library")
    handler = library_handler([], stream)
    logger.addHandler(handler)
    logger.propagate = False
    yield logger, stream
    logger.removeHandler(handler)
    logger.propagate = True


def test_a_librarys_record_becomes_one_json_line(library: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = library
    logger.warning("lost %s\nand found", "it")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["event"] == "lost it\nand found"


def test_a_warning_of_a_library_becomes_one_json_line() -> None:
    told = "import warnings, runtime.logging as l; l.configure_logging(service='depot'); warnings.warn('released too early')"
    ended = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    (line,) = map(json.loads, ended.stderr.splitlines())
    assert "released too early" in line["event"]
    assert (line["level"], line["logger"], line["service"]) == ("warning", "py.warnings", "depot")


def test_e_mail_addresses_in_texts_are_blanked_out(library: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = library
    logger.warning("550 no mailbox <siti.aminah+1@mail.example.co.id>, generation applications.v1@Jx8w")
    assert json.loads(stream.getvalue())["event"] == "550 no mailbox <<e-mail>>, generation applications.v1@Jx8w"


def test_an_exceptions_message_is_not_written(library: tuple[logging.Logger, io.StringIO]) -> None:
    logger, stream = library
    try:
        try:
            raise ValueError("Siti lives in Curup")
        except ValueError as cause:
            raise RuntimeError("so did Budi") from cause
    except RuntimeError:
        logger.exception("failed")
    written = json.loads(stream.getvalue())
    assert [entry["type"] for entry in written["exception"]] == ["builtins.RuntimeError", "builtins.ValueError"]
    assert not any(name in stream.getvalue() for name in ("Siti", "Budi"))


def test_codes_of_the_system_and_the_database_are_told() -> None:
    assert describe(OSError(28, "no space"))[0]["errno"] == 28
    assert describe(asyncpg.UniqueViolationError("secret"))[0]["sqlstate"] == "23505"


@pytest.mark.parametrize(
    "key", ["authorization", "Authorization", "access_code", "access-code", "email", "nik", "name"]
)
def test_sensitive_keys_are_dropped_and_the_loss_is_said(key: str) -> None:
    kept: Any = without_sensitive(None, "", {"event": "x", key: "s", "data": {key: "s", "n": [{key: "s"}]}})
    assert kept == {"event": "x", "data": {"n": [{}]}, "dropped": [key]}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def record(name: str) -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, "f", 1, "m", (), None)


def test_a_noisy_logger_is_held_back_and_the_suppressed_are_counted() -> None:
    clock = Clock()
    surge = Surge(("aiokafka",), burst=20, window_s=10, monotonic=clock)
    assert sum(surge.filter(record("aiokafka.conn")) for _ in range(2800)) == 20
    clock.now = 11.0
    first = record("aiokafka.conn")
    assert surge.filter(first)
    assert first.__dict__["suppressed"] == 2780


def test_each_noisy_logger_has_its_own_measure_and_others_none() -> None:
    surge = Surge(("aiokafka",), burst=1, window_s=10, monotonic=Clock())
    assert surge.filter(record("aiokafka.a"))
    assert surge.filter(record("aiokafka.b"))
    assert not surge.filter(record("aiokafka.a"))
    assert all(surge.filter(record("jejak.http")) for _ in range(100))
