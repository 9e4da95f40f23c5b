"""Where each consumer stands, fenced: a position moves only from the value that its consumer expects.

A consumer that lost its partition to another cannot write any more: its expected value is no longer there, its
transaction fails with `Fenced`, and with it everything it was about to write.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

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

    @classmethod
    def at(cls, steps: Sequence[Advance]) -> Self:
        """That not all of these steps of one consumer could be made."""
        partitions = ", ".join(str(step.partition) for step in steps)
        return cls(f"{steps[0].consumer} has not all of these partitions of {steps[0].topic} any more: {partitions}")


ENSURE_POSITION = """
INSERT INTO consumer_positions (consumer, topic, partition, next_offset)
VALUES ($1, $2, $3, 0)
ON CONFLICT DO NOTHING
"""
SELECT_POSITION = """
SELECT next_offset FROM consumer_positions WHERE consumer = $1 AND topic = $2 AND partition = $3
"""
ADVANCE = """
UPDATE consumer_positions position SET next_offset = step.next_offset
FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS step (partition, expected, next_offset)
WHERE consumer = $1 AND topic = $2 AND position.partition = step.partition AND position.next_offset = step.expected
"""


async def stored_position(connection: Connection, consumer: str, topic: str, partition: int) -> int:
    """The next offset to handle; 0 for a partition never seen, whose row is made on the way."""
    await connection.execute(ENSURE_POSITION, consumer, topic, partition)
    return int(await connection.fetchval(SELECT_POSITION, consumer, topic, partition))


async def advance(connection: Connection, *steps: Advance) -> None:
    """Move the positions of one consumer within the caller's transaction. Raises `Fenced` when one of them is not at its
    `expected`.
    """
    _, _, *columns = zip(*steps, strict=True)
    consumer, topic, *_ = steps[0]
    done = await connection.execute(ADVANCE, consumer, topic, *columns)
    if done != f"UPDATE {len(steps)}":
        raise Fenced.at(steps)
