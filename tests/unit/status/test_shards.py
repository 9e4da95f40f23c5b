"""How the partitions of the log are divided among databases."""

import pytest

from services.status.store.shards import Shard, parse_partitions, parse_shards


def test_partitions_are_numbers_and_ranges() -> None:
    assert parse_partitions("0-5") == (0, 1, 2, 3, 4, 5)
    assert parse_partitions("7, 1-2,2") == (1, 2, 7)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "neither"),
        ("a", "neither"),
        ("5-3", "not within"),
        ("0-12", "0 to 11"),
        ("1,,2", "neither"),
        ("-1", "neither"),
    ],
)
def test_what_names_no_partitions_is_refused_with_the_reason(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_partitions(text)


def test_each_partition_is_in_exactly_one_database() -> None:
    assert parse_shards("0-5=postgresql://a/x 6-11=postgresql://b/x") == (
        Shard((0, 1, 2, 3, 4, 5), "postgresql://a/x"),
        Shard((6, 7, 8, 9, 10, 11), "postgresql://b/x"),
    )
    for wrong in ("0-5=postgresql://a/x", "0-6=postgresql://a/x 6-11=postgresql://b/x"):
        with pytest.raises(ValueError, match="exactly one database"):
            parse_shards(wrong)


def test_a_complaint_does_not_repeat_the_password() -> None:
    with pytest.raises(ValueError, match="named by its partitions") as error:
        parse_shards("postgresql://jejak:secret@a/x")
    assert "secret" not in str(error.value)
