"""The composition root of intake: settings in, a running service out."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from litestar import Litestar, Router
from pydantic import Field, SecretStr, field_validator

from contracts.catalogue import Catalogue, additions
from contracts.catalogue import load as load_catalogue
from contracts.envelope import CONTENT_TYPE, EVENT_LOG_TOPIC, PARTITIONS, is_public, key_of
from runtime.backbone import Backbone, Log
from runtime.database import Pool
from runtime.inbox import AsyncpgEffect
from runtime.metrics import Metrics
from runtime.quarantine_api import quarantine_routes
from runtime.relay import RelayMetrics
from runtime.serve import run
from runtime.settings import Settings, load_settings
from runtime.web import create_app
from services.intake.abandoned import AbandonedDrafts
from services.intake.access import Attempts, Rate
from services.intake.addresses import AddressBook
from services.intake.admitting import Admission
from services.intake.answering import answer_refusal
from services.intake.api import APPLICATION_ROUTES
from services.intake.application import Applications
from services.intake.catalogue_api import CATALOGUE_ROUTES, CatalogueAnswers
from services.intake.desk import Desk
from services.intake.desk_api import DESK_ROUTES
from services.intake.documents import DocumentStorage, check_storage_url
from services.intake.draft_api import DRAFT_ROUTES
from services.intake.entrance import Entrance
from services.intake.events_api import EVENT_ROUTES
from services.intake.filling import Filling
from services.intake.handlers import LogHandler
from services.intake.held import HeldEvents
from services.intake.keys import MasterKeys
from services.intake.links import Links
from services.intake.links_api import LINK_ROUTES, LinkDesk
from services.intake.projections import LogView
from services.intake.publishers import Publishers
from services.intake.refusals import Refused
from services.intake.staff_api import STAFF_ROUTES
from services.intake.upload_api import UPLOAD_ROUTES
from services.intake.uploads import Uploads
from services.intake.vault import Vault

SCHEMA = "intake"
FAILURES_WITHIN_S = 300.0
OUR_SERVICES = ("intake", "processing", "status", "notify")


class IntakeSettings(Settings):
    """What intake needs to know besides what every service does."""

    service_name: ClassVar[str] = "intake"

    catalogue_extra: str = Field("", description="files and folders that add to the catalogue, separated as in PATH")
    master_key: SecretStr = Field(
        description="[ID:]KEY[,…], each KEY 32 bytes in base64 or hexadecimal, the first wraps"
    )
    documents: str = Field(description="URL of the document storage: file:///folder or s3://bucket/prefix")
    publishers: Path | None = Field(None, description="YAML file of the systems that may publish events")
    document_limit_bytes: int = Field(10 * 1024 * 1024, ge=1, description="largest document that is taken")
    draft_days: int = Field(
        30, ge=1, le=3650, description="days without a change after which a draft that was not handed in is destroyed"
    )
    drafts_per_minute: int = Field(3000, ge=1, description="how many drafts one client may open a minute")
    failures_per_number: int = Field(
        10, ge=1, description="wrong access codes of one client for one number in 5 minutes"
    )
    failures_per_client: int = Field(60, ge=1, description="wrong access codes of one client in 5 minutes")
    status_url: str = Field("", description="address of the status service, for the link on receipts")
    track_url: str = Field("", description="address of an application's page, with {number} in it, for receipts")
    topic: str = Field(EVENT_LOG_TOPIC, description="topic of the event log")

    @field_validator("master_key")
    @classmethod
    def _master_key_can_be_used(cls, setting: SecretStr) -> SecretStr:
        MasterKeys.parse(setting.get_secret_value())
        return setting

    @field_validator("publishers")
    @classmethod
    def _publishers_can_be_used(cls, path: Path | None) -> Path | None:
        Publishers.load(path)
        return path

    @field_validator("documents")
    @classmethod
    def _documents_can_be_stored(cls, url: str) -> str:
        check_storage_url(url)
        return url

    @field_validator("office")
    @classmethod
    def _office_is_in_the_catalogue(cls, code: str) -> str:
        if code not in (known := load_catalogue().offices):
            raise ValueError(f"the catalogue has no such office; it has {', '.join(known)}")
        return code


def now() -> datetime:
    """The time of what happens here."""
    return datetime.now(UTC)


def build(settings: IntakeSettings) -> Litestar:
    """The whole service, wired; started in the application's lifespan. Needs a running loop."""
    catalogue = load_catalogue(extra=additions(settings.catalogue_extra))
    source = f"{catalogue.offices[settings.office].source}/{SCHEMA}"
    metrics = Metrics(settings.service_name)
    backbone = _backbone(settings, source, metrics)
    master_keys = MasterKeys.parse(settings.master_key.get_secret_value())
    vault = Vault(backbone.pool, master_keys)
    storage = DocumentStorage.open(settings.documents, limit_bytes=settings.document_limit_bytes)
    held = HeldEvents(backbone.pool, backbone.store)
    handler = LogHandler(source, held.look_again)
    backbone.consumes("intake", AsyncpgEffect(backbone.pool, handler.handle, concerns=handler.concerns))
    backbone.works("held events", held.release_all)
    backbone.works("abandoned uploads", storage.sweep_for_ever)
    abandoned = AbandonedDrafts(
        backbone.pool,
        store=backbone.store,
        vault=vault,
        storage=storage,
        source=source,
        after=timedelta(days=settings.draft_days),
        clock=now,
    )
    backbone.works("abandoned drafts", abandoned.sweep_for_ever)
    filling = Filling(store=backbone.store, vault=vault, catalogue=catalogue, source=source, clock=now)
    applications = Applications(
        store=backbone.store,
        vault=vault,
        storage=storage,
        log_view=LogView(backbone.pool),
        catalogue=catalogue,
        source=source,
        clock=now,
    )
    entrance = _entrance(settings, vault)
    book = AddressBook(backbone.pool, master_keys)
    backbone.works("address book", book.keep_for_ever)
    link_desk = LinkDesk(
        links=Links(backbone.pool, vault=vault, master_keys=master_keys, book=book, clock=now),
        entrance=entrance,
        vault=vault,
        applications=applications,
        seconds=time.monotonic,
        clock=now,
    )
    backbone.works("old links", link_desk.sweep_for_ever)
    uploads = Uploads(backbone.pool, applications, limit_bytes=settings.document_limit_bytes, clock=now)
    backbone.works("abandoned pieces", uploads.sweep_for_ever)
    return create_app(
        settings=settings,
        title="Jejak intake",
        version="1.0.0",
        description="Where applications and the events of other systems come in.",
        routes=[
            Router(
                "/",
                route_handlers=[
                    CATALOGUE_ROUTES,
                    APPLICATION_ROUTES,
                    DRAFT_ROUTES,
                    UPLOAD_ROUTES,
                    LINK_ROUTES,
                    STAFF_ROUTES,
                    DESK_ROUTES,
                    EVENT_ROUTES,
                ],
                exception_handlers={Refused: answer_refusal},
            ),
            quarantine_routes(backbone.quarantine),
        ],
        dependencies={
            "catalogue_answers": CatalogueAnswers(catalogue),
            "applications": applications,
            "filling": filling,
            "uploads": uploads,
            "desk": _desk(settings, backbone.pool, entrance, master_keys, catalogue),
            "link_desk": link_desk,
            "publishers": Publishers.load(settings.publishers),
            "admission": Admission(backbone.store, held, now, _own_sources(catalogue)),
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


def _backbone(settings: IntakeSettings, source: str, metrics: Metrics) -> Backbone:
    log = Log(
        topic=settings.topic,
        partitions=PARTITIONS,
        content_type=CONTENT_TYPE,
        publishes=is_public,
        key=key_of,
    )
    return Backbone(
        settings,
        log,
        schema=SCHEMA,
        migrations=Path(__file__).parent / "migrations",
        source=source,
        relay_metrics=RelayMetrics(metrics.registry),
    )


def _entrance(settings: IntakeSettings, vault: Vault) -> Entrance:
    attempts = Attempts(
        time.monotonic,
        per_number=Rate(settings.failures_per_number, FAILURES_WITHIN_S),
        per_client=Rate(settings.failures_per_client, FAILURES_WITHIN_S),
    )
    return Entrance(vault, attempts, now)


def _desk(
    settings: IntakeSettings, pool: Pool, entrance: Entrance, master_keys: MasterKeys, catalogue: Catalogue
) -> Desk:
    followed_at = f"{settings.status_url.rstrip('/')}/applications/{{number}}" if settings.status_url else None
    return Desk(
        entrance=entrance,
        pool=pool,
        master_keys=master_keys,
        catalogue=catalogue,
        office=settings.office,
        document_limit_bytes=settings.document_limit_bytes,
        track_url=settings.track_url or followed_at,
        draft_days=settings.draft_days,
        clock=time.monotonic,
        drafts_per_minute=settings.drafts_per_minute,
    )


def _own_sources(catalogue: Catalogue) -> frozenset[str]:
    """What our own services call themselves, at every office."""
    return frozenset(f"{office.source}/{name}" for office in catalogue.offices.values() for name in OUR_SERVICES)


def main() -> None:
    """Read the environment and serve."""
    run(build, load_settings(IntakeSettings))


if __name__ == "__main__":
    main()
