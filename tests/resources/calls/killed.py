"""A worker of post-call work that may be killed at any moment: runs in a process of its own, with short times."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

from tests.resources.forms import filled
from trunkline.errors import Unavailable
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.platform.work.jobs import Jobs, Queue
from trunkline.platform.work.schedules import Schedules
from trunkline.platform.work.wakeups import Wakeups
from trunkline.resources.actions.work import Means
from trunkline.resources.calls.after_tasks import AfterCalls
from trunkline.resources.calls.links import Links
from trunkline.resources.webhooks import backoff
from trunkline.resources.webhooks.delivering import Deliverer
from trunkline.voice.language.twins import ScriptedLanguageModel

SECRET = "a key of sixteen or more"
_PAUSE_S = 0.2


def work(url: str) -> None:
    """Until killed."""
    backoff.FIRST_PAUSE_S, backoff.FACTOR = _PAUSE_S, 1.0
    asyncio.run(_work(url))


async def _work(url: str) -> None:
    database, outbound, box = Database.connect(url), Outbound("127.0.0.1"), SecretBox(SECRET)
    jobs = Jobs(url, Queue.AFTER, heartbeat_s=0.2, stalled_s=1.0)
    schedules, wakeups = Schedules(url), Wakeups(url)
    model = ScriptedLanguageModel(rule=judged)
    means = Means(database, box, outbound)
    deliverer = Deliverer(database, outbound, box, within_s=0.5, lease_s=1.0)
    links = Links(box, "http://api.test")
    AfterCalls(means, links, model, _remember, deliverer.wake).register(jobs, schedules)
    deliverer.register(wakeups, schedules)
    await asyncio.gather(jobs.run(), _recovering(jobs), deliverer.run(), wakeups.run())


async def _recovering(jobs: Jobs) -> None:
    while True:
        with suppress(Unavailable):
            await jobs.recover()
        await asyncio.sleep(_PAUSE_S)


def judged(messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Other words at each asking, so that a verdict that was written twice can be told from one that was not."""
    value: dict[str, Any] = _worded(filled(messages))
    return value


def _worded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _worded(each) for name, each in value.items()}
    return {"true": "false", "Said so.": f"Said {uuid4()}."}.get(value, value)


async def _remember(*_: object) -> None:
    await asyncio.sleep(_PAUSE_S)
