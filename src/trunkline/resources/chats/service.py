"""The rules of chats.

A message is answered in three steps: it is stored and the chat claimed, the model thinks while no connection is
held, the answer is stored and the chat given back. Of messages that come at once one waits for the other. When the
model fails, the message stays; sent again, it is answered without being written twice. A message whose request has a
name is answered once for it: whoever brings it again, after a death in between, gets the answer that is stored.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

from trunkline.errors import BadInput, Conflict, NotFound, ProviderTimeout, TrunklineError, Unavailable
from trunkline.resources import dialogues
from trunkline.resources.actions.around import run_before
from trunkline.resources.actions.offering import CALLS_ONLY, offered
from trunkline.resources.actions.results import merged
from trunkline.resources.actions.running import Place, ToolRunner
from trunkline.resources.actions.work import Means
from trunkline.resources.agents import vocabulary
from trunkline.resources.agents.equipment import Equipment, equipment_of, with_servers
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.profile import profile_of
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.chats.models import Chat, ChatMessage
from trunkline.resources.chats.repository import LONGEST_ID, ChatRepository, is_id
from trunkline.resources.chats.schemas import ChatCreate
from trunkline.resources.chats.talks import names_of, other_party_of
from trunkline.resources.storing import storable
from trunkline.voice.conversation.dialogue import Dialogue
from trunkline.voice.conversation.profile import GreetingMode, Medium
from trunkline.voice.driver.ports import RunTool
from trunkline.voice.language.ports import LanguageModel

ANSWER_WITHIN = 100.0
"""Seconds that the model has."""
LEASE = timedelta(seconds=120)
"""After this a chat is taken from who died while answering; longer than an answer may take."""
TURN_WITHIN = 60.0
"""Seconds that a message waits for the one before it."""
_LOOK_AGAIN = 0.1


@dataclass(frozen=True)
class Claim:
    """A chat whose last message is to be answered."""

    token: UUID
    chat: Chat
    dialogue: Dialogue
    known: int
    """Messages of the dialogue that are stored."""
    tools: ToolRunner
    seq: int
    """Of the next message."""
    turn: int


class Chats:
    """The chats of one workspace."""

    def __init__(self, means: Means, model: LanguageModel, workspace_id: UUID) -> None:
        self._means = means
        self._database = means.database
        self._model = model
        self._workspace = workspace_id

    async def create(self, chat_id: str, body: ChatCreate) -> tuple[Chat, Sequence[ChatMessage]]:
        """A new chat, with the agent's first message where the agent begins.

        Raises:
            BadInput: the id is none, or the agent is unknown.
            Conflict: the id is in use.
            ProviderError: the agent's first message could not be made; nothing is stored.
            Unavailable: there is no language model; likewise.
        """
        if not is_id(chat_id):
            raise BadInput(f"chat_id must be 1 to {LONGEST_ID} printable characters; use a UUID.")
        variables = {**(body.metadata or {}), **(body.custom_variables or {})}
        async with self._rows() as (chats, agents):
            agent = await agents.get(body.model_id)
            if agent is None:
                raise BadInput(f"model_id: there is no agent {body.model_id}.")
            if await chats.get(chat_id) is not None:
                raise _in_use(chat_id)
        chat = Chat(
            workspace_id=self._workspace,
            id=chat_id,
            agent_id=agent.id,
            status="ongoing",
            variables=variables,
            results={},
        )
        equipment = await self._equipment(agent, chat)
        before = await run_before(self._means, _place(agent, chat), _known(chat), equipment.actions)
        chat.results = storable(before.results)
        # Nothing was asked yet that a tool could be for.
        dialogue = _dialogue(agent, chat, (), replace(equipment, actions=()))
        ended = await self._greet(dialogue)
        async with self._rows() as (chats, _):
            chat.status = "completed" if ended else chat.status
            if not await chats.add(chat):
                raise _in_use(chat_id)
            return chat, [await chats.add_message(chat, 0, 0, each) for each in dialogue.history]

    async def get(self, chat_id: str) -> tuple[Chat, Sequence[ChatMessage]]:
        """One chat and what was written in it. Raises NotFound."""
        async with self._rows() as (chats, _):
            chat = await _found(chats, chat_id)
            return chat, await chats.messages(chat)

    async def delete(self, chat_id: str) -> None:
        """Remove a chat; an answer that is under way is dropped. Raises NotFound."""
        async with self._rows() as (chats, _):
            if not await chats.delete(chat_id):
                raise _unknown(chat_id)

    async def after(
        self, place: tuple[datetime, str] | None, limit: int, agent_id: str | None
    ) -> Sequence[Chat]:
        """Up to `limit` chats from this place on, newest first. Raises BadInput for an unknown agent."""
        async with self._rows() as (chats, agents):
            agent = await agents.get(agent_id, deleted=True) if agent_id is not None else None
            if agent_id is not None and agent is None:
                raise BadInput(f"agent_id: there is no agent {agent_id}.")
            return await chats.after(place, limit, agent.id if agent else None)

    async def send(self, chat_id: str, text: str, request: str | None = None) -> ChatMessage:
        """The agent's answer to what the user writes; of a `request` that was answered before, the same one.

        Raises:
            NotFound: no such chat.
            Conflict: the chat is over, or its agent was deleted.
            ProviderError: the model failed; the message stays, and is answered when it is sent again.
            Unavailable: there is no model, or the answer before this one takes too long; likewise.
        """
        claim = await self._claimed(chat_id, text, request)
        if isinstance(claim, ChatMessage):
            return claim
        try:
            turn = await self._reply(claim.dialogue, claim.tools.run)
            return await self._keep(claim, turn)
        except BaseException:
            with suppress(TrunklineError):  # the lease ends it; the first error is the one to tell
                await self._give_back(claim)
            raise
        finally:
            await claim.tools.close()

    async def _claimed(self, chat_id: str, text: str, request: str | None) -> Claim | ChatMessage:
        """The turn to be answered, or the answer that the request has already."""
        token = uuid4()
        with suppress(TimeoutError):
            async with asyncio.timeout(TURN_WITHIN):
                while (claim := await self._try_claim(token, chat_id, text, request)) is None:  # noqa: ASYNC110 another process
                    await asyncio.sleep(_LOOK_AGAIN)
                return claim
        raise Unavailable(
            "The agent still answers an earlier message of this chat; send this one again in a moment."
        )

    async def _try_claim(
        self, token: UUID, chat_id: str, text: str, request: str | None
    ) -> Claim | ChatMessage | None:
        async with self._rows() as (chats, agents):
            await _found(chats, chat_id)
            chat = await chats.claim(chat_id, token, LEASE)
            if chat is None:
                return None
            messages = list(await chats.messages(chat))
            message = {"role": "user", "content": text}
            written = _written(messages, message, request)
            if written is not None and (answer := _answer_to(written, messages)) is not None:
                await chats.release(chat_id, token)
                return answer
            if chat.status != "ongoing":
                raise Conflict(f"Chat {chat_id} is {chat.status}; begin a new one to go on.")
            agent = await agents.get(chat.agent_id)
            if agent is None:
                raise Conflict(f"The agent of chat {chat_id} was deleted; begin a chat with another one.")
            if written is None:
                turn = messages[-1].turn + 1 if messages else 1
                messages.append(await chats.add_message(chat, len(messages), turn, message, request))
            elif request is not None:
                written.request = request
        equipment = await self._equipment(agent, chat)
        turn = messages[-1].turn
        dialogue = _dialogue(agent, chat, messages, equipment)
        tools = ToolRunner(
            self._means,
            _place(agent, chat),
            _known(chat),
            offered(equipment.actions),
            results=chat.results,
            series=_series(chat, turn, len(messages)),
        )
        return Claim(token, chat, dialogue, len(dialogue.history), tools, len(messages), turn)

    async def _keep(self, claim: Claim, turn: dialogues.Turn) -> ChatMessage:
        async with self._rows() as (chats, _):
            status = "completed" if turn.ended else "ongoing"
            results = storable(claim.tools.results)
            if not await chats.release(claim.chat.id, claim.token, status=status, results=results):
                raise _unknown(claim.chat.id)
            await chats.remember_later(claim.chat, over=turn.ended)
            *_, last = await _add_new(chats, claim)
            return last

    async def _give_back(self, claim: Claim) -> None:
        """No answer came; what tools did stays, so that the same message sent again does not repeat it."""
        async with self._rows() as (chats, _):
            results = storable(claim.tools.results)
            if await chats.release(claim.chat.id, claim.token, results=results):
                await _add_new(chats, claim)

    async def _equipment(self, agent: Agent, chat: Chat) -> Equipment:
        async with self._database.workspace(self._workspace) as session:
            equipment = await equipment_of(session, self._means.secrets, agent, other_party_of(chat))
        actions = tuple(each for each in equipment.actions if each.type not in CALLS_ONLY)
        return await with_servers(replace(equipment, actions=actions), self._means)

    async def _greet(self, dialogue: Dialogue) -> bool:
        """The agent's first message, where it begins; whether it ended the chat with it."""
        match dialogue.profile.greeting_mode:
            case GreetingMode.AGENT_DYNAMIC:
                return (await self._reply(dialogue)).ended
            case GreetingMode.AGENT_STATIC:
                dialogue.agent_said(dialogue.profile.greeting)
        return False

    async def _reply(self, dialogue: Dialogue, run_tool: RunTool | None = None) -> dialogues.Turn:
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                return await dialogues.reply(dialogue, self._model, run_tool)
        except TimeoutError as error:
            raise ProviderTimeout(
                "The language model did not answer in time. Send the same request again to have it answered."
            ) from error

    @asynccontextmanager
    async def _rows(self) -> AsyncIterator[tuple[ChatRepository, AgentRepository]]:
        async with self._database.workspace(self._workspace) as session:
            yield ChatRepository(session, self._workspace), AgentRepository(session, self._workspace)


