"""Actions in whole calls: run by a model's word, against a real server, and on the record."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tests.host.rig import Rig, parrot
from tests.platform.outbound.web import response, web
from tests.resources.calls.conftest import NUMBER
from trunkline.resources.actions.models import Action, AgentAction
from trunkline.resources.agents.models import Agent
from trunkline.resources.calls.models import Call
from trunkline.resources.webhooks.models import WebhookLog
from trunkline.voice.language.twins import Line as ScriptedReply

LOOK_UP: dict[str, Any] = {
    "http_mode": "POST",
    "url": "",
    "name": "look up order",
    "failure_timeout": 30,
    "variables_before_the_call": [{"key": "shop", "value": "Rome"}],
    "variables_during_the_call": [
        {"name": "order", "type": "string", "description": "The number.", "example": "A1"}
    ],
}


async def attach(rig: Rig, agent: Agent, url: str, phase: str = "during", **changes: Any) -> UUID:
    """Give the agent a custom action."""
    settings = {**LOOK_UP, "url": url, **changes}
    async with rig.database.workspace(agent.workspace_id) as session:
        action = Action(
            workspace_id=agent.workspace_id,
            type="CUSTOM_ACTION",
            name=settings["name"],
            description="Looks an order up.",
            settings=settings,
        )
        session.add(action)
        await session.flush()
        session.add(
            AgentAction(
                workspace_id=agent.workspace_id,
                agent_id=agent.id,
                action_id=action.id,
                position=0,
                attachment_type=phase,
                input_variables_mapping=[],
            )
        )
        return action.id


async def ended(rig: Rig) -> tuple[Call, list[WebhookLog]]:
    """The one call there was, and its logs."""
    await rig.until(lambda: not rig.host.live())
    async with rig.database.system() as session:
        logs = (await session.scalars(select(WebhookLog).order_by(WebhookLog.requested_at))).all()
        return (await session.execute(select(Call))).scalar_one(), list(logs)


async def test_a_custom_action_runs_when_the_model_calls_it_and_is_on_the_record(
    rig: Rig, agent: Agent
) -> None:
    async with web() as server:
        server.answer = response(200, b'{"state": "shipped"}', Content_Type="application/json")
        action = await attach(rig, agent, server.url("/orders"))

        def answers(messages: Any) -> ScriptedReply:
            last = messages[-1]
            if last["role"] == "tool":
                return ScriptedReply(f"It is {json.loads(last['content'])['state']}.")
            if "order" in last["content"]:
                wanted = {"order": "A7", "shop": "Paris", "call_id": "other", "admin": True}
                return ScriptedReply(tool="look_up_order", arguments=wanted)
            return parrot(messages)

        rig.answers = answers
        caller = await rig.call(NUMBER)
        await rig.until(lambda: bool(rig.host.live()))
        caller.say("where is my order")
        await rig.until(lambda: "It is shipped." in caller.heard)
        await caller.line.hang_up()
        call, logs = await ended(rig)
        (asked,) = server.asked
    assert json.loads(asked.body) == {"shop": "Rome", "order": "A7"}
    (name,) = call.executed_actions
    run = call.executed_actions[name]
    assert (name, run["action_type"]) == ("look up order", "custom_function_action_type")
    assert run["description"] == "Looks an order up."
    assert json.loads(run["parameters_hard_coded"]) == {"shop": "Rome"}
    assert json.loads(run["parameters_from_llm"]) == {"order": "A7"}
    assert json.loads(run["return_value"]) == {"state": "shipped"}
    assert run["error_message"] == ""
    (log,) = logs
    assert (log.kind, log.status, log.answer_status) == ("custom_action", "success", 200)
    assert (log.call_id, log.agent_id, log.action_id) == (call.id, agent.id, action)


def _asks_once(messages: Any) -> ScriptedReply:
    """Calls the tool when an order is spoken of, and says what came of it."""
    last = messages[-1]
    if last["role"] == "tool":
        return ScriptedReply("It failed." if "error" in last["content"] else "It went well.")
    if "order" in last["content"]:
        return ScriptedReply(tool="look_up_order", arguments={"order": "A7"})
    return parrot(messages)


async def test_a_server_that_hangs_is_given_up_and_the_call_goes_on(rig: Rig, agent: Agent) -> None:
    rig.answers = _asks_once
    async with web() as server:
        server.answer = None
        await attach(rig, agent, server.url(), failure_timeout=2, message_error="That does not work.")
        caller = await rig.call(NUMBER)
        await rig.until(lambda: bool(rig.host.live()))
        caller.say("where is my order")
        await rig.until(lambda: "It failed." in caller.heard)
        assert "That does not work." in caller.heard
        caller.say("never mind")
        await rig.until(lambda: "You said never mind." in caller.heard)
        await caller.line.hang_up()
        call, logs = await ended(rig)
    run = call.executed_actions["look up order"]
    assert run["error_message"] == "no answer within 2 s"
    assert json.loads(run["return_value"])["error"] == "timeout"
    (log,) = logs
    assert (log.status, log.answer_status) == ("failed", None)
    assert log.error == "the request was given up before an answer came"
    assert log.call_id == call.id


async def test_each_run_is_on_the_record_with_its_error(rig: Rig, agent: Agent) -> None:
    rig.answers = _asks_once
    async with web() as server:
        server.answer = response(500, b'{"why": "broken"}')
        await attach(rig, agent, server.url())
        caller = await rig.call(NUMBER)
        await rig.until(lambda: bool(rig.host.live()))
        caller.say("where is my order")
        await rig.until(lambda: "It failed." in caller.heard)
        server.answer = response(200, b"{}")
        caller.say("that order again")
        await rig.until(lambda: "It went well." in caller.heard)
        await caller.line.hang_up()
        call, logs = await ended(rig)
    first, second = call.executed_actions["look up order"], call.executed_actions["look up order_2"]
    assert first["error_message"] == "The address answered 500."
    assert json.loads(first["return_value"])["answer"] == {"why": "broken"}
    assert (second["name"], second["error_message"]) == ("look up order", "")
    assert first["timestamp_datetime"] < second["timestamp_datetime"]
    assert [log.answer_status for log in logs] == [500, 200]


async def test_what_runs_before_the_call_is_there_for_prompt_greeting_and_tools(
    rig: Rig, agent: Agent
) -> None:
    async with rig.database.workspace(agent.workspace_id) as session:
        row = await session.get_one(Agent, agent.id)
        prompt = "{results.data.name} called from {user_phone_number}; they are {missing}."
        row.settings = {**row.settings, "greeting_message": "Hello {data.name}", "prompt": prompt}
    async with web() as server:
        body = b'{"data": {"name": "Anna"}, "user_phone_number": "+19005550000"}'
        server.answer = response(200, body)
        await attach(rig, agent, server.url("/who/{from_phone_number}"), phase="before", name="who")
        caller = await rig.call(NUMBER)
        await rig.until(lambda: "Hello Anna" in caller.heard)
        await caller.line.hang_up()
        call, logs = await ended(rig)
        (asked,) = server.asked
    assert asked.target == "/who/%2B15550199"
    assert json.loads(asked.body) == {"shop": "Rome", "order": None}
    assert asked.headers["idempotency-key"]
    run = call.executed_actions["who"]
    assert json.loads(run["return_value"])["data"] == {"name": "Anna"}
    assert call.answered_at is not None
    assert run["timestamp_datetime"] < call.answered_at.replace(tzinfo=None).isoformat()
    assert len(logs) == 1


async def test_the_prompt_has_what_ran_before_and_no_result_takes_a_name_of_the_system(
    rig: Rig, agent: Agent
) -> None:
    async with rig.database.workspace(agent.workspace_id) as session:
        row = await session.get_one(Agent, agent.id)
        prompt = "{results.data.name} called from {user_phone_number}; they are {missing}."
        row.settings = {**row.settings, "prompt": prompt}
    async with web() as server:
        body = b'{"data": {"name": "Anna"}, "user_phone_number": "+19005550000"}'
        server.answer = response(200, body)
        await attach(rig, agent, server.url(), phase="before", name="who")
        caller = await rig.call(NUMBER)
        await rig.until(lambda: bool(rig.host.live()))
        caller.say("hello there")
        await rig.until(lambda: "You said hello there." in caller.heard)
    system = rig.llm.asked[-1][0]["content"]
    assert system.startswith("Anna called from +15550199; they are {missing}.")


async def test_an_action_before_the_call_that_fails_does_not_keep_it_from_being_answered(
    rig: Rig, agent: Agent
) -> None:
    rig.answers = parrot
    async with web() as server:
        server.answer = response(503)
        await attach(rig, agent, server.url(), phase="before", name="who")
        caller = await rig.call(NUMBER)
        await rig.until(lambda: bool(rig.host.live()))
        caller.say("hello there")
        await rig.until(lambda: "You said hello there." in caller.heard)
        await caller.line.hang_up()
        call, _ = await ended(rig)
    assert call.executed_actions["who"]["error_message"] == "The address answered 503."
