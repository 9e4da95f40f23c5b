"""Following a channel of PostgreSQL: work when something is notified, and look now and then for what was missed."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

import asyncpg

from runtime.database import Connection, keep_session
from runtime.tasks import wait_at_most


class ConnectionLost(ConnectionError):
    """The connection that listened is gone, and with it whatever depended on it: locks, fences, notifications."""


async def follow(
    connection: Connection, channel: str, work: Callable[[], Awaitable[bool]], *, look_every_s: float
) -> NoReturn:
    """Call `work` for ever: again at once when it returns True (there may be more), otherwise when `channel` is notified,
    at the latest after `look_every_s`, since a notification may be lost with a connection.

    Raises `ConnectionLost` as soon as `connection` is gone, also while nothing is to be done, and what `work` raises.
    """
    woken = asyncio.Event()

    def wake(*_: object) -> None:
        woken.set()

    keep_session(connection)
    connection.add_termination_listener(wake)
    await connection.add_listener(channel, wake)
    try:
        while True:
            woken.clear()
            if _gone(connection):
                raise ConnectionLost(f"the connection to PostgreSQL that listened on {channel} was lost")
            if not await work():
                await wait_at_most(woken, look_every_s)
    except asyncpg.InterfaceError as error:
        if not _gone(connection):
            raise
        # The pool has taken the dead connection back: the driver only says that it was used after that.
        raise ConnectionLost(f"the connection to PostgreSQL that listened on {channel} was lost") from error
    finally:
        if not _gone(connection):
            connection.remove_termination_listener(wake)
            await connection.remove_listener(channel, wake)


def _gone(connection: Connection) -> bool:
    """Whether the connection is closed. Its listeners learn of that only a turn of the loop later."""
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:  # the pool took it back when it closed
        return True