def _dialogue(agent: Agent, chat: Chat, messages: Sequence[ChatMessage], equipment: Equipment) -> Dialogue:
    """What was written so far; messages that were never answered are one with that after them."""
    variables = merged(chat.variables, chat.results)
    profile = profile_of(agent, {}, variables, now=chat.created_at, equipment=equipment)
    dialogue = Dialogue(replace(profile, medium=Medium.CHAT))
    for each in messages:
        last = dialogue.history[-1] if dialogue.history else None
        if last is not None and last["role"] == each.message["role"] == "user":
            last["content"] += f"\n{each.message['content']}"
        else:
            dialogue.history.append(dict(each.message))
    return dialogue


async def _add_new(chats: ChatRepository, claim: Claim) -> list[ChatMessage]:
    """Store what the dialogue has grown by."""
    new = claim.dialogue.history[claim.known :]
    return [
        await chats.add_message(claim.chat, claim.seq + number, claim.turn, storable(each))
        for number, each in enumerate(new)
    ]


def _written(
    messages: Sequence[ChatMessage], message: dict[str, Any], request: str | None
) -> ChatMessage | None:
    """The row of a message that is sent again: known by its request, or by its words while nobody has answered it."""
    said = [each for each in messages if each.message["content"] and each.message["role"] != "tool"]
    named = (each for each in said if request is not None and each.request == request)
    return next((each for each in (*named, *said[-1:]) if each.message == message), None)


