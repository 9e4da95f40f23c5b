"""The composition root of notify: settings in, a running service out.

python -m services.notify.main
"""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar, Literal, Self

import httpx
from litestar import Litestar
from pydantic import Field, SecretStr, field_validator, model_validator

from contracts import catalogue
from contracts.catalogue import Catalogue, Office
from contracts.envelope import CONTENT_TYPE, EVENT_LOG_TOPIC, PARTITIONS, is_public, key_of
from contracts.facts import Actor
from runtime.backbone import Backbone, Log
from runtime.client import open_client
from runtime.database import Pool
from runtime.inbox import AsyncpgEffect
from runtime.metrics import Metrics
from runtime.quarantine_api import quarantine_routes
from runtime.relay import RelayMetrics
from runtime.serve import run
from runtime.settings import Settings, load_settings
from runtime.web import create_app
from services.notify.api import delivery_routes
from services.notify.application import Identity, Outcomes, Sender, Surroundings
from services.notify.channels import Channel, EmailChannel, NoPush, PushChannel
from services.notify.contact import IntakeContacts
from services.notify.deliveries import Deliveries
from services.notify.dispatch import Dispatch
from services.notify.domain import EMAIL, PUSH, Policy
from services.notify.handlers import Planner
from services.notify.letters import Letters
from services.notify.link_sending import LinkSending
from services.notify.link_source import IntakeLinks
from services.notify.links import LinkMails
from services.notify.mail import Mailer, Server
from services.notify.measures import Measures
from services.notify.messages import Messages
from services.notify.push import SERVICES, Allowed, Pusher, VapidKey
from services.notify.subscriptions import Subscriptions
from services.notify.subscriptions_api import Push, forget_for_ever, subscription_routes
from services.notify.telling import News

SCHEMA = "notify"
MIGRATIONS = Path(__file__).parent / "migrations"


class NotifySettings(Settings):
    """What notify needs beside the common settings."""

    service_name: ClassVar[str] = "notify"

    catalogue_extra: str = Field("", description="files and folders that add to the catalogue, separated as in PATH")
    intake_url: str = Field(description="address of intake, which is asked for contact data")
    service_token: SecretStr = Field(SecretStr(""), description="bearer token (role system) for intake")
    intake_timeout_s: float = Field(5.0, gt=0, le=60, description="seconds to wait for intake")
    status_url: str = Field("", description="address of the status service, for the link in messages")
    track_url: str = Field("", description="address of an application's page, with {number} in it, for messages")
    complaints_url: str = Field("", description="where people may complain, for messages about a missed deadline")
    smtp: str = Field(pattern=r"^\S+:\d+$", description="mail server as host:port")
    smtp_security: Literal["none", "starttls", "tls"] = Field("none", description="none, starttls or tls")
    smtp_user: str = Field("", description="user name at the mail server, empty for none")
    smtp_password: SecretStr = Field(SecretStr(""), description="password at the mail server")
    smtp_timeout_s: float = Field(10.0, gt=0, le=300, description="seconds for each step with the mail server")
    mail_from: str = Field("", description="sender address; by default no-reply@ the domain of the office's source")
    senders: int = Field(8, ge=1, le=100, description="how many messages are sent at the same time")
    lease_s: float = Field(45.0, gt=0, description="seconds after which another process takes a message over")
    attempts: int = Field(8, ge=1, le=20, description="attempts before a message finally fails")
    first_delay_s: float = Field(15.0, gt=0, description="seconds before the second attempt; each next is four times")
    news_hours: float = Field(48.0, gt=0, description="older events are history when they arrive and not told")
    portal_url: str = Field("", description="where people reach the portal; without it no links are sent by e-mail")
    vapid_private_key: SecretStr = Field(
        SecretStr(""), description="VAPID key: 32 bytes in base64url, a private key on P-256; empty: no push"
    )
    vapid_subject: str = Field(
        "mailto:postmaster@localhost", pattern="^(mailto:|https://)", description="whom push services may write to"
    )
    push_services: str = Field(SERVICES, description="hosts of push services, separated by commas, *. for those below")
    push_loopback: bool = Field(False, description="also http on this machine, for tests")
    push_timeout_s: float = Field(10.0, gt=0, le=60, description="seconds to wait for a push service")
    topic: str = Field(EVENT_LOG_TOPIC, description="the event log")
    consumer: str = Field("notify", description="consumer group in Kafka, its own for each system that shares a broker")

    @model_validator(mode="after")
    def _lease_outlasts_an_attempt(self) -> Self:
        if self.lease_s <= 3 * self.smtp_timeout_s + self.intake_timeout_s:
            raise ValueError(
                "JEJAK_LEASE_S must be longer than three times JEJAK_SMTP_TIMEOUT_S and JEJAK_INTAKE_TIMEOUT_S together: "
                "otherwise a message that is just being sent could be sent by another process too"
            )
        if self.vapid_private_key.get_secret_value() and self.lease_s <= 2 * self.push_timeout_s:
            raise ValueError("JEJAK_LEASE_S must be longer than twice JEJAK_PUSH_TIMEOUT_S, for the same reason")
        return self

    @field_validator("vapid_private_key")
    @classmethod
    def _vapid_key_can_be_used(cls, setting: SecretStr) -> SecretStr:
        if text := setting.get_secret_value():
            VapidKey.parse(text, "")
        return setting


def _now() -> datetime:
    return datetime.now(UTC)


