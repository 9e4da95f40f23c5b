import pytest
from pydantic import Field, SecretStr

from runtime.settings import Settings, SettingsError, load_settings


class DepotSettings(Settings):
    service_name = "depot"
    master_key: SecretStr = Field(description="key that wraps all others", min_length=8)
    limits: list[int] = Field(default_factory=list)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in {
        "KAFKA": "k:9092",
        "DATABASE": "postgresql://u:geheim@db/x",
        "MASTER_KEY": "very-secret",
    }.items():
        monkeypatch.setenv(f"JEJAK_{name}", value)
    return monkeypatch


def test_settings_come_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("JEJAK_PORT", "8123")
    settings = load_settings(DepotSettings)
    assert (settings.kafka, settings.port, settings.host, settings.office) == ("k:9092", 8123, "127.0.0.1", "lebong")


def test_a_missing_setting_is_one_line_naming_its_variable(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.delenv("JEJAK_KAFKA")
    with pytest.raises(SettingsError) as stop:
        load_settings(DepotSettings)
    assert stop.value.code == 2
    assert capsys.readouterr().err == (
        "depot: JEJAK_KAFKA is not set (Kafka bootstrap servers, e.g. 127.0.0.1:9092): set it in the environment\n"
    )


def test_an_empty_setting_counts_as_missing(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("JEJAK_KAFKA", "")
    with pytest.raises(SettingsError, match="JEJAK_KAFKA is not set"):
        load_settings(DepotSettings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eighty"),
        ("PORT", "70000"),
        ("LOG_LEVEL", "loud"),
        ("TOPIC_REPLICATION", "0"),
        ("GRACEFUL_STOP_S", "x"),
    ],
)
def test_a_wrong_setting_names_its_variable(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(f"JEJAK_{name}", value)
    with pytest.raises(SettingsError, match=f"JEJAK_{name} is wrong"):
        load_settings(DepotSettings)


def test_a_wrong_secret_is_not_shown(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.setenv("JEJAK_MASTER_KEY", "hush")
    with pytest.raises(SettingsError):
        load_settings(DepotSettings)
    said = capsys.readouterr().err
    assert "JEJAK_MASTER_KEY is wrong" in said
    assert "hush" not in said


def test_a_list_that_is_no_json_is_said_and_not_shown(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("JEJAK_LIMITS", "seven and hush")
    with pytest.raises(SettingsError):
        load_settings(DepotSettings)
    said = capsys.readouterr().err
    assert "limits" in said
    assert "hush" not in said


def test_every_wrong_setting_gets_its_own_line(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("JEJAK_DATABASE")
    environment.setenv("JEJAK_PORT", "-1")
    with pytest.raises(SettingsError) as stop:
        load_settings(DepotSettings)
    assert len(stop.value.reasons) == 2


def test_printed_settings_show_no_secret(environment: pytest.MonkeyPatch) -> None:
    printed = repr(load_settings(DepotSettings))
    assert "geheim" not in printed
    assert "very-secret" not in printed
