"""Simulated calls in processes of their own: played, ended, and taken up again when a worker is killed."""

import asyncio
import contextlib
import multiprocessing
import os
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.resources.api import Api, serve
from tests.resources.simulations.conftest import make_case
from tests.roles import played
from trunkline.errors import Unavailable
from trunkline.platform.storage.database import Database
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.resources.simulations.assignments import Assignment
from trunkline.resources.simulations.own_tools import OwnTool
from trunkline.resources.simulations.persona import Cue, Persona
from trunkline.resources.simulations.schemas import TimelineItem
from trunkline.resources.simulations.suite_file import Case, Planned
from trunkline.resources.workspaces.models import Workspace
from trunkline.roles.simulation_children import Children
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.driver.ports import ToolAnswer

PATIENCE_S = 60.0
RUNS = 12
KILLS = 3
AGENT = {
    "name": "Desk",
    "type": "inbound",
    "description": None,
    "settings": {"prompt": "Help.", "greeting_message": "Hi."},
    "external_webhook_url": None,
    "inbound_call_webhook_url": None,
    "is_recording": False,
    "max_duration": {},
    "voicemail_message": {},
}
ASSIGNMENT = Assignment(
    agent=AGENT,
    planned=Planned(
        case=Case.model_validate(
            {"name": "Ann", "persona": {"goal": "Leave."}, "success_criteria": ["It says goodbye."]}
        )
    ),
)


@contextlib.asynccontextmanager
async def children(how: str = "") -> AsyncIterator[Children]:
    made = Children(played.command(how))
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield made
    finally:
        await made.close()


def children_of(pid: int) -> set[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return {int(each) for each in listed.split()}


async def child_of(pid: int) -> set[int]:
    """Its children, as soon as it has one."""
    while True:
        if found := children_of(pid):
            return found
        await asyncio.sleep(0.05)


def lives(pid: int) -> bool:
    """False for one that has ended, though perhaps nobody has asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def gone(pid: int) -> None:
    """It has ended."""
    while True:
        if not lives(pid):
            return
        await asyncio.sleep(0.05)


async def test_a_process_plays_one_run_after_another() -> None:
    told: list[TimelineItem] = []
    async with children() as made:
        reports = [await made.play(ASSIGNMENT, told.append) for _ in range(2)]
        [child] = made._idle
        pid = child.process.pid
    for report in reports:
        assert report.failure is None
        assert report.trial is not None
        assert report.trial.outcome == "pass"
        assert [item.value for item in report.timeline] == ["Hi.", "Goodbye.", "The persona ended the call."]
    assert [item.value for item in told] == ["Hi.", "Goodbye."] * 2
    await gone(pid)


async def test_what_is_really_run_is_run_by_the_worker_and_the_process_is_told() -> None:
    tool = OwnTool(Tool("look_up", "Looks orders up.", {"type": "object", "properties": {"order": {}}}))
    case = ASSIGNMENT.planned.case.model_copy(
        update={"persona": Persona(script=(Cue(to="Hi", say="Where is A7?"), Cue(say="Bye.", hang_up=True)))}
    )
    asks = ASSIGNMENT.model_copy(
        update={
            "real": True,
            "tools": (tool,),
            "planned": ASSIGNMENT.planned.model_copy(update={"case": case}),
        }
    )
    ran: list[tuple[str, dict[str, Any]]] = []

    async def run(name: str, arguments: dict[str, Any]) -> ToolAnswer:
        ran.append((name, arguments))
        if len(ran) == 2:
            raise Unavailable("It is away.")
        return ToolAnswer('{"state": "shipped"}')

    async with children("asks") as made:
        reports = [await made.play(asks, lambda item: None, run) for _ in range(2)]
    assert ran == [("look_up", {"order": "A7"})] * 2
    calls = [call for each in reports if each.trial for call in each.trial.observed.happened.calls or ()]
    assert [(each.ok, each.result) for each in calls] == [
        (True, {"state": "shipped"}),
        (False, "look_up failed and was not done: It is away."),
    ]


async def test_a_run_that_is_no_longer_wanted_is_killed_whatever_it_does() -> None:
    said = asyncio.Event()
    async with children("stuck") as made:
        before = children_of(os.getpid())
        playing = asyncio.create_task(made.play(ASSIGNMENT, lambda item: said.set()))
        await said.wait()
        [pid] = children_of(os.getpid()) - before
        playing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await playing
        await gone(pid)
        assert made._idle == []


async def test_a_process_that_dies_says_so_and_the_next_run_has_another() -> None:
    async with children("dies") as made:
        for _ in range(2):
            with pytest.raises(Unavailable, match="status 3"):
                await made.play(ASSIGNMENT, lambda item: None)


async def test_kill_9_of_the_worker_loses_no_run_and_doubles_none(
    database: Database, postgres: EmbeddedPostgres, workspace: Workspace, tmp_path: Path
) -> None:
    seed = int(os.environ.get("TRUNKLINE_SEED", random.randrange(2**32)))
    sys.stdout.write(f"TRUNKLINE_SEED={seed}\n")
    dice = random.Random(seed)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([played.__name__])
    arguments = (postgres.app_url, str(tmp_path))
    async with serve(database, workspace) as api, asyncio.timeout(2 * PATIENCE_S):
        session = await _begun(api)
        orphans: set[int] = set()
        for _ in range(KILLS):
            worker = processes.Process(target=played.work, args=arguments)
            worker.start()
            assert worker.pid is not None
            orphans |= await child_of(worker.pid)
            await asyncio.sleep(dice.uniform(0.2, 1.5))
            worker.kill()
            await asyncio.to_thread(worker.join)
        for pid in orphans:
            await gone(pid)
        worker = processes.Process(target=played.work, args=arguments)
        worker.start()
        try:
            done = await _over(api, session)
        finally:
            worker.kill()
            await asyncio.to_thread(worker.join)
        assert done["runs"] == {"total": RUNS, "queued": 0, "running": 0, "completed": RUNS, "failed": 0}
        assert done["result"]["passed"]
        runs = (await api.send("GET", f"/v2/sessions/{session}"))["response"]["simulations"]
        for run in runs:
            assert [item["value"] for item in run["timeline"]] == [
                "Hi.",
                "Goodbye.",
                "The persona ended the call.",
            ]


async def _begun(api: Api) -> str:
    agent = await api.agent(type="inbound", agent=AGENT["settings"])
    case = await make_case(api, prompt="Leave.", success_criteria=["It says goodbye."])
    body = {"simulation_case_ids": [case], "target_agent_id": agent, "repeats": RUNS}
    begun = await api.send("POST", "/trunkline/v1/simulation_sessions", json=body)
    return str(begun["simulation_session_id"])


async def _over(api: Api, session: str) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = await api.send("GET", f"/trunkline/v1/simulation_sessions/{session}")
        if found["status"] != "in-progress":
            return found
        await asyncio.sleep(0.1)
