"""An agent that can transfer its calls, and a model that asks for it."""

import json
from typing import Any

from tests.host.rig import Assembled
from trunkline.resources.actions.models import Action, AgentAction
from trunkline.resources.agents.models import Agent
from trunkline.voice.language.twins import Line as ScriptedReply

DESK = "sip:desk@example.org"
TRANSFER: dict[str, Any] = {
    "transfer_mode": "warm_transfer",
    "phone": DESK,
    "instructions": "When the caller asks for a person.",
    "initiating_msg": "One moment.",
    "message_to_transfer_target": "Anna has a question.",
    "failed_msg": "Nobody is there.",
    "human_detection": False,
    "enable_background_music": False,
}


async def attach(rig: Assembled, agent: Agent, **changes: Any) -> None:
    """Give the agent a transfer, and a model that asks for it."""
    settings = {**TRANSFER, **changes}
    async with rig.database.workspace(agent.workspace_id) as session:
        action = Action(
            workspace_id=agent.workspace_id, type="LIVE_TRANSFER", name="to desk", settings=settings
        )
        session.add(action)
        await session.flush()
        session.add(
            AgentAction(
                workspace_id=agent.workspace_id,
                agent_id=agent.id,
                action_id=action.id,
                position=0,
                attachment_type="during",
                input_variables_mapping=[],
            )
        )

    def answers(messages: Any) -> ScriptedReply:
        last = messages[-1]
        if last["role"] == "tool":
            return ScriptedReply(
                f"It ended with {json.JSONDecoder().raw_decode(last['content'])[0]['failed_reason']}."
            )
        if "Summarise" in last["content"]:
            return ScriptedReply("She wants a refund.")
        if "person" in last["content"]:
            return ScriptedReply(tool="to_desk")
        return ScriptedReply(f"You said {last['content']}.")

    rig.answers = answers
