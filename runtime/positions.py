"""Where each consumer stands, fenced: a position moves only from the value that its consumer expects.

A consumer that lost its partition to another cannot write any more: its expected value is no longer there, its
transaction fails with `Fenced`, and with it everything it was about to write.
"""

from typing import NamedTuple

from runtime.database import Connection


class Advance(NamedTuple):
    """A consumer's step in one partition, from `expected` to `next_offset`.

    `topic` is the qualified name, `<topic>@<generation>`.
    """

    consumer: str
    topic: str
    partition: int
    expected: int
    next_offset: int


class Fenced(Exception):
    """The position is not where this consumer left it: another one has the partition. Nothing was written."""


ENSURE_POSITION = """
INSERT INTO consumer_positions (consumer, topic, partition, next_offset)
VALUES ($1, $2, $3, 0)
ON CONFLICT DO NOTHING
"""
SELECT_POSITION = """
SELECT next_offset FROM consumer_positions WHERE consumer = $1 AND topic = $2 AND partition = $3
"""
ADVANCE_POSITION = """
UPDATE consumer_positions SET next_offset = $5
WHERE consumer = $1 AND topic = $2 AND partition = $3 AND next_offset = $4
"""


async def stored_position(connection: Connection, consumer: str, topic: str, partition: int) -> int:
    """The next offset to handle; 0 for a partition never seen, whose row is made on the way."""
    await connection.execute(ENSURE_POSITION, consumer, topic, partition)
    return int(await connection.fetchval(SELECT_POSITION, consumer, topic, partition))


async def advance_position(connection: Connection, step: Advance) -> None:
    """Move the position within the caller's transaction. Raises `Fenced` when it is not at `step.expected`."""
    done = await connection.execute(
        ADVANCE_POSITION, step.consumer, step.topic, step.partition, step.expected, step.next_offset
    )
    if done != "UPDATE 1":
        raise Fenced(f"{step.consumer} is no longer at offset {step.expected} of {step.topic}/{step.partition}")
