"""librdkafka's in-process mock broker as a process of its own: in memory, for trying out only.

`python -m deploy.local.kafka_mock FOLDER` serves until it is ended and writes its address into FOLDER/kafka-mock.
"""

from pathlib import Path

from deploy.local.part import Part


def broker(state: Path) -> Part:
    raise NotImplementedError(state)
