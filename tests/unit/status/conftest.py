"""Fixtures of the status service's unit tests."""

import pytest

from tests.unit.status.story import Story


@pytest.fixture
def story() -> Story:
    return Story()