def _server(settings: NotifySettings, office: Office) -> Server:
    host, _, port = settings.smtp.rpartition(":")
    return Server(
        host=host.strip("[]"),
        port=int(port),
        sender=settings.mail_from or f"no-reply@{office.source.removeprefix('//').partition('/')[0]}",
        sender_name=office.labels.id,
        security=settings.smtp_security,
        user=settings.smtp_user or None,
        password=settings.smtp_password.get_secret_value() or None,
        timeout_s=settings.smtp_timeout_s,
    )


def _messages(settings: NotifySettings, words: Catalogue) -> Messages:
    followed_at = f"{settings.status_url.rstrip('/')}/applications/{{number}}" if settings.status_url else None
    return Messages(
        words,
        office=settings.office,
        where=settings.track_url or followed_at,
        complaints=settings.complaints_url or None,
    )


def _intake(settings: NotifySettings) -> httpx.AsyncClient:
    """One attempt a call: what could not be asked is asked later, and the mail server's turn comes within the lease."""
    return open_client(
        settings.intake_url,
        token=settings.service_token,
        timeout=httpx.Timeout(settings.intake_timeout_s),
        attempts=1,
    )


def _push(settings: NotifySettings, pool: Pool) -> Push | None:
    if not (key := settings.vapid_private_key.get_secret_value()):
        return None
    vapid = VapidKey.parse(key, settings.vapid_subject)
    allowed = Allowed.parse(settings.push_services, loopback=settings.push_loopback)
    # An endpoint is a stranger's: no redirects, no proxies of the environment
    client = httpx.AsyncClient(timeout=settings.push_timeout_s, follow_redirects=False, trust_env=False)
    return Push(Subscriptions(pool, vapid.secret), Pusher(client, vapid, allowed), vapid.public, allowed, client)


def build(settings: NotifySettings, around: Surroundings | None = None) -> Litestar:
    """Everything wired; it starts with the application's lifespan. Call within the running loop."""
    around = around or Surroundings(clock=_now, chance=random.random)
    words = catalogue.load(extra=catalogue.additions(settings.catalogue_extra))
    office = words.offices[settings.office]
    source = f"{office.source}/notify"
    metrics = Metrics(settings.service_name)
    measures = Measures(metrics)
    policy = Policy(attempts=settings.attempts, first_delay=timedelta(seconds=settings.first_delay_s))

    log = Log(
        topic=settings.topic,
        partitions=PARTITIONS,
        content_type=CONTENT_TYPE,
        publishes=is_public,
        key=key_of,
    )
    backbone = Backbone(
        settings,
        log,
        schema=SCHEMA,
        migrations=MIGRATIONS,
        source=source,
        relay_metrics=RelayMetrics(metrics.registry),
        pool_size=settings.senders + 4,
    )
    planner = Planner(words, policy=policy, news=News(timedelta(hours=settings.news_hours)), clock=around.clock)
    effect = AsyncpgEffect(backbone.pool, planner.handle, concerns=planner.concerns, together=True)
    backbone.consumes(settings.consumer, effect)

    deliveries = Deliveries(backbone.pool, lease=timedelta(seconds=settings.lease_s))
    outcomes = Outcomes(
        store=backbone.store,
        deliveries=deliveries,
        identity=Identity(source, Actor(role="system", office=settings.office)),
        policy=policy,
        around=around,
        measures=measures,
    )
    server = _server(settings, office)
    intake, mailer = _intake(settings), Mailer(server)
    messages = _messages(settings, words)
    push = _push(settings, backbone.pool)
    channels: dict[str, Channel] = {
        EMAIL: EmailChannel(
            contacts=IntakeContacts(intake), messages=messages, mailer=mailer, server=server, clock=around.clock
        ),
        PUSH: PushChannel(subscriptions=push.subscriptions, messages=messages, pusher=push.pusher)
        if push
        else NoPush(),
    }
    sender = Sender(
        deliveries=deliveries,
        outcomes=outcomes,
        channels=channels,
        policy=policy,
        around=around,
        measures=measures,
    )
    dispatch = Dispatch(
        deliveries=deliveries, sender=sender, measures=measures, clock=around.clock, senders=settings.senders
    )
    backbone.works("dispatch", dispatch.run)
    backbone.works("measure", dispatch.measure)
    if settings.portal_url:
        links = LinkSending(
            mails=LinkMails(backbone.pool, lease=timedelta(seconds=settings.lease_s)),
            source=IntakeLinks(intake),
            letters=Letters(office, settings.portal_url),
            mailer=mailer,
            server=server,
            policy=policy,
            around=around,
            measures=measures,
        )
        backbone.works("collect links", links.collect)
        backbone.works("send links", links.send)
        backbone.works("forget links", links.forget)
    if push:
        backbone.works("forget subscriptions", partial(forget_for_ever, push.subscriptions, around.clock))

    @asynccontextmanager
    async def connections(_: Litestar) -> AsyncIterator[None]:
        async with intake:
            try:
                yield
            finally:
                await mailer.close()
                if push:
                    await push.client.aclose()

    return create_app(
        settings=settings,
        title="Jejak notify",
        version="1.0.0",
        description="What was told to applicants, what waits to be told, and what could not be told.",
        routes=[
            delivery_routes(deliveries, store=backbone.store, policy=policy, around=around),
            subscription_routes(push, around.clock),
            quarantine_routes(backbone.quarantine),
        ],
        state={"backbone": backbone},
        lifespan=[connections, backbone.running],
        ready={"database": backbone.check_database, "consumers": backbone.check_consumers},
        metrics=metrics,
    )


def main() -> None:
    """Run notify with the settings of the environment."""
    run(build, load_settings(NotifySettings))


if __name__ == "__main__":
    main()
