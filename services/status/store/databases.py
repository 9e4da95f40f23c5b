"""Where the rows and records of the service are."""

from collections.abc import Sequence

from msgspec import Struct

from contracts.envelope import PARTITIONS
from services.status.store.shards import Shard


class Database(Struct, frozen=True):
    """Where rows and records are: all of them, or those of some partitions."""

    dsn: str
    consumer: str | None
    """Whose quarantine is left out; `None`: that of whoever consumes there."""
    partitions: list[int]


def databases_of(dsn: str, consumer: str, shards: Sequence[Shard]) -> list[Database]:
    """The service's own database, or those that it stands in front of."""
    if shards:
        return [Database(shard.dsn, None, list(shard.partitions)) for shard in shards]
    return [Database(dsn, consumer, list(range(PARTITIONS)))]
