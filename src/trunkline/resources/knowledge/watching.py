"""Our own API of knowledge, under /trunkline/v1: how far a source has been read."""

from trunkline.platform.http.context import keyed_router
from trunkline.platform.http.scopes import Scope
from trunkline.platform.http.wire import Ok, ok
from trunkline.resources.knowledge import wire
from trunkline.resources.knowledge.endpoints import Service
from trunkline.resources.knowledge.schemas import SourceProgress

router = keyed_router("/trunkline/v1/knowledge_bases", "Knowledge bases", Scope.KNOWLEDGE_BASE)


@router.get("/{knowledge_base_id}/sources/{source_id}")
async def get_knowledge_source(
    knowledge_base_id: str, source_id: str, knowledge: Service
) -> Ok[SourceProgress]:
    """A source with its state: `ready` when all of it is found, `failed` with the reason when it cannot be read."""
    source, embedded = await knowledge.progress(knowledge_base_id, source_id)
    return ok(wire.source_progress(source, embedded))
