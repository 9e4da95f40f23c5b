"""The composition root of processing: settings in, a running service out."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

from litestar import Litestar
from pydantic import Field

from contracts import catalogue
from contracts.envelope import CONTENT_TYPE, EVENT_LOG_TOPIC, PARTITIONS, is_public, key_of
from contracts.facts import Remedy
from runtime.backbone import Backbone, Log
from runtime.inbox import EventStoreEffect
from runtime.metrics import Metrics
from runtime.quarantine_api import quarantine_routes
from runtime.relay import RelayMetrics
from runtime.serve import run
from runtime.settings import Settings, load_settings
from runtime.web import create_app
from services.processing.api import Desk, office_routes
from services.processing.application import Cases
from services.processing.conditions import Policy
from services.processing.handlers import CaseHandler
from services.processing.projections import WorklistProjection
from services.processing.queries import Worklist
from services.processing.stamping import Stamp
from services.processing.views import Views

SCHEMA: Final = "processing"
MIGRATIONS: Final = Path(__file__).parent / "migrations"


class ProcessingSettings(Settings):
    """What processing needs beside what every service needs."""

    service_name: ClassVar[str] = "processing"

    catalogue_extra: str = Field("", description="files and folders that add to the catalogue, separated as in PATH")
    intake_url: str = Field("", description="address of intake, which has the documents")
    topic: str = Field(EVENT_LOG_TOPIC, description="topic that is the event log")
    consumer: str = Field("processing-cases", description="name of the consumer, its positions and its Kafka group")
    fee_valid_days: int = Field(7, ge=1, le=365, description="days for which a billing code can be paid")
    answer_within_days: int = Field(7, ge=1, le=365, description="days for supplying a requested document")
    collect_within_days: int = Field(30, ge=1, le=3650, description="days for collecting what was issued")
    remedy_code: str = Field("administrative_objection", description="remedy against a refusal, by its code")
    remedy_legal_basis: str = Field("UU 30/2014 Pasal 77", description="law that gives the remedy")
    remedy_working_days: int = Field(21, ge=1, le=3650, description="working days for using the remedy")

    def policy(self) -> Policy:
        """The office's time limits and remedy."""
        return Policy(
            fee_valid=timedelta(days=self.fee_valid_days),
            answer_within=timedelta(days=self.answer_within_days),
            collect_within=timedelta(days=self.collect_within_days),
            remedy=Remedy(
                code=self.remedy_code, legal_basis=self.remedy_legal_basis, within_days=self.remedy_working_days
            ),
        )


def now() -> datetime:
    """The clock."""
    return datetime.now(UTC)


def build(settings: ProcessingSettings) -> Litestar:
    """The service, within the running loop; everything behind it starts with the application."""
    known = catalogue.load(extra=catalogue.additions(settings.catalogue_extra))
    stamp = Stamp(f"{known.offices[settings.office].source}/processing")
    metrics = Metrics(settings.service_name)
    log = Log(topic=settings.topic, partitions=PARTITIONS, content_type=CONTENT_TYPE, publishes=is_public, key=key_of)
    backbone = Backbone(
        settings,
        log,
        schema=SCHEMA,
        migrations=MIGRATIONS,
        source=stamp.source,
        relay_metrics=RelayMetrics(metrics.registry),
    )
    backbone.consumes(settings.consumer, EventStoreEffect(backbone.store, CaseHandler(backbone.store, known, stamp)))
    projection = WorklistProjection(backbone.pool, backbone.store, known, channel=backbone.store.channel)
    backbone.works("worklist", projection.run)
    desk = Desk(
        cases=Cases(store=backbone.store, catalogue=known, policy=settings.policy(), stamp=stamp, clock=now),
        worklist=Worklist(backbone.pool),
        views=Views(known, settings.intake_url),
        pool=backbone.pool,
        office=settings.office,
        clock=now,
    )
    return create_app(
        settings=settings,
        title="Jejak processing",
        version="1",
        description="What officers decide: the case of each application.",
        routes=[office_routes(desk), quarantine_routes(backbone.quarantine)],
        lifespan=[backbone.running],
        ready={"database": backbone.check_database, "consumers": backbone.check_consumers},
        metrics=metrics,
    )


def main() -> None:
    """Read the settings and serve until the process is told to stop."""
    run(build, load_settings(ProcessingSettings))


if __name__ == "__main__":
    main()
