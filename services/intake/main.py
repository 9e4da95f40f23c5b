"""The composition root of intake: settings in, a running service out."""

import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import ClassVar

from litestar import Litestar, Router
from pydantic import Field, SecretStr

from contracts.catalogue import Catalogue
from contracts.catalogue import load as load_catalogue
from contracts.envelope import CONTENT_TYPE, EVENT_LOG_TOPIC, PARTITIONS, decode_event
from runtime.backbone import Backbone, Log
from runtime.inbox import AsyncpgEffect
from runtime.metrics import Metrics
from runtime.quarantine_api import quarantine_routes
from runtime.relay import RelayMetrics
from runtime.serve import run
from runtime.settings import Settings, load_settings
from runtime.web import create_app
from services.intake.access import Attempts, Rate
from services.intake.admitting import Admission
from services.intake.answering import answer_refusal
from services.intake.api import APPLICATION_ROUTES, Desk
from services.intake.application import Applications
from services.intake.catalogue_api import CATALOGUE_ROUTES, CatalogueAnswers
from services.intake.documents import DocumentStorage
from services.intake.entrance import Entrance
from services.intake.events_api import EVENT_ROUTES
from services.intake.handlers import LogHandler
from services.intake.held import HeldEvents
from services.intake.keys import MasterKeys
from services.intake.projections import LogView
from services.intake.publishers import Publishers
from services.intake.refusals import Refused
from services.intake.vault import Vault

SCHEMA = "intake"
PUBLISHED_PREFIX = "id.jejak.application."
OUR_SERVICES = ("intake", "processing", "status", "notify")


class IntakeSettings(Settings):
    """What intake needs to know besides what every service does."""

    service_name: ClassVar[str] = "intake"

    master_key: SecretStr = Field(
        description="[ID:]KEY[,…], each KEY 32 bytes in base64 or hexadecimal, the first wraps"
    )
    documents: str = Field(description="URL of the document storage: file:///folder or s3://bucket/prefix")
    publishers: Path | None = Field(None, description="YAML file of the systems that may publish events")
    document_limit_bytes: int = Field(10 * 1024 * 1024, ge=1, description="largest document that is taken")
    drafts_per_minute: int = Field(3000, ge=1, description="how many drafts one client may open a minute")
    failures_per_number: int = Field(
        10, ge=1, description="wrong access codes of one client for one number in 5 minutes"
    )
    failures_per_client: int = Field(60, ge=1, description="wrong access codes of one client in 5 minutes")
    status_url: str | None = Field(None, description="where applications can be tracked, for receipts")
    event_log: str = Field(EVENT_LOG_TOPIC, description="topic of the event log")


def now() -> datetime:
    """The time of what happens here."""
    return datetime.now(UTC)


def build(settings: IntakeSettings, catalogue: Catalogue | None = None) -> Litestar:
    """The whole service, wired; started in the application's lifespan. Needs a running loop.

    Raises `MasterKeyError`, `PublishersError` or `CatalogueError` for settings that cannot be used.
    """
    catalogue = catalogue or load_catalogue()
    source = f"{catalogue.offices[settings.office].source}/{SCHEMA}"
    metrics = Metrics(settings.service_name)
    master_keys = MasterKeys.parse(settings.master_key.get_secret_value())
    publishers = Publishers.load(settings.publishers)
    backbone = Backbone(
        settings,
        Log(
            topic=settings.event_log,
            partitions=PARTITIONS,
            content_type=CONTENT_TYPE,
            publishes=lambda name: name.startswith(PUBLISHED_PREFIX),
            key=lambda state: decode_event(state).subject.encode(),
        ),
        schema=SCHEMA,
        migrations=Path(__file__).parent / "migrations",
        source=source,
        relay_metrics=RelayMetrics(metrics.registry),
    )
    vault = Vault(backbone.pool, master_keys)
    storage = DocumentStorage.open(settings.documents, limit_bytes=settings.document_limit_bytes)
    held = HeldEvents(backbone.pool, backbone.store)
    handler = LogHandler(source, held.look_again)
    backbone.consumes("intake", AsyncpgEffect(backbone.pool, handler.handle))
    backbone.works("held events", held.release_all)
    own_sources = {f"{office.source}/{name}" for office in catalogue.offices.values() for name in OUR_SERVICES}
    five_minutes = partial(Rate, per_s=300)
    attempts = Attempts(
        time.monotonic,
        per_number=five_minutes(settings.failures_per_number),
        per_client=five_minutes(settings.failures_per_client),
    )
    return create_app(
        settings=settings,
        title="Jejak intake",
        version="1",
        description="Where applications and the events of other systems come in.",
        routes=[
            Router(
                "/",
                route_handlers=[CATALOGUE_ROUTES, APPLICATION_ROUTES, EVENT_ROUTES],
                exception_handlers={Refused: answer_refusal},
            ),
            quarantine_routes(backbone.quarantine),
        ],
        dependencies={
            "catalogue_answers": CatalogueAnswers(catalogue),
            "applications": Applications(
                store=backbone.store,
                vault=vault,
                storage=storage,
                log_view=LogView(backbone.pool),
                catalogue=catalogue,
                source=source,
                clock=now,
            ),
            "desk": Desk(
                entrance=Entrance(vault, attempts),
                pool=backbone.pool,
                master_keys=master_keys,
                catalogue=catalogue,
                office=settings.office,
                document_limit_bytes=settings.document_limit_bytes,
                status_url=settings.status_url,
                clock=time.monotonic,
                drafts_per_minute=settings.drafts_per_minute,
            ),
            "publishers": publishers,
            "admission": Admission(backbone.store, held, now, own_sources),
            "held_events": held,
        },
        lifespan=[backbone.running],
        ready={
            "database": backbone.check_database,
            "consumers": backbone.check_consumers,
            "documents": storage.check,
        },
        metrics=metrics,
    )


def main() -> None:
    """Read the environment and serve."""
    run(build, load_settings(IntakeSettings))


if __name__ == "__main__":
    main()
