"""Memory stores on the wire."""

from typing import Annotated

from pydantic import Field

from trunkline.platform.http.wire import Wire, WireInput, example

Title = Annotated[str, Field(max_length=1000)]


class StoreWrite(WireInput):
    """What may be written. What is left out keeps its value, or is empty at first."""

    model_config = example(title="Orders", description="What somebody has ordered before.")

    title: Title | None = None
    description: str | None = None


class StoreNamed(WireInput):
    """Which store is meant, where the path does not say it (the spelling of 2025)."""

    model_config = example(memory_store_id="0b7d3a4e-6a0e-4c5f-9a58-2c1f8f7f6f10")

    memory_store_id: str | None = None
    id: str | None = None


class StoreNamedWrite(StoreNamed, StoreWrite):
    """Which store to change, and how."""

    model_config = example(memory_store_id="0b7d3a4e-6a0e-4c5f-9a58-2c1f8f7f6f10", title="Likes")


class StoreId(Wire):
    """Which store was changed."""

    id: str


class StoreCreated(Wire):
    """A new store."""

    id: str
    title: str
    description: str
    workspace_id: str
    number_of_contacts: int
    number_of_agents: int
    created_at: str
    updated_at: str


class StoreOut(Wire):
    """A store, alone and in a list."""

    id: str
    title: str
    workspace_id: str
    created_at: str
    updated_at: str
    contact_ids: list[str]


class MemoryData(Wire):
    """What a store holds of one contact; `memory` is empty until something was remembered."""

    memory_store_id: str
    memory_store_title: str
    memory: str
    created_at: str
    updated_at: str
