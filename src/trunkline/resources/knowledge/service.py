"""The rules of knowledge bases and their sources."""

from sqlalchemy import func

from trunkline.errors import BadInput, NotFound
from trunkline.resources.agents.models import Agent
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.knowledge.models import KnowledgeBase, KnowledgeSource
from trunkline.resources.knowledge.repository import KnowledgeRepository
from trunkline.resources.knowledge.schemas import KnowledgeBaseWrite, SourceCreate, SourceUpdate
from trunkline.resources.knowledge.state import SourceState
from trunkline.resources.knowledge.steps import preview_of

TEXT = "text"


class Knowledge:
    """The knowledge of one workspace, within one transaction."""

    def __init__(self, knowledge: KnowledgeRepository, agents: AgentRepository) -> None:
        self._knowledge = knowledge
        self._agents = agents

    # ---- bases -----------------------------------------------------------------------------------------

    async def create(self, body: KnowledgeBaseWrite) -> KnowledgeBase:
        """A new base without sources."""
        base = KnowledgeBase(name=body.name or "", rag_use_condition=body.rag_use_condition or "")
        await self._knowledge.add(base)
        return base

    async def get(self, base_id: str, *, lock: bool = False) -> KnowledgeBase:
        """One base. Raises NotFound."""
        base = await self._knowledge.base(base_id, lock=lock)
        if base is None:
            raise NotFound(f"There is no knowledge base {base_id}.")
        return base

    async def page(self, limit: int, offset: int) -> tuple[list[KnowledgeBase], int]:
        """Bases, newest first, and how many there are."""
        return await self._knowledge.page(limit, offset)

    async def update(self, base_id: str, body: KnowledgeBaseWrite) -> KnowledgeBase:
        """Change what is sent, keep the rest. Raises NotFound."""
        base = await self.get(base_id, lock=True)
        for name in body.model_fields_set:
            setattr(base, name, getattr(body, name))
        return base

    async def delete(self, base_id: str) -> None:
        """Remove a base with its sources; agents search it no more. Raises NotFound."""
        await self._knowledge.delete(await self.get(base_id, lock=True))

    async def attach(self, base_id: str, model_id: str | None) -> tuple[KnowledgeBase, Agent]:
        """Let an agent search a base.

        Raises:
            NotFound: no such base.
            BadInput: no agent is named, or none of this workspace.
        """
        base = await self.get(base_id)
        agent = await self._agent(model_id)
        await self._knowledge.attach(base, agent)
        return base, agent

    async def detach(self, base_id: str, model_id: str | None) -> Agent:
        """Let an agent search a base no more.

        Raises:
            NotFound: no such base.
            BadInput: no agent is named, none of this workspace, or one that does not search this base.
        """
        base = await self.get(base_id)
        agent = await self._agent(model_id)
        if not await self._knowledge.detach(base, agent):
            raise BadInput(f"model_id: the knowledge base is not attached to the agent {model_id}.")
        return agent

    async def _agent(self, model_id: str | None) -> Agent:
        if not model_id:
            raise BadInput("model_id is required, in the query or in the body: the id of an agent.")
        agent = await self._agents.get(model_id)
        if agent is None:
            raise BadInput(f"model_id: there is no agent {model_id}; send the id of one of this workspace.")
        return agent

    # ---- sources ---------------------------------------------------------------------------------------

    async def add_source(self, base_id: str, body: SourceCreate) -> KnowledgeSource:
        """A new source; its job reads it.

        Raises:
            NotFound: no such base.
            BadInput: `url` or `content` is missing, as its type wants it.
        """
        base = await self.get(base_id)
        wanted = _origin(body.type)
        if not (getattr(body, wanted) or "").strip():
            raise BadInput(f"{wanted} is required for a source of the type {body.type}.")
        source = KnowledgeSource(
            knowledge_base_id=base.id,
            type=body.type,
            name=body.name or "",
            state=SourceState.QUEUED,
        )
        _set_origin(source, body)
        await self._knowledge.add(source)
        await self._knowledge.queue(source)
        return source

    async def source(self, base_id: str, source_id: str, *, lock: bool = False) -> KnowledgeSource:
        """One source of a base. Raises NotFound."""
        source = await self._knowledge.source(await self.get(base_id), source_id, lock=lock)
        if source is None:
            raise NotFound(f"The knowledge base {base_id} has no source {source_id}.")
        return source

    async def source_page(
        self, base_id: str, limit: int, offset: int, name: str | None
    ) -> tuple[KnowledgeBase, list[KnowledgeSource], int]:
        """A base, its sources, newest first, and how many there are. Raises NotFound."""
        base = await self.get(base_id)
        return base, *await self._knowledge.sources(base, limit, offset, name)

    async def progress(self, base_id: str, source_id: str) -> tuple[KnowledgeSource, int]:
        """A source, and how many of its chunks have their vector. Raises NotFound."""
        source = await self.source(base_id, source_id)
        return source, await self._knowledge.embedded(source)

    async def update_source(self, base_id: str, source_id: str, body: SourceUpdate) -> KnowledgeSource:
        """Change what is sent; with a new text or address, even the same again, the source is read anew.

        Raises:
            NotFound: no such base or source.
            BadInput: nothing to change, or what a source of this type does not have.
        """
        source = await self.source(base_id, source_id, lock=True)
        foreign = "url" if source.type == TEXT else "content"
        if getattr(body, foreign):
            raise BadInput(
                f"{foreign}: a source of the type {source.type} has none; send name or {_origin(source.type)}."
            )
        anew = bool((getattr(body, _origin(source.type)) or "").strip())
        if body.name is None and not anew:
            raise BadInput(f"Nothing to change: send name or {_origin(source.type)}.")
        if body.name is not None:
            source.name = body.name
        source.updated_at = func.now()
        if anew:
            await self._read_anew(source, body)
        return source

    async def delete_source(self, base_id: str, source_id: str) -> KnowledgeSource:
        """Remove a source with its chunks. Raises NotFound."""
        source = await self.source(base_id, source_id, lock=True)
        await self._knowledge.delete(source)
        return source

    async def _read_anew(self, source: KnowledgeSource, body: SourceUpdate) -> None:
        """What was read before goes at once: an agent must not answer from what its owner has replaced."""
        _set_origin(source, body)
        source.version += 1
        source.state = SourceState.QUEUED
        source.error = source.chunk_count = None
        source.tries = 0
        await self._knowledge.forget_chunks(source)
        await self._knowledge.queue(source)


def _origin(type_: str) -> str:
    """The member that says what is to be read."""
    return "content" if type_ == TEXT else "url"


def _set_origin(source: KnowledgeSource, body: SourceUpdate) -> None:
    if source.type == TEXT:
        source.content = body.content
        source.preview = preview_of(body.content or "")
    else:
        source.url = body.url or ""
        source.preview = ""
