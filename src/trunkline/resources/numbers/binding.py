"""Which agent a number serves: one inbound agent at most, any number of outbound ones."""

from trunkline.errors import BadInput, Conflict, NotFound
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.numbers.models import Number
from trunkline.resources.numbers.repository import NumberRepository

INBOUND = "inbound"


class Bindings:
    """Attaches and detaches; the number that an agent shows is always one of its own, or none."""

    def __init__(self, numbers: NumberRepository, agents: AgentRepository) -> None:
        self._numbers = numbers
        self._agents = agents

    async def attach(self, number: Number, agent: Agent, *, replace: bool = False) -> None:
        """Let a number serve an agent; `replace` takes it from its inbound agent.

        Raises:
            Conflict: another inbound agent has it.
        """
        if agent.type == INBOUND:
            holder = number.inbound_agent_id
            if holder not in (None, agent.id) and not replace:
                raise Conflict(
                    f"{number.number} already serves the inbound agent {holder}; detach it there first."
                )
            number.inbound_agent_id = agent.id
            await self._numbers.flush()
            if holder not in (None, agent.id) and (former := await self._agents.get(holder)):
                await self.show_own(former)
        else:
            await self._numbers.link(number, agent.id)
        if not agent.phone_number:
            agent.phone_number = number.number

    async def attach_shown(self, text: str, agent: Agent) -> None:
        """Attach the number (as written, or its slug) and show it as the agent's own.

        Raises:
            BadInput: the workspace has no such number.
            Conflict: another inbound agent has it.
        """
        number = await self._numbers.find(text, lock=True)
        if number is None:
            raise BadInput(
                f"phone_number: the workspace has no number {text}; add it with POST /v2/custom-numbers first."
            )
        await self.attach(number, agent)
        agent.phone_number = number.number

    async def attach_all(self, texts: list[str], agent: Agent) -> None:
        """Attach several numbers, all or none.

        Raises:
            NotFound: the workspace lacks one of them.
            Conflict: another inbound agent has one.
        """
        for text in sorted(set(texts)):  # sorted: two such requests lock rows in the same order
            number = await self._numbers.find(text, lock=True)
            if number is None:
                raise NotFound(f"The workspace has no number {text}.")
            await self.attach(number, agent)

    async def detach(self, text: str, agent: Agent) -> None:
        """Take a number from an agent.

        Raises:
            NotFound: the workspace has no such number.
            BadInput: it is not the agent's.
        """
        number = await self._numbers.find(text, lock=True)
        if number is None:
            raise NotFound(f"The workspace has no number {text}.")
        if agent.id not in await self._numbers.agents_of(number):
            raise BadInput(f"{number.number} is not attached to this agent.")
        await self._take(number, agent)
        await self.show_own(agent)

    async def release(self, agent: Agent) -> None:
        """Take every number from an agent."""
        for number in await self._numbers.of_agent(agent.id):
            await self._take(number, agent)
        agent.phone_number = ""

    async def rebind(self, agent: Agent) -> None:
        """Attach an agent's numbers anew, after its type has changed.

        Raises:
            Conflict: it became inbound and another inbound agent has one of them.
        """
        for number in await self._numbers.of_agent(agent.id):
            await self._take(number, agent)
            await self.attach(number, agent)

    async def show_own(self, agent: Agent) -> None:
        """Let the agent show another of its numbers if it lost the one it shows."""
        numbers = [number.number for number in await self._numbers.of_agent(agent.id)]
        if agent.phone_number not in numbers:
            agent.phone_number = numbers[0] if numbers else ""

    async def _take(self, number: Number, agent: Agent) -> None:
        if number.inbound_agent_id == agent.id:
            number.inbound_agent_id = None
        await self._numbers.unlink(number, agent.id)
        await self._numbers.flush()
