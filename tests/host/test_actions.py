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
