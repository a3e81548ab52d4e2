"""kill -9 of worker, api and voice host, again and again, while calls and chats come to their end.

Then all that is owed is there, once, and whatever was sent twice bears the same id. (A step that many workers die over
is given up: `tests/resources/calls/test_after_steps.py`. Here nothing is.)
"""

import asyncio
import json
import multiprocessing
import os
import random
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import TextClause, select, text, update

from tests.platform.outbound.web import Asked, Web, response, web
from tests.resources.calls.conftest import NUMBER, agent, box, live  # noqa: F401 - fixtures
from tests.resources.calls.test_after import act_after, equip, talked
from tests.roles import killed
from tests.roles.killed import GOODBYE, Fate, Place
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.storage.secrets import SecretBox
from trunkline.resources.actions.models import Action, AgentAction
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls import after
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.calls.models import AfterCallStep, Call
from trunkline.resources.chats.models import Chat, ChatMessage
from trunkline.resources.contacts.models import Contact
from trunkline.resources.memory.models import Memory, MemoryFact, MemoryStore, MemoryStoreAgent
from trunkline.resources.webhooks.models import WebhookDelivery
from trunkline.resources.workspaces.service import create_key
from trunkline.roles import ports

KILLS = {"worker": 5, "api": 4, "voice": 3}
CALLS = 2
"""That end before each life of a worker, beside those of the voice host."""
CALLERS = 2
"""Of each life of the voice host."""
CHATS = 4
SAID = ("Is my order there?", "And the other one?", GOODBYE)
_LOOK_AGAIN_S = 0.2
FAILING = 0.3
"""Share of webhooks that the receiver does not take."""

Start = Callable[[Fate | None], Awaitable[ForkServerProcess]]


@dataclass
class House:
    """The installation whose processes are killed."""

    place: Place
    database: Database
    live: LiveCalls
    agent: Agent
    key: str
    seed: int
    api_port: int = 0
    numbers: Iterator[str] = field(default_factory=lambda: (f"+1415555{n}" for n in count(2000)))
    processes: Any = field(default_factory=lambda: multiprocessing.get_context("forkserver"))

    async def worker(self, fate: Fate | None = None) -> ForkServerProcess:
        """With something to do."""
        for _ in range(CALLS if fate else 0):
            await talked(self.database, self.live, self.agent, other_party=next(self.numbers), overrides={})
        return self._started(killed.work, fate)

    async def api(self, fate: Fate | None = None) -> ForkServerProcess:
        self.api_port = ports.free_tcp_port()
        return self._started(killed.serve, fate, self.api_port)

    async def voice(self, fate: Fate | None = None) -> ForkServerProcess:
        return self._started(killed.talk, fate, NUMBER, [next(self.numbers) for _ in range(CALLERS)])

    def _started(self, role: Callable[..., None], *arguments: object) -> ForkServerProcess:
        process: ForkServerProcess = self.processes.Process(target=role, args=(self.place, *arguments))
        process.start()
        return process

    async def kill_often(
        self, role: str, most: int, start: Start, over: Callable[[], Awaitable[bool]]
    ) -> None:
        """One life after another, each killed within `most` points, or when its work is over."""
        dice = random.Random(f"{self.seed} {role}")
        for _ in range(KILLS[role]):
            process = await start(Fate(dice.randint(1, most), dice.uniform(0.0, 0.02)))
            while process.is_alive() and not await over():  # noqa: ASYNC110 another process
                await asyncio.sleep(_LOOK_AGAIN_S)
            await _kill(process)

    async def write(self, chat: str) -> None:
        """Everything that is said in a chat; each message again under its key until it is answered."""
        async with httpx2.AsyncClient(trust_env=False, timeout=10.0) as client:
            for number, words in enumerate(SAID):
                headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": f"{chat} {number}"}
                while not await self._answered(client, chat, headers, words):  # noqa: ASYNC110 another process
                    await asyncio.sleep(_LOOK_AGAIN_S)

    async def _answered(
        self, client: httpx2.AsyncClient, chat: str, headers: dict[str, str], words: str
    ) -> bool:
        url = f"http://127.0.0.1:{self.api_port}/v2/chat/{chat}/messages"
        try:
            answer = await client.post(url, json={"message": words}, headers=headers)
        except httpx2.HTTPError:
            return False
        return answer.status_code == httpx2.codes.OK

    async def is_so(self, query: TextClause) -> bool:
        async with self.database.system() as session:
            return bool(await session.scalar(query))

    async def settled(self) -> None:
        """Nothing is left to be done; the test's own time limit ends the wait."""
        while not await self.is_so(_SETTLED):  # noqa: ASYNC110 another process
            await asyncio.sleep(_LOOK_AGAIN_S)


