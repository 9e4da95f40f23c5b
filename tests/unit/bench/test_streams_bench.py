"""The measures beside Kafka Streams: skipped with a reason where it cannot be built, and never a figure of unequal work."""

from pathlib import Path

import pytest

from deploy.local import kafka_native
from tests.bench import streams
from tests.bench.measure import Surroundings


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JEJAK_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(kafka_native, "wheel_java", lambda: None)


def test_without_a_jvm_the_measure_says_so_and_gives_no_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(streams.measure_streams(Surroundings("nowhere:1", "postgresql://nowhere", tmp_path))) == []
    assert "rebuild_streams skipped: there is no JVM" in capsys.readouterr().out


def test_without_maven_the_measure_says_so_and_gives_no_figure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(streams, "find_java", lambda: tmp_path / "java")
    assert list(streams.measure_streams(Surroundings("nowhere:1", "postgresql://nowhere", tmp_path))) == []
    assert "rebuild_streams skipped: Maven (mvn) is not installed" in capsys.readouterr().out


def test_streams_alone_is_skipped_before_any_system_is_started(capsys: pytest.CaptureFixture[str]) -> None:
    assert streams.main() == 0
    assert capsys.readouterr().out == "bench-streams: skipped: there is no JVM (Java 17 or later)\n"


def test_the_measures_beside_streams_are_one_run() -> None:
    assert list(streams.MEASURES) == [("rebuild_streams", "rebuild_streams_lean")]


@pytest.mark.parametrize(("events", "applications"), [(999, 120), (1_000, 119)])
def test_an_opponent_that_built_something_else_gives_no_figure(events: int, applications: int) -> None:
    spent = streams.Spent(1_000, 0, events, applications, processed_s=1.0, committed_s=1.0)
    with pytest.raises(RuntimeError, match="do not compare"):
        streams.same_work(1_000, 120, "dsl", spent)


def test_an_opponent_that_built_the_same_is_compared() -> None:
    streams.same_work(1_000, 120, "dsl", streams.Spent(1_003, 3, 1_000, 120, processed_s=1.0, committed_s=2.0))
