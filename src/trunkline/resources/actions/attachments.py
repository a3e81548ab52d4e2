"""The rules of what agents have: attached and detached one by one, or replaced by a write of the agent."""

from collections.abc import Sequence
from uuid import UUID

from trunkline.errors import BadInput
from trunkline.resources.actions.models import Action, AgentAction
from trunkline.resources.actions.repository import ActionRepository
from trunkline.resources.actions.service import Actions
from trunkline.resources.actions.writes import (
    ActionAttach,
    ActionDetach,
    AgentActions,
    AttachItem,
    AttachmentSettings,
)
from trunkline.resources.agent_versions.repository import AgentVersionRepository
from trunkline.resources.agent_versions.writing import VersionWriter
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.repository import AgentRepository


class Attachments:
    """The actions of one workspace's agents, within one transaction."""

    def __init__(
        self,
        actions: Actions,
        stored: ActionRepository,
        agents: AgentRepository,
        versions: AgentVersionRepository,
    ) -> None:
        self._actions = actions
        self._stored = stored
        self._agents = agents
        self._writer = VersionWriter(versions, stored)

    async def attach(self, body: ActionAttach) -> None:
        """Give actions to an agent; one that it has is changed as far as the body says.

        Raises:
            BadInput: there is no such agent or action, or it cannot be attached like this.
        """
        agent = await self._agent(body.model_id)
        had = await self._had(agent)
        for id_ in body.actions or []:
            await self._put(had, agent, await self._action(id_), None)
        for item in body.items or []:
            await self._put(had, agent, await self._meant(item), item)
        await self._writer.write(agent)

    async def detach(self, body: ActionDetach) -> None:
        """Take actions from an agent; one that it has not is no error.

        Raises:
            BadInput: there is no such agent or action.
        """
        agent = await self._agent(body.model_id)
        found = [await self._action(id_) for id_ in body.actions or []]
        await self._stored.detach(agent.id, [action.id for action in found])
        await self._writer.write(agent)

    async def replace(self, agent: Agent, items: AgentActions) -> None:
        """Make these the agent's actions: a body is a new action, a text the id of one to keep.

        An action that such a body had made goes when its last agent loses it. The agent's row is locked or new.

        Raises:
            BadInput: there is no action of an id, or a body is wrong.
        """
        had = await self._had(agent)
        former = set(had)
        kept: list[UUID] = []
        for item in items:
            if isinstance(item, str):
                action = await self._action(item)
                await self._put(had, agent, action, None)
            else:
                action = await self._actions.create(item, inline=True)
                await self._put(had, agent, action, item)
            kept.append(action.id)
        gone = former - set(kept)
        await self._stored.detach(agent.id, gone)
        await self._stored.delete_unused(gone)
        for id_ in kept:
            had[id_].position = kept.index(id_)

    async def of_agent(self, agent: Agent) -> Sequence[tuple[Action, AgentAction]]:
        """What an agent has, in its order."""
        return await self._stored.of_agent(agent.id)

    async def ids_of(self, agents: Sequence[Agent]) -> dict[UUID, list[str]]:
        """Agent → the ids of its actions, in their order."""
        found = await self._stored.ids_of_agents([agent.id for agent in agents])
        return {agent.id: [str(id_) for id_ in found.get(agent.id, [])] for agent in agents}

    async def _had(self, agent: Agent) -> dict[UUID, AgentAction]:
        return {action.id: attached for action, attached in await self._stored.of_agent(agent.id)}

    async def _put(
        self, had: dict[UUID, AgentAction], agent: Agent, action: Action, how: AttachmentSettings | None
    ) -> None:
        """Into what the agent `had`, too."""
        if how and how.trigger_condition and action.type != "CUSTOM_ACTION":
            raise BadInput(
                f"trigger_condition: only custom actions have one, and {action.name} is {action.type}; leave it out."
            )
        attached = had.get(action.id)
        if attached is None:
            last = max((each.position for each in had.values()), default=-1)
            attached = had[action.id] = AgentAction(agent_id=agent.id, action_id=action.id, position=last + 1)
            await self._stored.attach(attached)
        if how is None:
            return
        attached.attachment_type = how.attachment_type
        if how.trigger_condition is not None:
            attached.trigger_condition = how.trigger_condition or None
        if how.input_variables_mapping is not None:
            attached.input_variables_mapping = [
                each.model_dump(exclude_none=True) for each in how.input_variables_mapping
            ]

    async def _agent(self, agent_id: str) -> Agent:
        agent = await self._agents.get(agent_id, lock=True)
        if agent is None:
            raise BadInput(f"model_id: there is no agent {agent_id}; see GET /v2/assistants.")
        return agent

    async def _action(self, action_id: str) -> Action:
        action = await self._stored.get(action_id)
        if action is None:
            raise BadInput(f"actions: there is no action {action_id}; see GET /v2/actions.")
        return action

    async def _meant(self, item: AttachItem) -> Action:
        if item.action_id is not None:
            return await self._action(item.action_id)
        found = await self._stored.named(item.slug or "")
        if len(found) != 1:
            raise BadInput(
                f"items: {len(found) or 'no'} actions have the name {item.slug}; send the action_id of the one."
            )
        return found[0]