async def _kill(process: ForkServerProcess) -> None:
    process.kill()
    await asyncio.to_thread(process.join)


@asynccontextmanager
async def _kept(start: Start) -> AsyncIterator[None]:
    """Started again when it dies by itself: a port may be another's by the time it is opened."""

    async def keep() -> None:
        while True:
            process = await start(None)
            try:
                while process.is_alive():  # noqa: ASYNC110 another process
                    await asyncio.sleep(_LOOK_AGAIN_S)
            finally:
                await _kill(process)

    task = asyncio.create_task(keep())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


# A chat in which something was written is remembered after half an hour too: that job waits, and is not late.
_DONE = (
    "SELECT NOT EXISTS (SELECT FROM after_calls WHERE NOT told) "
    "AND NOT EXISTS (SELECT FROM after_call_steps WHERE state = 'pending') "
    "AND NOT EXISTS (SELECT FROM deliveries WHERE state = 'pending') "
)
_WORK_IS_DONE = text(_DONE)
_SETTLED = text(
    _DONE + "AND NOT EXISTS (SELECT FROM calls WHERE ended_at IS NULL) "
    "AND NOT EXISTS (SELECT FROM nodes) "
    "AND NOT EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing') "
    "AND (scheduled_at IS NULL OR scheduled_at < now() + interval '10 minutes'))"
)
_FAILED_JOBS = text("SELECT count(*) FROM procrastinate_jobs WHERE status NOT IN ('todo', 'succeeded')")


