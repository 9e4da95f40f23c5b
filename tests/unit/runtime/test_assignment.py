"""Several consumer groups divide a log: each shares its own part among its members."""

from typing import Any

from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor

from runtime.assignment import taking


class Cluster:
    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(12)) if topic == "log" else None


def assigned(assignor: type[AbstractPartitionAssignor], members: int) -> list[list[int]]:
    metadata: dict[str, Any] = {f"m{place}": assignor.metadata({"log"}) for place in range(members)}
    shares = assignor.assign(Cluster(), metadata)
    return [[place for _, places in shares[member].assignment for place in places] for member in metadata]


def test_a_part_is_shared_among_the_members_of_its_group() -> None:
    assert assigned(taking(range(6)), 1) == [[0, 1, 2, 3, 4, 5]]
    assert assigned(taking(range(6, 12)), 2) == [[6, 8, 10], [7, 9, 11]]


def test_more_members_than_partitions_leave_some_in_waiting() -> None:
    assert assigned(taking([3]), 2) == [[3], []]


def test_without_a_part_all_partitions_are_shared() -> None:
    assert sorted(place for share in assigned(taking(None), 5) for place in share) == list(range(12))


def test_members_that_take_another_part_are_not_taken_for_the_same_kind() -> None:
    assert len({taking(None).name, taking([0, 1]).name, taking([1, 2]).name}) == 3
    assert taking([1, 0]).name == taking([0, 1]).name
