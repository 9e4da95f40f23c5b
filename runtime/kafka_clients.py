"""aiokafka's clients where they give way: a connection that uvloop has closed, a task behind a client that has ended.

Either leaves a client that looks alive and does nothing, for ever: FastStream goes on asking a consumer whose coordination
is dead, and a producer waits for metadata that nobody fetches (aiokafka's issues 1038 and 712).
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, NoReturn, TypeVar

import structlog
from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError, KafkaError

log = structlog.get_logger()
T = TypeVar("T")

_LOOK_S = 1.0
_END_S = 5.0


class ClientDied(ConnectionError):
    """A task without which a Kafka client does nothing has ended. A new client has to take its place."""


def mend_connections() -> None:
    """Have aiokafka take a connection that uvloop has closed for a lost one. Repeating it changes nothing.

    A broker that is killed resets its connections. Until the task that reads from one has noticed, a request can be written to
    it: asyncio drops what is written, uvloop raises a bare RuntimeError, for which aiokafka is not prepared; whichever of its
    tasks was at it ends.
    """
    AIOKafkaConnection.send = _send_or_lose


_send: Callable[..., Awaitable[Any]] = AIOKafkaConnection.send


def _send_or_lose(connection: Any, request: Any, expect_response: bool = True) -> Awaitable[Any]:
    try:
        return _send(connection, request, expect_response)
    except KafkaError:  # which is a RuntimeError too
        raise
    except RuntimeError as error:
        connection.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
        raise KafkaConnectionError(f"connection at {connection.host}:{connection.port} is closed") from error


async def watch(consumers: Iterable[Any]) -> NoReturn:
    """Look after started consumers. Raises `ClientDied` once a task that one of them needs has ended."""
    watched = list(consumers)
    while True:
        for consumer in watched:
            for name, task in _needed(consumer):
                if task.done():
                    raise ClientDied(f"a consumer's {name} ended: {_cause(task)}")
        await asyncio.sleep(_LOOK_S)


async def end(consumer: Any) -> None:
    """End a consumer whatever state it is in, and leave its group if the broker can be told.

    Its own `stop`, which after this returns at once, waits for tasks that may never end and raises what others died of.
    """
    if consumer._closed:
        return
    consumer._closed = True
    coordinator, fetcher = consumer._coordinator, consumer._fetcher
    mine = [consumer._client._sync_task]
    if coordinator is not None:
        mine += [coordinator._coordination_task, coordinator._heartbeat_task, coordinator._commit_refresh_task]
    if fetcher is not None:
        mine += [fetcher._fetch_task, *fetcher._pending_tasks]
    await _cancel(mine)
    if coordinator is not None:
        await _at_most(coordinator._maybe_leave_group())
    _disconnect(consumer._client)


async def while_alive(producer: Any, work: Coroutine[Any, Any, T]) -> T:
    """Do `work` with a started producer, for as long as it takes. Raises what `work` raises, or `ClientDied` once it could only
    wait for ever."""
    doing = asyncio.create_task(work)
    needed = [producer.client._sync_task, producer._sender.sender_task]
    try:
        await asyncio.wait([doing, *needed], return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise ClientDied(f"a producer's task ended: {', '.join(_cause(task) for task in needed if task.done())}")
        return doing.result()
    finally:
        await _cancel([doing])


async def abandon(producer: Any) -> None:
    """End a producer without waiting for what it has not delivered: whoever stored no position publishes it again.

    Nothing of it is sent after this returns, when a successor may already be publishing.
    """
    producer._closed = True
    sender = producer._sender.sender_task
    await _cancel([sender])
    await _cancel([sender, producer.client._sync_task])  # the first cancellation lets requests under way finish
    _disconnect(producer.client)


def _needed(consumer: Any) -> Iterable[tuple[str, "asyncio.Task[Any]"]]:
    coordinator = consumer._coordinator
    yield "metadata", consumer._client._sync_task
    yield "coordination", coordinator._coordination_task
    yield "fetching", consumer._fetcher._fetch_task
    heartbeat = coordinator._heartbeat_task
    if heartbeat is not None and heartbeat.done() and not heartbeat.cancelled() and heartbeat.exception():
        yield "heartbeat", heartbeat  # it may end, but not by an error: the coordination would report that for ever


def _cause(task: "asyncio.Task[Any]") -> str:
    error = None if task.cancelled() else task.exception()
    return f"{type(error).__name__}: {error}" if error else "without an error"


async def _cancel(tasks: Iterable["asyncio.Task[Any] | None"]) -> None:
    going = [task for task in tasks if task is not None and not task.done()]
    for task in going:
        task.cancel()
    if going:
        await asyncio.wait(going, timeout=_END_S)


async def _at_most(work: Awaitable[Any]) -> None:
    try:
        async with asyncio.timeout(_END_S):
            await work
    except (TimeoutError, KafkaError) as error:
        log.info("group_not_left", error=type(error).__name__)


def _disconnect(client: Any) -> None:
    for connection in list(client._conns.values()):
        connection.close(reason=CloseReason.SHUTDOWN)
