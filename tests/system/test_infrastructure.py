"""Kafka and PostgreSQL as the other system tests get them."""

import asyncpg
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

pytestmark = pytest.mark.system


async def test_a_fresh_database_is_empty_and_writable(fresh_database: str) -> None:
    connection = await asyncpg.connect(fresh_database)
    await connection.execute("CREATE TABLE fresh (n integer)")
    assert await connection.fetchval("SELECT count(*) FROM fresh") == 0
    await connection.close()


def test_a_topic_can_be_made(infrastructure, fresh_topic_prefix: str) -> None:
    admin = AdminClient({"bootstrap.servers": infrastructure.kafka})
    name = f"{fresh_topic_prefix}events"
    admin.create_topics([NewTopic(name, 3, 1)])[name].result(30)
    assert len(admin.list_topics(timeout=10).topics[name].partitions) == 3
