"""The durable work of chats: what is kept of them when they are over, or have been idle."""

from datetime import UTC, datetime
from uuid import UUID

from trunkline.platform.storage.database import Database
from trunkline.platform.work.jobs import Jobs
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.chats.repository import ChatRepository
from trunkline.resources.chats.talks import IDLE, REMEMBER_CHAT, remember_later, talk_of_chat
from trunkline.resources.memory.remembering import remember
from trunkline.voice.language.ports import LanguageModel


class ChatTasks:
    """Everything may run twice, or in two workers at once."""

    def __init__(self, database: Database, model: LanguageModel) -> None:
        self._database = database
        self._model = model

    def register(self, jobs: Jobs) -> None:
        """Tell the worker what there is to do."""
        jobs.task(REMEMBER_CHAT)(self.remember_chat)

    async def remember_chat(self, workspace_id: str, chat_id: str) -> None:
        """Take a chat into the memory of the other party; one in which something was written lately is put off.

        Raises:
            ProviderError: the language model failed; the chat is to be remembered again.
            Unavailable: it, or the database, is away; likewise.
        """
        async with self._database.workspace(UUID(workspace_id)) as session:
            chats = ChatRepository(session, UUID(workspace_id))
            chat = await chats.get(chat_id)
            if chat is None:
                return
            messages = await chats.messages(chat)
            agent = await AgentRepository(session, chat.workspace_id).get(chat.agent_id, deleted=True)
            if agent is None or not messages:
                return
            last = messages[-1].created_at
            if chat.status == "ongoing" and datetime.now(UTC) - last < IDLE:
                await remember_later(session, chat, over=False, since=last)
                return
            talk = talk_of_chat(agent, chat, messages)
        await remember(self._database, self._model, talk)
