import errno
from typing import Any

import asyncpg
import psycopg
import pytest
from aiokafka.errors import KafkaConnectionError
from eventsourcing import persistence

from runtime import problems
from runtime.eventstore import VersionConflict
from runtime.problems import Problem, from_exception


@pytest.mark.parametrize(
    ("problem", "status", "slug"),
    [
        (problems.bad_request(), 400, "bad-request"),
        (problems.unauthorized(challenge="Bearer"), 401, "unauthorized"),
        (problems.forbidden(), 403, "forbidden"),
        (problems.not_found(), 404, "not-found"),
        (problems.conflict(), 409, "conflict"),
        (problems.precondition_failed(), 412, "precondition-failed"),
        (problems.payload_too_large(), 413, "payload-too-large"),
        (problems.unsupported_media_type(), 415, "unsupported-media-type"),
        (problems.unprocessable(), 422, "unprocessable"),
        (problems.precondition_required(), 428, "precondition-required"),
        (problems.too_many_requests(retry_after_s=3), 429, "too-many-requests"),
        (problems.unavailable(retry_after_s=4), 503, "unavailable"),
    ],
)
def test_the_common_problems_keep_their_status_and_type(problem: Problem, status: int, slug: str) -> None:
    assert problem.status == status
    assert problem.type == f"https://jejak.example/problems/{slug}"


def test_a_problem_carries_members_of_its_own() -> None:
    problem = problems.unprocessable("Too many.", slug="too-many", limit=3)
    assert problem.body("/x") == (
        b'{"type":"https://jejak.example/problems/too-many","title":"Cannot be processed","status":422,'
        b'"detail":"Too many.","instance":"/x","limit":3}'
    )


def schema_not_there_yet() -> Exception:
    error = persistence.ProgrammingError("no table")
    error.__cause__ = psycopg.errors.UndefinedTable()
    return error


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ConnectionDoesNotExistError(),
        asyncpg.CannotConnectNowError(),
        asyncpg.AdminShutdownError(),
        asyncpg.TooManyConnectionsError(),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InterfaceError("pool is closing"),
        asyncpg.InterfaceError("pool is not initialized"),
        asyncpg.DeadlockDetectedError(),
        asyncpg.UndefinedTableError(),
        psycopg.OperationalError(),
        schema_not_there_yet(),
        ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
        ConnectionResetError(),
        FileNotFoundError(errno.ENOENT, "No such file or directory"),  # a Unix socket: no file name
        OSError("Multiple exceptions: [Errno 111], [Errno 111]"),
        TimeoutError(),
        KafkaConnectionError(),
    ],
)
def test_what_passes_by_itself_is_answered_with_retry_after(error: Exception) -> None:
    problem = from_exception(error)
    assert problem.status == 503
    assert problem.headers["Retry-After"]


def missing_file() -> OSError:
    return FileNotFoundError(errno.ENOENT, "No such file or directory", "/data/document")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("secret"),
        missing_file(),
        PermissionError(errno.EACCES, "denied", "/data"),
        asyncpg.InterfaceError("cannot perform operation: another operation is in progress"),
        asyncpg.DataError("invalid input"),
        asyncpg.UniqueViolationError("Key (email)=(a@example.org) already exists."),
        persistence.ProgrammingError("wrong statement"),
    ],
)
def test_the_unexpected_says_nothing_internal(error: Exception) -> None:
    problem = from_exception(error)
    assert problem.status == 500
    assert str(error).encode() not in problem.body()


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), asyncpg.DiskFullError()])
def test_a_full_disk_is_said(error: Exception) -> None:
    assert from_exception(error).status == 507


def test_a_lost_race_is_a_conflict_that_may_be_tried_again() -> None:
    problem: Any = from_exception(VersionConflict())
    assert (problem.status, problem.headers) == (409, {"Retry-After": "1"})
