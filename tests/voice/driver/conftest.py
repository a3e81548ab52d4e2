"""Fixtures of the drivers' tests."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.voice.driver.stubs import Desk


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    yield made
    await made.driver.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}
