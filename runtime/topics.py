"""What is asked of and told by `runtime.admin`, the program that makes topics."""

from enum import IntEnum

import msgspec


class Exit(IntEnum):
    """How the program ended."""

    DONE = 0
    AWAY = 3
    WRONG = 4


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A topic, and how to make it; without a number of partitions it is only looked at."""

    bootstrap: str
    topic: str
    partitions: int = 0
    replication: int = 1
    config: dict[str, str] = {}
    tell_generation: bool = True


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """How the topic is now."""

    made: bool = False
    left_to_broker: bool = False
    """It cannot be made: the in-process broker makes topics when they are asked for."""
    generation: str | None = None


class WrongTopic(Exception):
    """A topic exists, but not as it must be; the message says what to do."""
