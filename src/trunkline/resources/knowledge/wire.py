"""How rows of knowledge bases are shown."""

from typing import Any

from trunkline.resources.knowledge.models import KnowledgeBase, KnowledgeSource
from trunkline.resources.knowledge.schemas import KnowledgeBaseOut, SourceOut, SourceProgress
from trunkline.resources.knowledge.state import SourceState


def base_shown(base: KnowledgeBase) -> KnowledgeBaseOut:
    """One base."""
    return KnowledgeBaseOut(id=str(base.id), name=base.name, rag_use_condition=base.rag_use_condition)


def source_shown(source: KnowledgeSource) -> SourceOut:
    """One source as the contract has it."""
    return SourceOut(**_common(source))


def source_progress(source: KnowledgeSource, embedded: int) -> SourceProgress:
    """One source with its state."""
    return SourceProgress(
        **_common(source),
        state=SourceState(source.state),
        error=source.error,
        chunks=source.chunk_count or 0,
        chunks_embedded=embedded,
    )


def _common(source: KnowledgeSource) -> dict[str, Any]:
    return {
        "id": str(source.id),
        "type": source.type,
        "name": source.name,
        "content_preview": source.preview,
        "url": source.url,
        "created_at": source.created_at,
        "updated_at": source.updated_at,
    }
