"""Sessions at the level `line`: the worker announces a real call, has it judged by its record, and ends it in any case."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from tests.resources.api import BOX, Api, serve
from tests.resources.simulations.conftest import line_calls_of, make_case, means_of
from tests.resources.simulations.test_sessions import SESSIONS, agent_of, begin, details, ruled_case, runs_of
from trunkline.errors import Unavailable
from trunkline.platform.storage import system
from trunkline.platform.storage.database import Database
from trunkline.resources.calls.announced import HEADER
from trunkline.resources.calls.live import LiveCalls
from trunkline.resources.simulations.assignments import Assignment, Report, Tell, perform
from trunkline.resources.simulations.callee import CALLED, CALLER, Callee
from trunkline.resources.simulations.mocks import MockedTools
from trunkline.resources.simulations.persona import Persona
from trunkline.resources.simulations.suite_file import Level
from trunkline.resources.simulations.tasks import SimulationTasks
from trunkline.resources.simulations.text_level import OnEvent
from trunkline.resources.simulations.trials import Observed, Play, Subject
from trunkline.resources.simulations.voice_call import VoiceCall
from trunkline.resources.workspaces.models import Workspace
from trunkline.voice.answers import Answers
from trunkline.voice.conversation.events import Kind, Note
from trunkline.voice.conversation.profile import Profile
from trunkline.voice.driver.ports import RunTool
from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.language.twins import ScriptedLanguageModel

ADDRESS = "127.0.0.1:5062"
REAL = {"level": "line", "tools": "real"}
NOTES = [
    Note(0, Kind.STARTED, {}),
    Note(
        900, Kind.AGENT_SAID, {"text": "Hello Ann.", "reply": 1, "start_ms": 0, "end_ms": 900, "cut": False}
    ),
    Note(2000, Kind.CALLER_SAID, {"text": "Bye.", "segments": [1], "start_ms": 1100, "end_ms": 2000}),
    Note(2100, Kind.TURN, {"turn": 1, "t0_ms": 2000}),
    Note(4600, Kind.ENDED, {"reason": "human_ended", "detail": ""}),
]


class VoiceHost:
    """A host in the database, and the calls that it takes there."""

    def __init__(self, api: Api) -> None:
        self.id = uuid4()
        self._live = LiveCalls(api.database, BOX)
        self._workspace = api.workspace.id

    async def take(self, call_id: str) -> None:
        """The INVITE of a call has come and was answered."""
        headers = {HEADER: call_id}
        await self._live.open_inbound(
            dialled=CALLED, caller=CALLER, host=self.id, sip_call_id="abc", headers=headers
        )
        await self._live.answered(UUID(call_id))

    async def finish(self, call_id: str) -> None:
        """It is over, and its record there."""
        await self._live.append(self._workspace, UUID(call_id), 0, NOTES)
        await self._live.finish(UUID(call_id))


async def voice_host(api: Api) -> VoiceHost:
    host = VoiceHost(api)
    async with api.database.system() as session:
        await system.register_node(
            session,
            str(host.id),
            role="voice",
            control_url="http://127.0.0.1:1",
            sip_address=ADDRESS,
            capacity=2,
        )
    return host


Dial = Callable[[str], Awaitable[None]]
"""What is done with a call of this id."""


class Dials:
    """Fulfils tasks.Player, by JSON both ways as a child does."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial

    async def play(self, assignment: Assignment, tell: Tell, run_tool: RunTool) -> Report:
        asked = Assignment.model_validate_json(assignment.model_dump_json(exclude_unset=True))
        report = await perform(asked, _OnLine(self._dial), ScriptedLanguageModel(), tell, run_tool)
        return Report.model_validate_json(report.model_dump_json(exclude_unset=True))


