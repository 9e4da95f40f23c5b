import asyncio
import socket
import struct
from types import SimpleNamespace
from typing import Any

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.admin import ApiVersionRequest

from runtime.kafka_clients import ClientDied, mend_connections, while_alive

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


async def unread_connection_that_was_reset() -> AIOKafkaConnection:
    """A connection whose peer is gone, before the task that reads from it has noticed."""

    async def kill(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        writer.close()

    async with await asyncio.start_server(kill, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        connection = AIOKafkaConnection(host, port)
        connection._reader, connection._writer = await asyncio.open_connection(host, port)
        connection._read_task = asyncio.create_task(asyncio.Event().wait())
        async with asyncio.timeout(5):
            while connection._reader.exception() is None:
                await asyncio.sleep(0.01)
    return connection


def test_a_request_on_a_connection_that_uvloop_has_closed_finds_it_lost() -> None:
    async def send() -> AIOKafkaConnection:
        mend_connections()
        connection = await unread_connection_that_was_reset()
        assert connection.connected()  # as far as aiokafka knows
        with pytest.raises(KafkaConnectionError, match="is closed"):
            await connection.send(ApiVersionRequest())
        return connection

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert not runner.run(send()).connected()


def producer(metadata: "asyncio.Task[Any]", sender: "asyncio.Task[Any]") -> Any:
    return SimpleNamespace(client=SimpleNamespace(_sync_task=metadata), _sender=SimpleNamespace(sender_task=sender))


async def test_work_with_a_living_producer_gives_its_result_or_its_error() -> None:
    async def published() -> int:
        return 3

    async def refused() -> int:
        raise KafkaConnectionError("away")

    lives = [asyncio.create_task(asyncio.Event().wait()) for _ in range(2)]
    assert await while_alive(producer(*lives), published()) == 3
    with pytest.raises(KafkaConnectionError):
        await while_alive(producer(*lives), refused())


@pytest.mark.parametrize("which", [0, 1])
async def test_nobody_waits_for_a_producer_that_died(which: int) -> None:
    async def dies() -> None:
        raise RuntimeError("the handler is closed")

    tasks: list[asyncio.Task[Any]] = [asyncio.create_task(asyncio.Event().wait()) for _ in range(2)]
    tasks[which] = asyncio.create_task(dies())
    async with asyncio.timeout(5):
        with pytest.raises(ClientDied, match="the handler is closed"):
            await while_alive(producer(*tasks), asyncio.Event().wait())
