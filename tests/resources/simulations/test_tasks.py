"""The job of a run: the talk, the verdict, and what happens when it is begun more than once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import pytest

from tests.resources.api import Api
from tests.resources.simulations.conftest import (
    BYE,
    Here,
    call_script,
    holds,
    line_calls_of,
    make_case,
    make_suite,
    means_of,
    start,
    tasks_of,
)
from trunkline.errors import Unavailable
from trunkline.platform.storage.embedded import EmbeddedPostgres
from trunkline.platform.work.jobs import Jobs, Queue
from trunkline.resources.simulations import timeline
from trunkline.resources.simulations.assignments import Assignment, Report, Tell
from trunkline.resources.simulations.happenings import Said
from trunkline.resources.simulations.run_repository import RunRepository
from trunkline.resources.simulations.tasks import MOST_TRIES, SimulationTasks
from trunkline.voice.driver.ports import RunTool
from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.language.twins import Line, ScriptedLanguageModel

PATIENCE_S = 20.0


async def begin(api: Api, *, agent: dict[str, Any] | None = None, **case: Any) -> dict[str, Any]:
    """A run that nobody has worked on."""
    settings = {"prompt": "You serve {who}.", "greeting_message": "Hello {who}.", **(agent or {})}
    return await start(
        api,
        await make_case(api, **case),
        await api.agent(agent=settings),
        custom_variables={"who": "Ann"},
    )


async def work(api: Api, run: dict[str, Any], model: LanguageModel) -> dict[str, Any]:
    """The job, once; what the run says afterwards."""
    await tasks_of(api, model).run_simulation(run["simulation_id"], run["workspace_id"])
    return await read(api, run)


async def read(api: Api, run: dict[str, Any]) -> dict[str, Any]:
    answer = await api.send("GET", f"/v2/simulations/{run['simulation_id']}")
    holds(answer, "GET", "/simulations/{simulation_id}")
    found: dict[str, Any] = answer["response"]
    return found


def said(run: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(item["sender_type"], item["type"], item["value"]) for item in run["timeline"]]


def system_prompts(model: ScriptedLanguageModel) -> list[str]:
    return [messages[0]["content"] for messages in model.asked]


# ---- the talk ------------------------------------------------------------------------------------------


async def test_agent_and_persona_talk_and_each_criterion_is_judged(api: Api) -> None:
    run = await begin(api)
    model = call_script(
        ["For two? Done."],
        ["A table for two.", Line("Thank you, bye.", tool="end_call")],
        [(True, "It said hello."), (False, "It named no hour.")],
    )
    done = await work(api, run, model)
    assert done["status"] == "completed"
    assert said(done) == [
        ("bot", "message", "Hello Ann."),
        ("human", "message", "A table for two."),
        ("bot", "message", "For two? Done."),
        ("human", "message", "Thank you, bye."),
        ("system", "event", "The persona ended the call."),
    ]
    assert done["success_criteria_analysis"] == {
        "success": False,
        "evaluations": [
            {"success": True, "reasoning": "It said hello."},
            {"success": False, "reasoning": "It named no hour."},
        ],
    }
    assert done["error_info"] is None
    assert all(float(item["timestamp"]) > 1_700_000_000 for item in done["timeline"])
    assert done["updated_at"] > run["updated_at"]


async def test_prompt_persona_and_criteria_know_the_variables_and_the_language(api: Api) -> None:
    agent = await api.agent(agent={"prompt": "You serve {who}.", "greeting_message": "Hi."})
    suite = await make_suite(api, agent, language="fr-FR")
    case = await make_case(
        api, suite_id=suite, prompt="You are {who}: {{who}}.", success_criteria=["It calls {who} by name."]
    )
    run = await start(api, case, agent, custom_variables={"who": "Ann"})
    model = call_script(["Yes."], ["No.", BYE], [(True, "Yes.")])
    await work(api, run, model)
    persona, ours, *_, judge = system_prompts(model)
    assert "You are Ann: Ann." in persona
    assert "in the language fr-FR" in persona
    assert "The agent has called you." in persona
    assert ours.startswith("You serve Ann.")
    assert "You judge" in judge
    asked = model.asked[-1][-1]["content"]
    assert "1. It calls Ann by name." in asked
    assert "agent: Hi.\ncaller: No.\nagent: Yes.\ncaller: Goodbye." in asked


async def test_a_persona_calls_an_inbound_agent(api: Api) -> None:
    agent = await api.agent(type="inbound", agent={"prompt": "Help.", "greeting_message": "Hi."})
    model = call_script([], [BYE])
    await work(api, await start(api, await make_case(api), agent), model)
    assert "You have called the agent." in system_prompts(model)[0]


@pytest.mark.parametrize(
    ("verdicts", "success"),
    [([(True, ""), (False, "")], True), ([(False, ""), (False, "")], False)],
)
async def test_any_criterion_may_do(api: Api, verdicts: list[tuple[bool, str]], success: bool) -> None:
    run = await begin(api, call_success_type="any")
    done = await work(api, run, call_script([], [BYE], verdicts))
    assert done["success_criteria_analysis"]["success"] is success


async def test_all_hold(api: Api) -> None:
    done = await work(api, await begin(api), call_script([], [BYE]))
    assert done["success_criteria_analysis"]["success"] is True


async def test_without_criteria_there_is_no_verdict(api: Api) -> None:
    model = call_script([], [BYE])
    done = await work(api, await begin(api, success_criteria=[]), model)
    assert (done["status"], done["success_criteria_analysis"]) == ("completed", None)
    assert len(model.asked) == 1


async def test_the_agent_may_end_the_call(api: Api) -> None:
    done = await work(api, await begin(api), call_script([BYE], ["No, thanks."]))
    assert said(done)[-2:] == [
        ("bot", "message", "Goodbye."),
        ("system", "event", "The agent ended the call."),
    ]


async def test_the_longest_talk_is_ended(api: Api) -> None:
    agent = await api.agent(agent={"prompt": "Help.", "greeting_message": "Hi."})
    suite = await make_suite(api, agent)
    await make_case(api, suite_id=suite)
    await api.send("POST", f"/v2/simulation_suites/{suite}/execute?target_agent_id={agent}&max_turns=10")
    [run] = (await api.send("GET", "/v2/simulations"))["response"]["items"]
    done = await work(api, run, call_script(["Well."] * 9, ["So."] * 10))
    assert done["status"] == "completed"
    assert len(done["timeline"]) == 21
    assert said(done)[-1] == ("system", "event", "The call was ended after 10 turns of each side.")


async def test_who_speaks_first(api: Api) -> None:
    dynamic = await begin(api, agent={"greeting_message_mode": "agent_dynamic"})
    done = await work(api, dynamic, call_script(["Good morning."], [BYE]))
    assert said(done)[0] == ("bot", "message", "Good morning.")
    human = await begin(api, agent={"greeting_message_mode": "human"})
    done = await work(api, human, call_script([], [BYE]))
    assert said(done)[:2] == [("human", "message", "Hello?"), ("bot", "message", "Hello Ann.")]
    silent = await begin(api, agent={"greeting_message": ""})
    done = await work(api, silent, call_script(["Who is it?"], [BYE]))
    assert said(done)[0] == ("bot", "message", "Who is it?")


# ---- begun more than once ------------------------------------------------------------------------------


async def test_a_run_that_is_over_is_left_alone(api: Api) -> None:
    run = await begin(api)
    done = await work(api, run, call_script([], [BYE]))
    model = call_script([], [BYE])
    assert await work(api, run, model) == done
    assert model.asked == []
    other = {**run, "simulation_id": "00000000-0000-4000-8000-000000000000"}
    await tasks_of(api, model).run_simulation(other["simulation_id"], run["workspace_id"])
    assert model.asked == []


async def test_a_failing_model_is_tried_again_and_at_last_the_run_fails(api: Api) -> None:
    run = await begin(api)
    broken = ScriptedLanguageModel(Line(fail="the model is out"))
    for _ in range(MOST_TRIES - 1):
        with pytest.raises(Unavailable, match="the model is out"):
            await work(api, run, broken)
        assert (await read(api, run))["status"] == "in-progress"
    done = await work(api, run, broken)
    assert done["status"] == "failed"
    assert done["error_info"] == {"message": "the model is out", "code": 503, "type": "language_model"}
    assert done["success_criteria_analysis"] is None
    session = await api.send("GET", f"/v2/sessions/{run['simulation_session_id']}")
    counts = session["response"]
    assert (counts["failed_simulations"], counts["pending_simulations"]) == (1, 0)


async def test_a_try_after_a_failure_begins_anew(api: Api) -> None:
    run = await begin(api)
    with pytest.raises(Unavailable):
        await work(api, run, call_script([Line(fail="out")], ["Hello?"]))
    done = await work(api, run, call_script([], [BYE]))
    assert [value for _, _, value in said(done)] == ["Hello Ann.", "Goodbye.", "The persona ended the call."]


async def test_a_run_whose_workers_all_died_fails(api: Api) -> None:
    run = await begin(api)
    for _ in range(MOST_TRIES):
        await take_over(api, run)
    model = call_script([], [BYE])
    done = await work(api, run, model)
    assert (done["status"], done["error_info"]["type"]) == ("failed", "interrupted")
    assert model.asked == []


async def take_over(api: Api, run: dict[str, Any]) -> None:
    """Another worker begins it."""
    async with api.database.workspace(api.workspace.id) as session:
        assert await RunRepository(session, api.workspace.id).begin(UUID(run["simulation_id"])) is not None


class Endless:
    """Fulfils tasks.Player: says something, and never comes to an end."""

    def __init__(self) -> None:
        self.plays = asyncio.Event()
        self.ended = asyncio.Event()

    async def play(self, assignment: Assignment, tell: Tell, run_tool: RunTool) -> Report:
        tell(timeline.of_event(Said("agent", "Hello Ann."), timeline.now()))
        self.plays.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        raise AssertionError


@contextlib.asynccontextmanager
async def endless(api: Api, run: dict[str, Any]) -> AsyncIterator[Endless]:
    """A run that somebody plays; over when the worker has let go of it."""
    player = Endless()
    tasks = SimulationTasks(means_of(api), api.blobs, player, line_calls_of(api))
    working = asyncio.create_task(tasks.run_simulation(run["simulation_id"], run["workspace_id"]))
    async with asyncio.timeout(PATIENCE_S):
        await player.plays.wait()
        yield player
        await working
    assert player.ended.is_set()


async def test_what_happens_is_told_as_it_happens_and_a_worker_taken_for_dead_stops(api: Api) -> None:
    run = await begin(api)
    async with endless(api, run):
        while True:
            if (await read(api, run))["timeline"]:
                break
            await asyncio.sleep(0.05)
        assert said(await read(api, run)) == [("bot", "message", "Hello Ann.")]
        await take_over(api, run)
    assert (await read(api, run))["status"] == "in-progress", "the other one goes on"
    done = await work(api, run, call_script([], [BYE]))
    assert done["status"] == "completed"


async def test_a_run_that_takes_too_long_is_ended(api: Api) -> None:
    case = await make_case(api)
    body = {"simulation_case_ids": [case], "target_agent_id": await api.agent(), "caps": {"run_seconds": 1}}
    session = await api.send("POST", "/trunkline/v1/simulation_sessions", json=body)
    opened = await api.send("GET", f"/v2/sessions/{session['simulation_session_id']}")
    [run] = opened["response"]["simulations"]
    async with endless(api, run):
        pass
    done = await read(api, run)
    assert (done["status"], done["error_info"]["type"]) == ("failed", "timeout")


async def test_a_run_that_is_cancelled_is_ended(api: Api) -> None:
    run = await begin(api)
    async with endless(api, run):
        path = f"/trunkline/v1/simulation_sessions/{run['simulation_session_id']}/cancel"
        cancelled = await api.send("POST", path)
    assert cancelled["status"] == "cancelled"
    done = await read(api, run)
    assert (done["status"], done["error_info"]["type"]) == ("failed", "cancelled")


async def test_a_worker_that_was_taken_for_dead_gives_no_verdict(api: Api) -> None:
    run = await begin(api)

    class Overtaken(Here):
        """Overtaken when it has its verdict."""

        async def play(self, assignment: Assignment, tell: Tell, run_tool: RunTool) -> Report:
            report = await super().play(assignment, tell, run_tool)
            await take_over(api, run)
            return report

    first = Overtaken(call_script([], [BYE], [(True, "first"), (True, "first")]))
    tasks = SimulationTasks(means_of(api), api.blobs, first, line_calls_of(api))
    await tasks.run_simulation(run["simulation_id"], run["workspace_id"])
    after = await read(api, run)
    assert (after["status"], after["success_criteria_analysis"]) == ("in-progress", None)
    done = await work(api, run, call_script([], [BYE], [(True, "second"), (True, "second")]))
    assert done["success_criteria_analysis"]["evaluations"][0]["reasoning"] == "second"


async def test_a_judge_that_cannot_tell_is_no_success(api: Api) -> None:
    run = await begin(api, success_criteria=["It is kind."])

    def rule(messages: Sequence[dict[str, Any]]) -> Any:
        if "You judge" not in messages[0]["content"]:
            return BYE
        return {"criterion_1": {"quote": "", "reasoning": "Nobody says.", "verdict": "cannot_tell"}}

    done = await work(api, run, ScriptedLanguageModel(rule=rule))
    assert done["success_criteria_analysis"] == {
        "success": False,
        "evaluations": [{"success": False, "reasoning": "Cannot tell: Nobody says."}],
    }


async def test_the_job_engine_does_it(api: Api, postgres: EmbeddedPostgres) -> None:
    agent = await api.agent(agent={"prompt": "Help.", "greeting_message": "Hi."})
    suite = await make_suite(api, agent)
    for n in range(5):
        await make_case(api, name=f"Case {n}", suite_id=suite)
    begun = await api.send("POST", f"/v2/simulation_suites/{suite}/execute?target_agent_id={agent}")
    jobs = Jobs(postgres.app_url, Queue.SIMULATIONS, heartbeat_s=0.1, stalled_s=0.5)
    tasks_of(api, call_script([], [BYE] * 5)).register(jobs)
    worker = asyncio.create_task(jobs.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                session = (await api.send("GET", f"/v2/sessions/{begun['session_id']}"))["response"]
                if session["pending_simulations"] == 0:
                    break
                await asyncio.sleep(0.05)
    finally:
        worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await worker
    assert session["completed_simulations"] == 5
