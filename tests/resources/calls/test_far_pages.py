"""A page far into a list is the same rows by way of the landmarks as by counting."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.resources.api import Api
from tests.resources.calls.rows import store
from trunkline.platform.http import landmarks
from trunkline.platform.http.landmarks import Landmarks, Place, Way
from trunkline.resources.calls import repository, service
from trunkline.resources.calls.filters import CallFilter
from trunkline.resources.calls.repository import CallRepository

SEED = 7


@pytest.fixture(autouse=True)
def short_strides(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (landmarks, repository):
        monkeypatch.setattr(module, "STRIDE", 5)
    monkeypatch.setattr(service, "WORTH_IT", 0)


async def test_every_page_is_the_same(api: Api) -> None:
    print(f"seed {SEED}")  # noqa: T201 - a failed run can be repeated
    dice = random.Random(SEED)
    agent = await api.agent()
    now = datetime.now(UTC)
    ages = [timedelta(hours=dice.choice((1, 30, 60, 60, 61, 100))) for _ in range(40)]  # some at one moment
    for age in ages:
        await store(api, agent, status=dice.choice(("completed", "busy")), created_at=now - age)
    ways = Landmarks()
    for wanted in (CallFilter(), CallFilter(status="busy"), CallFilter(since=now - timedelta(hours=61))):
        await _same_everywhere(api, wanted, ways)
        await store(api, agent, status="busy", created_at=now)  # newer than what is remembered
        await _same_everywhere(api, wanted, ways)


async def _same_everywhere(api: Api, wanted: CallFilter, ways: Landmarks) -> None:
    async with api.database.workspace(api.workspace.id) as session:
        calls = CallRepository(session, api.workspace.id)
        for offset in range(await calls.count(wanted) + 2):
            key = (api.workspace.id, wanted)
            by_way = await service.page_of(calls, key, 3, offset, ways)
            counted = await calls.page(wanted, 3, offset)
            assert [call.id for call in by_way] == [call.id for call in counted], (wanted, offset)


def test_the_last_landmark_before_an_offset() -> None:
    places = tuple(Place(datetime.now(UTC), UUID(int=n)) for n in range(3))
    way = Way(datetime.now(UTC), places)
    assert way.before(4) == (None, 4)
    assert way.before(5) == (places[0], 0)
    assert way.before(12) == (places[1], 2)
    assert way.before(99) == (places[2], 84)


async def test_ways_are_looked_for_once_and_forgotten() -> None:
    class Clock:
        now = 0.0

        def __call__(self) -> float:
            return self.now

    clock, looks = Clock(), []
    ways = Landmarks(clock)

    async def look() -> Way:
        looks.append(clock.now)
        return Way(datetime.now(UTC), ())

    await ways.get("a", look)
    await ways.get("a", look)
    clock.now = landmarks.LIFETIME
    await ways.get("a", look)
    assert looks == [0.0, landmarks.LIFETIME]
