"""`python -m runtime.admin`: makes a topic where it is missing, and tells its generation.

A program of its own (see `runtime.kafka`), because it needs librdkafka, the one client that tells a topic's id: a service
needs that once, as it starts, and would carry it for ever after. It reads a `Wanted` as JSON from standard input and writes
a `Found` to standard output; otherwise it ends with a code of `Exit` and a line on standard error.
"""

import sys

import msgspec
from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from runtime.topics import Exit, Found, Wanted, WrongTopic

_TIMEOUT_S = 10.0


def find(wanted: Wanted) -> Found:
    """Make the topic where it is missing. Raises `WrongTopic`, and `KafkaException` where the broker cannot be reached."""
    timeout_ms = int(_TIMEOUT_S * 1000)
    # It must outlive the futures it gives.
    admin = AdminClient({"bootstrap.servers": wanted.bootstrap, "socket.timeout.ms": timeout_ms, "log_level": 2})
    found = _ensure(admin, wanted) if wanted.partitions else Found()
    if wanted.tell_generation:
        described = admin.describe_topics(TopicCollection([wanted.topic]), request_timeout=_TIMEOUT_S)
        found = msgspec.structs.replace(found, generation=str(described[wanted.topic].result().topic_id))
    return found


def _ensure(admin: AdminClient, wanted: Wanted) -> Found:
    known = admin.list_topics(timeout=_TIMEOUT_S).topics
    is_there = wanted.topic in known and known[wanted.topic].error is None
    found = Found() if is_there else _make(admin, wanted)
    partitions = len(admin.list_topics(wanted.topic, timeout=_TIMEOUT_S).topics[wanted.topic].partitions)
    if partitions not in (0, wanted.partitions):
        raise WrongTopic(
            f"topic {wanted.topic} has {partitions} partitions, {wanted.partitions} are needed: "
            "use a new topic name, its partitions cannot change"
        )
    return found


def _make(admin: AdminClient, wanted: Wanted) -> Found:
    topic = NewTopic(
        wanted.topic,
        num_partitions=wanted.partitions,
        replication_factor=wanted.replication,
        config=wanted.config,
    )
    try:
        admin.create_topics([topic], request_timeout=_TIMEOUT_S)[wanted.topic].result()
    except KafkaException as error:
        code = error.args[0].code()
        if code == KafkaError.TOPIC_ALREADY_EXISTS:
            return Found()  # another service made it in this moment; its partitions are counted next
        if code in (KafkaError._UNSUPPORTED_FEATURE, KafkaError.UNSUPPORTED_VERSION):
            return Found(left_to_broker=True)
        raise
    return Found(made=True)


def main() -> Exit:
    """Read what is wanted, write what was found."""
    try:
        found = find(msgspec.json.decode(sys.stdin.buffer.read(), type=Wanted))
    except WrongTopic as error:
        sys.stderr.write(str(error))
        return Exit.WRONG
    except KafkaException as error:
        sys.stderr.write(error.args[0].str())
        return Exit.AWAY
    sys.stdout.buffer.write(msgspec.json.encode(found))
    return Exit.DONE


if __name__ == "__main__":
    sys.exit(main())
