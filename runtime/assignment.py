"""Which of a topic's partitions a consumer group takes: all of them, or a part where several groups divide a log."""

from collections.abc import Collection, Mapping
from typing import Any

from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor


class _Part:
    """A cluster's metadata as seen by a group that takes some partitions."""

    def __init__(self, cluster: Any, partitions: Collection[int]) -> None:
        self._cluster = cluster
        self._partitions = frozenset(partitions)

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        found = self._cluster.partitions_for_topic(topic)
        return None if found is None else set(found) & self._partitions


def taking(partitions: Collection[int] | None) -> type[AbstractPartitionAssignor]:
    """An assignor that shares `partitions` of every topic among the group's members; all of them for `None`.

    The members of one group must agree: those that take another part have another group.
    """
    if partitions is None:
        return RoundRobinPartitionAssignor  # type: ignore[no-any-return]
    part = sorted(partitions)

    class Taking(RoundRobinPartitionAssignor):  # type: ignore[misc]
        name = f"roundrobin-of-{'-'.join(map(str, part))}"

        @classmethod
        def assign(cls, cluster: Any, members: Mapping[str, Any]) -> Any:
            return RoundRobinPartitionAssignor.assign(_Part(cluster, part), members)

    return Taking