@pytest.fixture
async def house(
    database: Database,
    postgres: EmbeddedPostgres,
    live: LiveCalls,  # noqa: F811 - the fixture
    agent: Agent,  # noqa: F811
    box: SecretBox,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> House:
    monkeypatch.setattr(after, "TELL_WITHIN", killed.NEVER)
    seed = int(os.environ.get("TRUNKLINE_SEED", random.randrange(2**32)))
    sys.stdout.write(f"TRUNKLINE_SEED={seed}\n")
    key = await create_key(database, box, agent.workspace_id, "test")
    made = House(Place(postgres.app_url, tmp_path), database, live, agent, key, seed)
    made.processes.set_forkserver_preload([killed.__name__])
    return made


async def _knows(house: House) -> None:
    """The agent's memory holds everybody who may call or write; each alone, so that none waits for another."""
    owner = {"workspace_id": house.agent.workspace_id}
    numbers = [next(house.numbers) for _ in range(CHATS + CALLS * KILLS["worker"] + CALLERS * KILLS["voice"])]
    house.numbers = iter(numbers)
    async with house.database.workspace(house.agent.workspace_id) as session:
        store = MemoryStore(**owner, title="All")
        contacts = [Contact(**owner, name="Ann", phone_number=number) for number in numbers]
        session.add_all([store, *contacts])
        await session.flush()
        session.add(MemoryStoreAgent(**owner, agent_id=house.agent.id, memory_store_id=store.id))
        session.add_all(Memory(**owner, memory_store_id=store.id, contact_id=each.id) for each in contacts)


async def _act(house: House, server: Web) -> None:
    """What the agent does: after calls, and in chats; and where its calls are reported."""
    owner = {"workspace_id": house.agent.workspace_id}
    await equip(house.database, house.agent)
    await act_after(house.database, house.agent, server.url("/leads?mood={mood}"))
    settings = {
        "http_mode": "POST",
        "url": server.url("/orders"),
        "name": "look up",
        "failure_timeout": 30,
        "variables_during_the_call": [
            {"name": "order", "type": "string", "description": "Which?", "example": ""}
        ],
    }
    async with house.database.workspace(house.agent.workspace_id) as session:
        action = Action(**owner, type="CUSTOM_ACTION", name="look up", settings=settings)
        session.add(action)
        await session.flush()
        session.add(AgentAction(**owner, agent_id=house.agent.id, action_id=action.id, position=5))
        await session.execute(update(Agent).values(external_webhook_url=server.url("/hook")))


async def _begun_chats(house: House) -> list[str]:
    chats = [f"chat-{n}" for n in range(CHATS)]
    async with house.database.workspace(house.agent.workspace_id) as session:
        session.add_all(
            Chat(
                workspace_id=house.agent.workspace_id,
                id=each,
                agent_id=house.agent.id,
                status="ongoing",
                variables={"user_phone_number": next(house.numbers), "name": each},
                results={},
            )
            for each in chats
        )
    return chats


@pytest.mark.timeout(600)
async def test_nothing_is_lost_and_nothing_comes_twice_unseen(house: House) -> None:
    dice = random.Random(house.seed)

    def answer(asked: Asked) -> bytes:
        if asked.target == "/hook" and dice.random() < FAILING:
            return response(dice.choice([500, 503, 429, 408]))
        return response(200, b"{}")

    async def never() -> bool:
        return False

    async def written() -> bool:
        return all(each.done() for each in writing)

    async with web() as server:
        server.answer = answer
        await _knows(house)
        await _act(house, server)
        writing = [asyncio.create_task(house.write(each)) for each in await _begun_chats(house)]
        await asyncio.gather(
            house.kill_often("worker", 200, house.worker, partial(house.is_so, _WORK_IS_DONE)),
            house.kill_often("api", 40, house.api, written),
            house.kill_often("voice", 30, house.voice, never),
        )
        async with _kept(house.worker), _kept(house.api):
            await asyncio.gather(*writing)
            await house.settled()
        await _check_calls(house, server)
        await _check_chats(house, server)
    async with house.database.system() as session:
        assert await session.scalar(_FAILED_JOBS) == 0


async def _check_calls(house: House, server: Web) -> None:
    async with house.database.system() as session:
        calls = (await session.scalars(select(Call))).all()
        deliveries = {each.call_id: each for each in await session.scalars(select(WebhookDelivery))}
        steps: dict[UUID, dict[str, str]] = defaultdict(dict)
        for step in await session.scalars(select(AfterCallStep)):
            steps[step.call_id][step.step.partition(":")[0]] = step.state
        actions = await session.scalars(select(AfterCallStep).where(AfterCallStep.step.startswith("action:")))
        owed = {f"{each.call_id}:{each.step.partition(':')[2]}" for each in actions}
    assert sum(call.status == "completed" for call in calls) >= CALLS * KILLS["worker"]
    sent = defaultdict(list)
    for asked in server.asked:
        if asked.target == "/hook":
            sent[UUID(json.loads(asked.body)["call"]["call_id"])].append(asked)
    assert sent.keys() == deliveries.keys() == {call.id for call in calls}
    for call in calls:
        delivery = deliveries[call.id]
        assert delivery.state == "delivered"
        assert {asked.headers["webhook-id"] for asked in sent[call.id]} == {str(delivery.id)}
        assert {asked.body for asked in sent[call.id]} == {delivery.body}
        assert set(steps[call.id].values()) <= {"done"}, steps[call.id]
        if call.status == "completed":
            assert steps[call.id].keys() == {"judge", "memory", "extractors", "evaluation", "action"}
            _check_record(call, json.loads(delivery.body))
    assert {each.headers["idempotency-key"] for each in server.asked if "/leads" in each.target} == owed
    for call in calls:
        facts = await _facts(house, str(call.id))
        assert facts == 1 if call.status == "completed" else facts <= 1


def _check_record(call: Call, told: dict[str, Any]) -> None:
    """What was found is on the record once, and the webhook told of that and of nothing else."""
    assert call.executed_actions.keys() == {"info_extractor_mood", "friendly", "Tell the CRM"}
    assert {each["error_message"] for each in call.executed_actions.values()} == {""}
    assert call.collected_variables[str(call.agent_id)]["mood"]["collected"] is True
    assert call.judge_results is not None and "Said" in call.judge_results["all_feedback"]
    assert told["executed_actions"] == call.executed_actions
    assert told["analysis"] == call.judge_results


async def _check_chats(house: House, server: Web) -> None:
    async with house.database.system() as session:
        chats = (await session.scalars(select(Chat))).all()
        rows = (await session.scalars(select(ChatMessage).order_by(ChatMessage.seq))).all()
    for chat in chats:
        assert (chat.status, chat.claim) == ("completed", None)
        said = [each.message for each in rows if each.chat_id == chat.id and each.message["role"] != "tool"]
        answers = ("It is there.", "It is there.", "Goodbye!")
        talk = [words for pair in zip(SAID, answers, strict=True) for words in pair]
        assert [each["content"] for each in said if each["content"]] == talk
        assert await _facts(house, chat.id) == 1
    asked = [each for each in server.asked if each.target == "/orders"]
    runs = {each.headers["idempotency-key"] for each in asked}
    assert len(runs) == CHATS * (len(SAID) - 1)
    assert len({(each.headers["idempotency-key"], each.body) for each in asked}) == len(runs)


async def _facts(house: House, source: str) -> int:
    async with house.database.system() as session:
        return len((await session.scalars(select(MemoryFact).where(MemoryFact.source == source))).all())
