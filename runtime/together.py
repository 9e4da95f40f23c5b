"""Writes that wait at the same moment become one: where only one writer can be at work, each would wait for all before it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
_Waiting = tuple[list[T], asyncio.Future[None]]


class Together(Generic[T]):
    """Gathers what callers write while a write is under way, and writes it in one go. Use within the running loop."""

    def __init__(self, write: Callable[[Sequence[T]], Awaitable[None]], *, apart_after: type[Exception]) -> None:
        """`write` writes all it is given or nothing. Where it raises `apart_after`, because one caller's part stands in the
        way of the others', each part is written by itself."""
        self._write = write
        self._apart_after = apart_after
        self._waiting: list[_Waiting[T]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, part: list[T]) -> None:
        """Write `part`, at once when nobody else writes. Raises what `write` raises. Who gives up waiting takes nothing back."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((part, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_waiting())
        await done

    async def _write_waiting(self) -> None:
        try:
            while self._waiting:
                gathered, self._waiting = self._waiting, []
                await self._write_gathered(gathered)
        finally:
            self._writing = None

    async def _write_gathered(self, gathered: Sequence[_Waiting[T]]) -> None:
        try:
            await self._write([item for part, _ in gathered for item in part])
        except Exception as error:
            if len(gathered) > 1 and isinstance(error, self._apart_after):
                for one in gathered:
                    await self._write_gathered([one])
                return
            for _, done in gathered:
                if not done.done():
                    done.set_exception(error)
        except BaseException:
            for _, done in gathered:
                done.cancel()
            raise
        else:
            for _, done in gathered:
                if not done.done():
                    done.set_result(None)
