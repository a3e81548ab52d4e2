"""Who may use the local model when."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.voice.language.served import served
from trunkline.voice.language.gate import Gate, Turns
from trunkline.voice.scripted.script import ChatScript, Script
from trunkline.voice.scripted.server import ScriptedServer


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


class _Work:
    """Background work that ends when told and counts its beginnings."""

    def __init__(self) -> None:
        self.begun = 0
        self.broken = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> None:
        self.begun += 1
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.broken += 1
            raise


async def test_live_turns_run_side_by_side_as_far_as_there_are_slots() -> None:
    turns = Turns(2)
    inside: list[int] = []
    leave = [asyncio.Event() for _ in range(3)]

    async def live(number: int) -> None:
        async with turns.live():
            inside.append(number)
            await leave[number].wait()

    tasks = [asyncio.create_task(live(number)) for number in range(3)]
    await _settle()
    assert inside == [0, 1]
    leave[0].set()
    await _settle()
    assert inside == [0, 1, 2]
    for each in leave:
        each.set()
    await asyncio.gather(*tasks)


async def test_background_work_waits_for_live_turns() -> None:
    turns, work = Turns(2), _Work()
    async with turns.live():
        task = asyncio.create_task(turns.background(work))
        await _settle()
        assert work.begun == 0
    await _settle()
    assert work.begun == 1
    work.may_end.set()
    await task


async def test_background_work_is_broken_off_for_a_live_turn_and_begun_again() -> None:
    turns, work = Turns(2), _Work()
    task = asyncio.create_task(turns.background(work))
    await _settle()
    async with turns.live():
        await _settle()
        assert (work.begun, work.broken) == (1, 1)
    await _settle()
    assert work.begun == 2
    work.may_end.set()
    await task


async def test_background_work_runs_one_at_a_time() -> None:
    turns, first, second = Turns(2), _Work(), _Work()
    tasks = [asyncio.create_task(turns.background(each)) for each in (first, second)]
    await _settle()
    assert (first.begun, second.begun) == (1, 0)
    first.may_end.set()
    second.may_end.set()
    await asyncio.gather(*tasks)
    assert second.begun == 1


async def test_background_work_whose_client_left_ends() -> None:
    turns, work = Turns(2), _Work()
    task = asyncio.create_task(turns.background(work))
    await _settle()
    task.cancel()
    await asyncio.wait({task})
    await _settle()
    assert work.broken == 1
    other = _Work()
    other.may_end.set()
    await turns.background(other)


async def test_faults_of_background_work_come_out() -> None:
    async def broken() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await Turns(1).background(broken)


class _Running:
    """The gate on a port, in front of a scripted endpoint."""

    def __init__(self, upstream: ScriptedServer, url: str) -> None:
        self.upstream = upstream
        self.url = url


@pytest.fixture
async def running() -> AsyncIterator[_Running]:
    script = Script(llm=ChatScript(token_ms=20, default="one two three four five six seven eight nine ten"))
    with ScriptedServer(script) as upstream:
        gate = Gate(upstream.base_url.removesuffix("/v1"), slots=2)
        async with served(gate) as url:
            yield _Running(upstream, url)
        await gate.close()


def _ask(stream: bool) -> dict[str, object]:
    return {"model": "m", "stream": stream, "messages": [{"role": "user", "content": "Count."}]}


async def test_a_live_answer_streams_through(running: _Running) -> None:
    async with (
        httpx2.AsyncClient(base_url=running.url) as client,
        client.stream("POST", "/v1/chat/completions", json=_ask(stream=True)) as answer,
    ):
        blocks = [block async for block in answer.aiter_bytes()]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert len(blocks) > 3
    assert b"[DONE]" in blocks[-1]


async def test_a_background_answer_comes_whole(running: _Running) -> None:
    async with httpx2.AsyncClient(base_url=running.url) as client:
        headers = {"X-Trunkline-Priority": "background"}
        answer = await client.post("/v1/chat/completions", json=_ask(stream=False), headers=headers)
    assert "ten" in answer.json()["choices"][0]["message"]["content"]


async def test_a_client_that_leaves_takes_its_request_with_it(running: _Running) -> None:
    async with (
        httpx2.AsyncClient(base_url=running.url) as client,
        client.stream("POST", "/v1/chat/completions", json=_ask(stream=True)) as answer,
    ):
        await anext(answer.aiter_bytes())
    async with asyncio.timeout(30):
        while not running.upstream.of("llm")[0].left:  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(0.01)


async def test_health_and_faults(running: _Running) -> None:
    async with httpx2.AsyncClient(base_url=running.url) as client:
        assert (await client.get("/health")).json() == {"status": "ok"}
        assert (await client.post("/v1/chat/completions", content=b"x" * (5 << 20))).status_code == 413
        running.upstream.stop()
        assert (await client.post("/v1/chat/completions", json=_ask(stream=False))).status_code == 502
