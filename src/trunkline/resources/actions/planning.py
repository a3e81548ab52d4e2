"""An agent's actions as they stand when a talk begins: read once, so that no write changes them while it runs."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from trunkline.resources.actions.models import Action, AgentAction
from trunkline.resources.actions.repository import ActionRepository
from trunkline.resources.actions.secrets import reveal
from trunkline.resources.actions.work import PlannedAction
from trunkline.resources.agents.models import Agent
from trunkline.resources.workspaces.secrets import Opener


async def planned(
    session: AsyncSession, box: Opener, agent: Agent, attached: Sequence[AgentAction] | None = None
) -> tuple[PlannedAction, ...]:
    """The agent's actions in their order; with `attached`, those that it had so. Workspace's or system's session.

    An action that was deleted is left out. Raises SetupError when a secret was sealed with another key.
    """
    actions = ActionRepository(session, agent.workspace_id)
    if attached is None:
        pairs = await actions.of_agent(agent.id)
    else:
        there = await actions.those(each.action_id for each in attached)
        pairs = [(there[each.action_id], each) for each in attached if each.action_id in there]
    return tuple(_planned(box, action, how) for action, how in pairs)


def _planned(box: Opener, action: Action, how: AgentAction) -> PlannedAction:
    settings = reveal(box, action.workspace_id, action.id, action.settings, action.secrets_encrypted)
    return PlannedAction(
        id=action.id,
        type=action.type,
        name=action.name,
        description=action.description,
        settings=settings,
        phase="before" if settings.get("run_action_before_call_start") else how.attachment_type,
        trigger_condition=how.trigger_condition or "",
        mapping=tuple(how.input_variables_mapping),
    )
