"""What the tests of batches stand on."""

from typing import Any

import pytest

from tests.resources.api import Api
from tests.resources.calls.rows import NUMBER
from trunkline.platform.storage.blobs import memory_blobs
from trunkline.resources.batches.tasks import BatchTasks
from trunkline.resources.calls.tasks import CallTasks

PATH = "/v2/calls/batch"


@pytest.fixture
def tasks(api: Api) -> BatchTasks:
    """The dispatcher of a worker."""
    return BatchTasks(api.database, CallTasks(api.database, memory_blobs()))


def people(count: int, start: int = 0) -> list[dict[str, Any]]:
    """Tasks with ids of their own."""
    return [{"id": f"t{n}", "to_phone_number": f"+1415555{n:04}"} for n in range(start, start + count)]


async def open_batch(api: Api, count: int = 2, **changes: Any) -> Any:
    """A new batch, as it is shown."""
    if "model_id" not in changes:
        changes["model_id"] = await api.agent()
    if "from_phone_number" not in changes:
        numbers = (await api.send("GET", "/v2/numbers"))["response"]["phone_numbers"]
        changes["from_phone_number"] = NUMBER if numbers else await api.number(NUMBER)
    body = {"tasks": people(count), **changes}
    return (await api.send("POST", PATH, json=body))["response"]


async def read(api: Api, batch: Any) -> Any:
    """The batch as it is now."""
    return (await api.send("GET", f"{PATH}/{batch['batch_call_id']}"))["response"]


async def tasks_of(api: Api, batch: Any, **query: Any) -> Any:
    """Its tasks as they are now."""
    path = f"{PATH}/{batch['batch_call_id']}/tasks"
    return (await api.send("GET", path, params={"limit": 100, **query}))["response"]["tasks"]


async def command(api: Api, batch: Any, verb: str) -> Any:
    """Pause, resume or cancel."""
    return (await api.send("POST", f"{PATH}/{batch['batch_call_id']}/{verb}"))["response"]
