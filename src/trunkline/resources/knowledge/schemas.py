"""Knowledge bases on the wire."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from trunkline.platform.http.wire import Wire, WireInput, example
from trunkline.resources.agents.schemas import WebAddress
from trunkline.resources.knowledge.state import SourceState

SourceType = Literal["pdf", "text", "web"]
Name = Annotated[str, Field(max_length=1000)]


class KnowledgeBaseWrite(WireInput):
    """A new base, or what changes in one. What is left out keeps its value."""

    model_config = example(name="House", rag_use_condition="When somebody asks about the house.")

    name: Name | None = None
    rag_use_condition: str | None = None
    """When to search, said to the language model."""


class KnowledgeBaseOut(Wire):
    """One base."""

    id: str
    name: str
    rag_use_condition: str


class KnowledgeBasePage(Wire):
    """A page of bases."""

    total_records: int
    knowledge_bases: list[KnowledgeBaseOut]


class KnowledgeBaseWritten(Wire):
    """The answer to create and update."""

    body: str
    knowledge_base_id: str


class ModelId(WireInput):
    """The agent to attach or detach."""

    model_config = example(model_id="0b7d3a4e-6a0e-4c5f-9a58-2c1f8f7f6f10")

    model_id: str | None = None


class BaseAttached(Wire):
    """The answer to attach."""

    body: str
    knowledge_base_id: str
    model_id: str


class Detached(Wire):
    """The answer to detach."""

    body: str
    model_id: str


class SourceUpdate(WireInput):
    """What changes in a source; at least one of them."""

    model_config = example(name="Opening hours")

    name: Name | None = None
    url: WebAddress | None = None
    """Of pdf and web: where it is fetched, again whenever this is sent. "" counts as left out: a text shows that."""
    content: str | None = None
    """Of text."""


class SourceCreate(SourceUpdate):
    """A new source: `url` for pdf and web, `content` for text."""

    model_config = example(name="Hours", type="text", content="Open from nine to six, closed on Mondays.")

    type: SourceType


class SourceId(Wire):
    """The answer to create and update."""

    source_id: str


class SourceDeleted(Wire):
    """The answer to delete."""

    body: str
    id: str


class SourceOut(Wire):
    """One source."""

    id: str
    type: SourceType
    name: str
    content_preview: str
    url: str
    created_at: datetime
    updated_at: datetime


class SourcePage(Wire):
    """A page of the sources of a base."""

    total_records: int
    knowledge_base_id: str
    sources: list[SourceOut]


class SourceProgress(SourceOut):
    """One source and how far it has been read: our own, the contract has no place for it."""

    state: SourceState
    error: str | None
    """Why it failed, or why it is tried again; None when there was no trouble."""
    chunks: int
    """Pieces that its text was cut into; 0 until it is read."""
    chunks_embedded: int
    """Those that have their vector."""
