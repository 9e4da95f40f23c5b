"""The compose file cannot be run here, but what it tells the services can be held against what they read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deploy.local.wanted import PARTS

DEPLOY = Path(__file__).parents[3] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())


SAYS_FIELDS = """
import importlib, json, sys
from runtime.settings import Settings, variable_name
for found in vars(importlib.import_module(f"services.{sys.argv[1]}.main")).values():
    if isinstance(found, type) and issubclass(found, Settings) and found is not Settings:
        print(json.dumps({variable_name(name): field.is_required() for name, field in found.model_fields.items()}))
"""


def variables_of(service: str) -> dict[str, bool]:
    """The variables a service reads, and whether it needs them."""
    command = [sys.executable, "-c", SAYS_FIELDS, service]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd=DEPLOY.parent)
    return json.loads(answer.stdout)


@pytest.mark.parametrize("service", PARTS)
def test_every_setting_without_a_default_is_given(service: str) -> None:
    given = COMPOSE["services"][service]["environment"]
    needed = {name for name, is_needed in variables_of(service).items() if is_needed}
    assert needed <= given.keys()


@pytest.mark.parametrize("service", PARTS)
def test_its_own_variables_are_ones_the_service_reads(service: str) -> None:
    own = COMPOSE["services"][service]["environment"].keys() - COMPOSE["x-environment"].keys()
    assert own <= variables_of(service).keys()


def test_what_is_shared_are_variables_that_some_service_reads() -> None:
    assert COMPOSE["x-environment"].keys() <= {name for part in PARTS for name in variables_of(part)}


def test_the_publishers_example_is_one_that_intake_reads(tmp_path: Path) -> None:
    from services.intake.publishers import Publishers

    example = (DEPLOY / "publishers.example.yaml").read_text()
    file = tmp_path / "publishers.yaml"
    file.write_text(example.replace("whsec_REPLACE", "whsec_" + "QUJD" * 11))
    assert Publishers.load(file)
