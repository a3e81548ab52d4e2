"""`/v2/knowledge_base`, also as `/v2/knowledge-bases`."""

from typing import Annotated

from fastapi import Depends

from trunkline.platform.http.context import LARGE_BODY, Caller, Transaction, keyed_router
from trunkline.platform.http.pagination import KnowledgePage, WidePage
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, ok
from trunkline.resources.agents.repository import AgentRepository
from trunkline.resources.knowledge import wire
from trunkline.resources.knowledge.repository import KnowledgeRepository
from trunkline.resources.knowledge.schemas import (
    BaseAttached,
    Detached,
    KnowledgeBasePage,
    KnowledgeBaseWrite,
    KnowledgeBaseWritten,
    ModelId,
    SourceCreate,
    SourceDeleted,
    SourceId,
    SourcePage,
    SourceUpdate,
)
from trunkline.resources.knowledge.service import Knowledge

router = keyed_router("/v2", "Knowledge bases", Scope.KNOWLEDGE_BASE)


def knowledge_of(session: Transaction, caller: Caller) -> Knowledge:
    """The caller's knowledge."""
    return Knowledge(
        KnowledgeRepository(session, caller.workspace_id), AgentRepository(session, caller.workspace_id)
    )


Service = Annotated[Knowledge, Depends(knowledge_of)]


@router.get("/knowledge_base")
@router.get("/knowledge-bases", include_in_schema=False)
async def list_knowledge_bases(page: KnowledgePage, knowledge: Service) -> Ok[KnowledgeBasePage]:
    """The workspace's knowledge bases, newest first."""
    found, total = await knowledge.page(page.limit, page.offset)
    bases = [wire.base_shown(base) for base in found]
    return ok(KnowledgeBasePage(total_records=total, knowledge_bases=bases))


@router.post("/knowledge_base")
@router.post("/knowledge-bases", include_in_schema=False)
async def create_knowledge_base(
    knowledge: Service, body: KnowledgeBaseWrite | None = None
) -> Ok[KnowledgeBaseWritten]:
    """Make a knowledge base, without sources yet."""
    base = await knowledge.create(body or KnowledgeBaseWrite())
    return ok(KnowledgeBaseWritten(body="Knowledge base created.", knowledge_base_id=str(base.id)))


@router.get("/knowledge_base/{id}")
async def get_knowledge_base(id: str, knowledge: Service) -> Ok[KnowledgeBasePage]:
    """One knowledge base."""
    base = wire.base_shown(await knowledge.get(id))
    return ok(KnowledgeBasePage(total_records=1, knowledge_bases=[base]))


@router.put("/knowledge_base/{id}")
async def update_knowledge_base(
    id: str, knowledge: Service, body: KnowledgeBaseWrite | None = None
) -> Ok[KnowledgeBaseWritten]:
    """Change what is sent, keep the rest."""
    base = await knowledge.update(id, body or KnowledgeBaseWrite())
    return ok(KnowledgeBaseWritten(body="Knowledge base updated.", knowledge_base_id=str(base.id)))


@router.delete("/knowledge_base/{id}")
async def delete_knowledge_base(id: str, knowledge: Service) -> Ok[dict[str, str]]:
    """Remove a base with its sources; agents search it no more."""
    await knowledge.delete(id)
    return ok({})


# The agent is named in the query or in the body: programs do either, with both operations.
@router.post("/knowledge_base/{knowledge_base_id}/attach")
async def attach_knowledge_base(
    knowledge_base_id: str, knowledge: Service, model_id: str | None = None, body: ModelId | None = None
) -> Ok[BaseAttached]:
    """Let an agent search a base; the agent is named in the query or in the body."""
    base, agent = await knowledge.attach(knowledge_base_id, _named(model_id, body))
    return ok(
        BaseAttached(
            body="Knowledge base attached.",
            knowledge_base_id=str(base.id),
            model_id=str(agent.id),
        )
    )


@router.post("/knowledge_base/{knowledge_base_id}/detach")
async def detach_knowledge_base(
    knowledge_base_id: str, knowledge: Service, model_id: str | None = None, body: ModelId | None = None
) -> Ok[Detached]:
    """Have an agent search a base no more."""
    agent = await knowledge.detach(knowledge_base_id, _named(model_id, body))
    return ok(Detached(body="Knowledge base detached.", model_id=str(agent.id)))


@router.get("/knowledge_base/{knowledge_base_id}/sources")
async def list_knowledge_base_sources(
    knowledge_base_id: str, page: WidePage, knowledge: Service, name: str | None = None
) -> Ok[SourcePage]:
    """The sources of a base, newest first; `name` looks through names."""
    base, found, total = await knowledge.source_page(knowledge_base_id, page.limit, page.offset, name)
    shown = [wire.source_shown(source) for source in found]
    return ok(SourcePage(total_records=total, knowledge_base_id=str(base.id), sources=shown))


@router.post("/knowledge_base/{knowledge_base_id}/sources", openapi_extra=LARGE_BODY)
async def create_knowledge_base_source(
    knowledge_base_id: str, body: SourceCreate, knowledge: Service
) -> Ok[SourceId]:
    """Add a text, a web page or a PDF; it is read in the background."""
    source = await knowledge.add_source(knowledge_base_id, body)
    return ok(SourceId(source_id=str(source.id)))


@router.put("/knowledge_base/{knowledge_base_id}/sources/{source_id}", openapi_extra=LARGE_BODY)
async def update_knowledge_base_source(
    knowledge_base_id: str, source_id: str, body: SourceUpdate, knowledge: Service
) -> Ok[SourceId]:
    """Change a source; another content or address is read anew."""
    source = await knowledge.update_source(knowledge_base_id, source_id, body)
    return ok(SourceId(source_id=str(source.id)))


@router.delete("/knowledge_base/{knowledge_base_id}/sources/{source_id}")
async def delete_knowledge_base_source(
    knowledge_base_id: str, source_id: str, knowledge: Service
) -> Ok[SourceDeleted]:
    """Remove a source; nothing of it is found any more."""
    source = await knowledge.delete_source(knowledge_base_id, source_id)
    return ok(SourceDeleted(body="Source deleted.", id=str(source.id)))


def _named(in_query: str | None, body: ModelId | None) -> str | None:
    return in_query or (body.model_id if body else None)
