"""Fixtures of processing's unit tests."""

import pytest

from tests.unit.processing.story import Story


@pytest.fixture
def story() -> Story:
    return Story()
