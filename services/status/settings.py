"""What the status service is told by its environment."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field, ValidationInfo, field_validator

from contracts.envelope import EVENT_LOG_TOPIC, PARTITIONS
from runtime.settings import Settings
from services.status.expected.expected import Rules
from services.status.expected.expecting import Drawing
from services.status.store.shards import Shard, parse_partitions, parse_shards

SCHEMA = "status"
CONSUMER = "status"


class StatusSettings(Settings):
    """What the status service needs beside the common settings."""

    service_name: ClassVar[str] = "status"

    catalogue_extra: str = Field("", description="files and folders that add to the catalogue, separated as in PATH")
    topic: str = Field(EVENT_LOG_TOPIC, description="the event log")
    schema_name: str = Field(SCHEMA, description="the PostgreSQL schema of this service")
    consumer: str = Field(CONSUMER, description="consumer group in Kafka, its own for each system that shares a broker")
    batch_records: int = Field(2_000, ge=1, le=100_000, description="most records taken in by one transaction")
    lookups_per_s: float = Field(100.0, ge=0, description="look-ups a second of one client, 0 for no limit")
    lookups_burst: int = Field(5_000, ge=1, description="look-ups of one client at once")
    streams: int = Field(5_000, ge=1, description="most event streams open at once")
    bodies_mib: int = Field(32, ge=0, description="most memory for finished answers to look-ups, in MiB, 0 for none")
    heartbeat_s: float = Field(15.0, gt=0, le=300, description="seconds between signs of life in an event stream")
    lag_limit: int = Field(1_000_000, ge=0, description="records behind the log at which the service is not ready")
    shown_retention_days: int = Field(
        400, ge=1, le=36_500, description="days for which is kept what applicants were shown"
    )
    shown_flush_s: float = Field(2.0, gt=0, le=60, description="seconds between writes of what applicants were shown")
    statistics_every_s: float = Field(
        900.0, ge=5, description="seconds between one computing of statistics and the next"
    )
    expected_every_s: float = Field(
        900.0, ge=1, description="seconds between one drawing of the expected times and the next"
    )
    expected_fewest: int = Field(30, ge=10, description="finished applications below which no time is foretold")
    expected_recent: int = Field(200, ge=30, description="latest finished applications that expected times go by")
    expected_history_days: int = Field(
        730, ge=1, le=36_500, description="days after submission for which applications count for expected times"
    )
    deadlines_every_s: float = Field(
        5.0, gt=0, le=3_600, description="seconds between one look for deadlines that have passed and the next"
    )
    deadline_grace_s: float = Field(
        60.0, ge=0, le=86_400, description="seconds after a deadline for which a fact that met it may still arrive"
    )
    connections: int = Field(10, ge=3, le=200, description="most connections to PostgreSQL")
    partitions: str = Field("", description="partitions of the log that this database has, e.g. 0-5; empty for all")
    shards: str = Field(
        "",
        repr=False,
        description="databases to read from, e.g. 0-5=postgresql://… 6-11=postgresql://…; takes in nothing",
    )

    @field_validator("partitions", "shards")
    @classmethod
    def _divided(cls, text: str, info: ValidationInfo) -> str:
        if text:
            (parse_partitions if info.field_name == "partitions" else parse_shards)(text)
        return text

    @property
    def own_partitions(self) -> tuple[int, ...]:
        """The partitions that are taken in."""
        return parse_partitions(self.partitions) if self.partitions else tuple(range(PARTITIONS))

    @property
    def databases(self) -> tuple[Shard, ...]:
        """The databases that a reader stands in front of; none for a process that takes records in."""
        return parse_shards(self.shards) if self.shards else ()


def drawing_of(settings: StatusSettings) -> Drawing:
    """How the expected times are drawn."""
    return Drawing(
        Rules(settings.expected_recent, settings.expected_fewest), timedelta(days=settings.expected_history_days)
    )