class _OnLine:
    """Fulfils assignments.Levels with one level."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial

    async def play(
        self,
        level: Level,
        subject: Subject,
        model: LanguageModel,
        answers: Answers,
        on_event: OnEvent,
        callee: Callee | None,
    ) -> Play:
        assert level is Level.LINE
        assert callee is not None

        async def play(
            agent: Profile, persona: Persona, mocks: MockedTools, max_turns: int, seed: int, calls: bool
        ) -> Observed:
            expected = await callee.announce({})
            assert expected.sip_address == ADDRESS
            await self._dial(expected.call_id)
            notes = await callee.notes(expected.call_id)
            return Observed(VoiceCall(tuple(notes), (), b"", 4600, "human_ended").happenings)

        return play


async def greeted(api: Api) -> str:
    """A case that wants to be greeted by name, judged by rules alone."""
    case = await make_case(api, success_criteria=[])
    rules = [{"rule": "said", "pattern": "Hello Ann"}, {"rule": "ended_by", "reason": "human_ended"}]
    await api.send("PUT", f"/trunkline/v1/simulation_cases/{case}/details", json={"rules": rules})
    return case


async def started(api: Api) -> dict[str, Any]:
    """A session of one real call; its only run."""
    session = await begin(
        api, await agent_of(api), await greeted(api), custom_variables={"who": "Ann"}, **REAL
    )
    [run] = await runs_of(api, session)
    return run


async def work(api: Api, run: dict[str, Any], player: Dials) -> dict[str, Any]:
    tasks = SimulationTasks(means_of(api), api.blobs, player, line_calls_of(api))
    await tasks.run_simulation(run["simulation_id"], run["workspace_id"])
    return await details(api, run["simulation_id"])


async def only_call(api: Api) -> dict[str, Any]:
    (call,) = (await api.send("GET", "/v2/calls"))["response"]["calls"]
    found: dict[str, Any] = call
    return found


async def test_a_real_call_is_announced_and_judged_by_its_record(api: Api) -> None:
    host = await voice_host(api)
    run = await started(api)

    async def call(call_id: str) -> None:
        await host.take(call_id)
        await host.finish(call_id)

    done = await work(api, run, Dials(call))
    assert (done["status"], done["level"], done["outcome"]) == ("completed", "line", "pass"), done
    assert [(turn["who"], turn["text"]) for turn in done["happened"]["turns"]] == [
        ("agent", "Hello Ann."),
        ("caller", "Bye."),
    ]
    shown = await only_call(api)
    assert (shown["call_status"], shown["phone_number_from"], shown["prompt_variables"]) == (
        "completed",
        CALLER,
        {"who": "Ann"},
    )
    refused = await api.refused("POST", f"/trunkline/v1/simulations/{run['simulation_id']}/replay")
    assert "cannot be replayed" in refused


async def test_a_call_that_was_never_dialled_is_given_up(api: Api) -> None:
    await voice_host(api)
    run = await started(api)

    async def fail(call_id: str) -> None:
        raise Unavailable("nobody answers")

    with pytest.raises(Unavailable):
        await work(api, run, Dials(fail))
    shown = await only_call(api)
    assert shown["call_status"] == "failed"
    assert "ended before it was dialled" in shown["error_message"]


async def test_a_call_that_is_still_on_is_hung_up(database: Database, workspace: Workspace) -> None:
    asked: list[tuple[str, str]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append((request.method, request.url.path))
        return httpx2.Response(200, json={})

    async with serve(database, workspace, httpx2.MockTransport(answer)) as api:
        host = await voice_host(api)
        run = await started(api)

        async def leave(call_id: str) -> None:
            await host.take(call_id)
            raise Unavailable("the caller was killed")

        with pytest.raises(Unavailable):
            await work(api, run, Dials(leave))
        assert asked == [("POST", f"/calls/{(await only_call(api))['call_id']}/hangup")]


async def test_an_agent_that_was_changed_meanwhile_is_not_called(api: Api) -> None:
    await voice_host(api)
    run = await started(api)
    changed = {"agent": {"prompt": "Book tables for three."}}
    await api.send("PUT", f"/v2/assistants/{run['target_agent_id']}", json=changed)

    async def never(call_id: str) -> None:
        raise AssertionError

    done = await work(api, run, Dials(never))
    assert (done["status"], done["error_info"]["code"], done["error_info"]["type"]) == (
        "failed",
        409,
        "agent",
    )
    assert (await api.send("GET", "/v2/calls"))["response"]["calls"] == []


async def test_without_room_it_is_begun_again(api: Api) -> None:
    run = await started(api)

    async def never(call_id: str) -> None:
        raise AssertionError

    for _ in range(3):
        with pytest.raises(Unavailable, match="No voice host has room"):
            await work(api, run, Dials(never))
    done = await work(api, run, Dials(never))
    assert (done["status"], done["tries"]) == ("failed", 4)


async def test_what_a_real_call_cannot_be_is_refused(api: Api) -> None:
    agent, case = await agent_of(api), await greeted(api)
    await api.send("PUT", f"/v2/assistants/{agent}", json={"agent": {"prompt": "Be kind."}})
    machine = await make_case(api)
    recorded = {"persona": {"recorded": {"says": "Leave a message."}}}
    await api.send("PUT", f"/trunkline/v1/simulation_cases/{machine}/details", json=recorded)
    good = {"simulation_case_ids": [case], "target_agent_id": agent, **REAL}
    for changes, hint in (
        ({"tools": "mocked"}, "tools: real"),
        ({"target_agent_id": await api.agent()}, "persona is the one who calls"),
        ({"agent_version": "1"}, "as it is now"),
        ({"against_version": "1"}, "as it is now"),
        ({"simulation_case_ids": [await ruled_case(api)]}, "mocks tools"),
        ({"simulation_case_ids": [machine]}, "is a machine"),
    ):
        assert hint in await api.refused("POST", SESSIONS, 400, json={**good, **changes})
