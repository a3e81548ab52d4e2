"""The roles as they may be killed at any moment: each in a process of its own, with short times and a scripted model.

Worker and api are the roles themselves; the voice host is the one of `tests/host/rig.py`, because the role wants model
files and a network. To be preloaded by a fork server, so that a process is there at once.

When a process is killed is counted in points of its work, so that a slow machine kills it at work too: before and after
each transaction, each request that goes out and each form that the model fills, and a moment later.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from pydantic import SecretStr

from tests.host.rig import Caller, Rig
from tests.resources.forms import filled
from trunkline.host import node
from trunkline.platform.http import idempotency
from trunkline.platform.outbound.client import Outbound
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.secrets import SecretBox
from trunkline.platform.work import jobs, schedules
from trunkline.platform.work.jobs import Jobs, Run
from trunkline.platform.work.reaper import Reaper
from trunkline.resources.calls import after, after_tasks
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.chats import service
from trunkline.resources.language import Language
from trunkline.resources.webhooks import backoff
from trunkline.resources.webhooks.delivering import Deliverer
from trunkline.roles import api, worker
from trunkline.settings import Settings
from trunkline.voice.language.ports import Filled
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel

SECRET = "a key of sixteen or more"
WORDS = "hello there"
"""What callers say."""
LOOK_UP = "look_up"
GOODBYE = "Bye."
NEVER = timedelta(hours=1)
"""Webhooks wait for all that is found, however slow the machine is."""
_PAUSE_S = 0.2
_SILENT_S = 3.0
_THINKS_S = 0.01
_MANY = 1000


@dataclass(frozen=True)
class Place:
    """Where a process of the installation finds the others."""

    database_url: str
    home: Path

    def settings(self, http_port: int = 0) -> Settings:
        return Settings(
            home=self.home,
            database_url=self.database_url,
            http_port=http_port,
            secret_key=SecretStr(SECRET),
            outbound_allow="127.0.0.1",
            blobs=str(self.home / "blobs"),
        )


@dataclass
class Fate:
    """When a process is killed."""

    points: int
    later: float
    """Seconds."""

    def passed(self) -> None:
        """One point more."""
        self.points -= 1
        if self.points == 0:
            asyncio.get_running_loop().call_later(self.later, os.kill, os.getpid(), signal.SIGKILL)


def work(place: Place, fate: Fate | None) -> None:
    """The role worker, until killed."""
    _prepare(fate)
    asyncio.run(worker.run(place.settings()))


def serve(place: Place, fate: Fate | None, http_port: int) -> None:
    """The role api, until killed."""
    _prepare(fate)
    asyncio.run(api.run(place.settings(http_port)))


def talk(place: Place, fate: Fate | None, number: str, callers: Sequence[str]) -> None:
    """A voice host that is called by these, one after another; until killed."""
    _prepare(fate)
    asyncio.run(_talk(place, number, callers))


async def _talk(place: Place, number: str, callers: Sequence[str]) -> None:
    database = Database.connect(place.database_url)
    rig = Rig(database, LiveCalls(database, SecretBox(SECRET)), place.home)
    await rig.start()
    for each in callers:
        caller = Caller(await rig.engine.call(number, each))
        rig.callers = [caller]
        await rig.until(lambda: bool(rig.host.live()))
        caller.say(WORDS)
        await rig.until(lambda: f"You said {WORDS}." in caller.heard)  # noqa: B023 - awaited here
        await caller.line.hang_up()
        await rig.until(lambda: not rig.host.live())
    await asyncio.Event().wait()


def _prepare(fate: Fate | None) -> None:
    _hurry()
    if fate is not None:
        for name in ("system", "workspace"):
            setattr(Database, name, _counted(fate, getattr(Database, name)))
        outbound: Any = Outbound
        outbound.send = _awaited(fate, outbound.send)
        thinking: Any = _Thinking
        thinking.fill = _awaited(fate, thinking.fill)


def _counted(
    fate: Fate, open_: Callable[..., AbstractAsyncContextManager[Any]]
) -> Callable[..., AbstractAsyncContextManager[Any]]:
    @asynccontextmanager
    async def counted(*arguments: Any) -> AsyncIterator[Any]:
        fate.passed()
        async with open_(*arguments) as session:
            yield session
        fate.passed()

    return counted


def _awaited(fate: Fate, run: Callable[..., Any]) -> Callable[..., Any]:
    async def awaited(*arguments: Any, **named: Any) -> Any:
        fate.passed()
        answer = await run(*arguments, **named)
        fate.passed()
        return answer

    return awaited


def _hurry() -> None:
    """What takes seconds takes a part of one, so that a test sees others take over what the dead have left."""
    backoff.FIRST_PAUSE_S, backoff.FACTOR = _PAUSE_S, 1.0
    schedules.TRY_S = node.HEARTBEAT_SECONDS = _PAUSE_S
    worker.RECOVER_EVERY = worker.REAP_EVERY = worker.RECOUNT_EVERY = _PAUSE_S
    worker.NICENESS = 0
    # Nothing is given up here: on a slow machine the living are taken for dead, too.
    jobs.STALLED_TRIES = after_tasks.MOST_BEGINS = after_tasks.MOST_TRIES = _MANY
    after.TELL_WITHIN = NEVER
    service.LEASE = idempotency.LEASE = timedelta(seconds=1)
    roles: Any = worker
    roles.Jobs = partial(_Jobs, heartbeat_s=_PAUSE_S, stalled_s=1.0)
    roles.Reaper = partial(Reaper, silent_s=_SILENT_S)
    roles.Deliverer = partial(Deliverer, within_s=1.0, lease_s=1.5)
    roles.thinking = _scripted
    roles = api
    roles.thinking = _scripted


class _Jobs(Jobs):
    """Tries again soon, and as often as may be."""

    def task(self, name: str, *, retry_after: Sequence[float] = ()) -> Callable[[Run], Run]:
        return super().task(name, retry_after=(_PAUSE_S,) * _MANY)


@asynccontextmanager
async def _scripted(_: Settings) -> AsyncIterator[Language]:
    model = _Thinking(rule=_said)
    yield Language(talk=model, think=model)


class _Thinking(ScriptedLanguageModel):
    """Takes its time, so that there is a moment to be killed in."""

    async def fill(
        self, model: str, messages: Sequence[dict[str, Any]], schema: dict[str, Any], name: str
    ) -> Filled:
        await asyncio.sleep(_THINKS_S)
        return await super().fill(model, messages, schema, name)


def _said(messages: Sequence[dict[str, Any]]) -> Said:
    """Other words at each asking, so that what was found twice can be told from what was not."""
    asked = str(messages[-1]["content"])
    if "JSON schema: " not in asked:
        return _answer(messages[-1]["role"], asked)
    form = filled(messages)
    if "facts" in form:
        human = next(line for line in asked.splitlines() if line.startswith("human: "))
        return form | {"facts": [{"quote": human, "fact": f"The person said something ({uuid4()})."}]}
    value: dict[str, Any] = _worded(form)
    return value


def _answer(role: str, asked: str) -> Line:
    """In a chat: each message has something looked up, and the last one ends it."""
    if role == "tool":
        return Line("It is there.")
    if asked == GOODBYE:
        return Line("Goodbye!", tool="end_call")
    return Line(tool=LOOK_UP, arguments={"order": asked})


def _worded(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _worded(each) for name, each in value.items()}
    return {"true": "false", "Said so.": f"Said {uuid4()}."}.get(value, value)