def _answer_to(written: ChatMessage, messages: Sequence[ChatMessage]) -> ChatMessage | None:
    """What the agent said after a message; None while it has not."""
    later = (each for each in messages if each.seq > written.seq and each.message["role"] == "assistant")
    return next((each for each in later if each.message["content"]), None)


def _series(chat: Chat, turn: int, seq: int) -> str:
    """Names the runs of a turn: the same when it is done again, and others in a chat that takes up a deleted one's id."""
    return str(uuid5(chat.workspace_id, f"{chat.id} {chat.created_at.isoformat()} {turn} {seq}"))


def _known(chat: Chat) -> dict[str, Any]:
    """The variables that a chat begins with, as its actions know them."""
    return {**chat.variables, "call_id": chat.id}


def _place(agent: Agent, chat: Chat) -> Place:
    timezone = agent.settings.get("timezone") or vocabulary.DEFAULT_TIMEZONE
    return Place(agent.workspace_id, agent.id, chat.id, Medium.CHAT, timezone, names_of(agent, chat))


async def _found(chats: ChatRepository, chat_id: str) -> Chat:
    chat = await chats.get(chat_id)
    if chat is None:
        raise _unknown(chat_id)
    return chat


def _unknown(chat_id: str) -> NotFound:
    return NotFound(f"There is no chat {chat_id}.")


def _in_use(chat_id: str) -> Conflict:
    return Conflict(f"chat_id: {chat_id} is in use; choose a new UUID.")
