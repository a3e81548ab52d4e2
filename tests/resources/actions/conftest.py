"""Fixtures of the actions' tests."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.resources.actions.bookings import TUESDAY_AT_NINE
from tests.resources.actions.diaries import Calcom, Ghl, calcom, ghl
from tests.resources.api import Api


@pytest.fixture
async def cal(api: Api) -> AsyncIterator[Calcom]:
    async with calcom(api) as made:
        made.free = [TUESDAY_AT_NINE + timedelta(minutes=30 * n) for n in range(5)]
        yield made


@pytest.fixture
async def high(api: Api) -> AsyncIterator[Ghl]:
    async with ghl(api) as made:
        made.free = [TUESDAY_AT_NINE + timedelta(minutes=30 * n) for n in range(5)]
        yield made
