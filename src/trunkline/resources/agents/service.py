"""The rules of agents."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from trunkline.errors import BadInput, NotFound
from trunkline.resources.actions.attachments import Attachments
from trunkline.resources.actions.models import Action, AgentAction
from trunkline.resources.agent_versions.writing import VersionWriter
from trunkline.resources.agents import vocabulary
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.agents.schemas import AgentCreate, AgentUpdate, AttachNumbers
from trunkline.resources.numbers.binding import Bindings
from trunkline.resources.numbers.models import Number
from trunkline.resources.numbers.repository import NumberRepository

_PLAIN = ("name", "description", "external_webhook_url", "inbound_call_webhook_url", "is_recording")


class Agents:
    """The agents of one workspace, within one transaction."""

    def __init__(
        self,
        agents: AgentRepository,
        numbers: NumberRepository,
        writer: VersionWriter,
        attachments: Attachments,
        configured_models: frozenset[str],
    ) -> None:
        self._agents = agents
        self._writer = writer
        self._attachments = attachments
        self._numbers = numbers
        self._bindings = Bindings(numbers, agents)
        self._configured_models = configured_models

    async def create(self, body: AgentCreate) -> Agent:
        """A new agent.

        Raises:
            BadInput: its settings contradict each other or name what does not exist.
        """
        agent = Agent(
            name=body.name,
            type=body.type,
            settings={},
            max_duration={},
            voicemail_message={},
            extra={},
            phone_number="",
        )
        self._merge(agent, body)
        await self._agents.add(agent)
        await self._bind(agent, body)
        if body.actions:
            await self._attachments.replace(agent, body.actions)
        await self._writer.write(agent)
        return agent

    async def update(self, agent_id: str, body: AgentUpdate) -> Agent:
        """Change what is sent, keep the rest.

        Raises:
            NotFound: no such agent.
            BadInput: the outcome would contradict itself.
        """
        agent = await self.get(agent_id, lock=True)
        was = agent.type
        self._merge(agent, body)
        if body.type is not None and body.type != was:
            agent.type = body.type
            await self._bindings.rebind(agent)
        await self._bind(agent, body)
        if body.actions is not None:
            await self._attachments.replace(agent, body.actions)
        await self._writer.write(agent)
        return agent

    async def get(self, agent_id: str, *, lock: bool = False) -> Agent:
        """One agent. Raises NotFound."""
        agent = await self._agents.get(agent_id, lock=lock)
        if agent is None:
            raise NotFound(f"There is no agent {agent_id}.")
        return agent

    async def numbers(self, agent: Agent) -> list[Number]:
        """What an agent answers or calls from, the number it shows first."""
        numbers = await self._numbers.of_agent(agent.id)
        return sorted(numbers, key=lambda number: number.number != agent.phone_number)

    async def actions(self, agent: Agent) -> Sequence[tuple[Action, AgentAction]]:
        """What an agent may do, in its order."""
        return await self._attachments.of_agent(agent)

    async def action_ids(self, agents: Sequence[Agent]) -> Mapping[UUID, list[str]]:
        """Agent → the ids of its actions, in their order."""
        return await self._attachments.ids_of(agents)

    async def page(self, limit: int, offset: int) -> tuple[list[Agent], int]:
        """Agents, newest first, and how many there are."""
        return await self._agents.page(limit, offset)

    async def delete(self, agent_id: str) -> None:
        """Take an agent away and free its numbers. Raises NotFound."""
        agent = await self.get(agent_id, lock=True)
        await self._bindings.release(agent)
        await self._attachments.replace(agent, [])
        await self._agents.delete(agent)

    async def attach_numbers(self, agent_id: str, body: AttachNumbers) -> None:
        """Add numbers to an agent, all or none.

        Raises:
            NotFound: no such agent or number.
            Conflict: another inbound agent has one.
        """
        agent = await self.get(agent_id, lock=True)
        await self._bindings.attach_all(body.phone_numbers or body.phone_number_slugs or [], agent)

    async def detach_number(self, agent_id: str, slug: str) -> None:
        """Take a number from an agent.

        Raises:
            NotFound: no such agent or number.
            BadInput: the number is not the agent's.
        """
        await self._bindings.detach(slug, await self.get(agent_id, lock=True))

    async def _bind(self, agent: Agent, body: AgentUpdate) -> None:
        if body.phone_number and body.phone_number.strip() != agent.phone_number:
            await self._bindings.attach_shown(body.phone_number.strip(), agent)

    def _merge(self, agent: Agent, body: AgentUpdate) -> None:
        for name in _PLAIN:
            if name in body.model_fields_set:
                setattr(agent, name, getattr(body, name))
        if body.agent is not None:
            sent = body.agent.sent()
            if "llm" in sent:
                sent["llm"] = vocabulary.language_model(sent["llm"], self._configured_models)
            agent.settings = {**agent.settings, **sent}
        if body.max_duration is not None:
            agent.max_duration = {**agent.max_duration, **body.max_duration.model_dump(exclude_unset=True)}
        if body.voicemail_message is not None:
            sent = body.voicemail_message.model_dump(exclude_unset=True)
            agent.voicemail_message = {**agent.voicemail_message, **sent}
        _check(agent)


def _check(agent: Agent) -> None:
    settings = agent.settings
    if agent.voicemail_message.get("enabled") and settings.get("greeting_message_mode") != "human":
        raise BadInput(
            'voicemail_message needs agent.greeting_message_mode "human"; set that, or voicemail_message.enabled to false.'
        )
    if settings.get("global_audio_tags") and settings.get("voice_synthesizer") != "eleven_v3":
        raise BadInput(
            'agent.global_audio_tags needs agent.voice_synthesizer "eleven_v3"; set that, or global_audio_tags to "".'
        )
