"""The composition root of processing: settings in, a running service out."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

from litestar import Litestar, Router
from pydantic import Field

from contracts import catalogue
from contracts.catalogue import Catalogue
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
from services.processing.api import office_routes
from services.processing.application import Cases
from services.processing.conditions import Policy
from services.processing.deadlines import Ahead
from services.processing.handlers import CaseHandler
from services.processing.handling.api import Handlers, handling_routes
from services.processing.handling.application import Handlings
from services.processing.handling.escalation import Escalation
from services.processing.handling.presence import Presence
from services.processing.opinions.api import opinion_routes
from services.processing.opinions.application import Opinions
from services.processing.projections import WorklistProjection
from services.processing.queries import Worklist
from services.processing.routing import Desk
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
    opinion_within_days: int = Field(7, ge=1, le=365, description="days for another body's opinion")
    opinion_grace_days: int = Field(14, ge=0, le=365, description="days after that in which its link still works")
    claims_at_once: int = Field(10, ge=1, le=1000, description="cases waiting for the office that an officer may claim")
    escalate_percent: int = Field(
        20, ge=0, le=100, description="percent of a deadline's length before which it is escalated"
    )
    escalate_units: int = Field(1, ge=0, le=365, description="and days (or hours) of it at least")
    escalate_look_s: float = Field(30, gt=0, le=3600, description="seconds between looking for deadlines that are near")
    remedy_code: str = Field("administrative_objection", description="remedy against a refusal, by its code")
    remedy_legal_basis: str = Field("UU 30/2014 Pasal 77", description="law that gives the remedy")
    remedy_working_days: int = Field(21, ge=1, le=3650, description="working days for using the remedy")

    def policy(self) -> Policy:
        """The office's time limits and remedy."""
        return Policy(
            fee_valid=timedelta(days=self.fee_valid_days),
            answer_within=timedelta(days=self.answer_within_days),
            collect_within=timedelta(days=self.collect_within_days),
            opinion_within=timedelta(days=self.opinion_within_days),
            opinion_grace=timedelta(days=self.opinion_grace_days),
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
    handler = CaseHandler(backbone.store, known, stamp)
    backbone.consumes(settings.consumer, EventStoreEffect(backbone.store, handler, concerns=handler.concerns))
    ahead = Ahead(settings.escalate_percent, settings.escalate_units)
    projection = WorklistProjection(backbone.pool, backbone.store, known, channel=backbone.store.channel, ahead=ahead)
    backbone.works("worklist", projection.run)
    escalation = Escalation(
        pool=backbone.pool, store=backbone.store, catalogue=known, stamp=stamp, clock=now, ahead=ahead,
        look_every_s=settings.escalate_look_s,
    )  # fmt: skip
    backbone.works("escalation", escalation.run)
    return create_app(
        settings=settings,
        title="Jejak processing",
        version="1",
        description="What officers decide: the case of each application.",
        routes=[_routes(settings, backbone, known, stamp, projection), quarantine_routes(backbone.quarantine)],
        lifespan=[backbone.running],
        ready={"database": backbone.check_database, "consumers": backbone.check_consumers},
        metrics=metrics,
    )


def _routes(
    settings: ProcessingSettings, backbone: Backbone, known: Catalogue, stamp: Stamp, projection: WorklistProjection
) -> Router:
    """Everything behind the officers' counters."""
    store, pool = backbone.store, backbone.pool
    cases = Cases(store=store, catalogue=known, policy=settings.policy(), stamp=stamp, clock=now)
    desk = Desk(
        cases=cases, worklist=Worklist(pool), views=Views(known, settings.intake_url), pool=pool,
        office=settings.office, clock=now,
    )  # fmt: skip
    most = settings.claims_at_once
    handlings = Handlings(
        cases=cases, store=store, pool=pool, rows=projection, catalogue=known, stamp=stamp, clock=now, most=most
    )
    handlers = Handlers(desk=desk, handlings=handlings, presence=Presence(pool, now), most=most)
    opinions = Opinions(cases=cases, store=store, catalogue=known, stamp=stamp, clock=now)
    return office_routes(desk, *handling_routes(handlers), opinion_routes(desk, opinions))


def main() -> None:
    """Read the settings and serve until the process is told to stop."""
    run(build, load_settings(ProcessingSettings))


if __name__ == "__main__":
    main()
