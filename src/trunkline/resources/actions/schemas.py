"""Actions as they are read; how they are written is in `writes.py`."""

from typing import Any, Literal

from pydantic import Field

from trunkline.platform.http.pagination import Pagination
from trunkline.platform.http.wire import Wire
from trunkline.resources.actions.writes import ActionType, AttachmentType


class ActionCreated(Wire):
    """A new action; `action_type` is a name for people."""

    action_id: str
    action_type: str
    prompt_variables: list[str]


class ActionAdded(Wire):
    """The answer to create."""

    status: Literal["success"]
    response: ActionCreated


class ActionId(Wire):
    """Which action was written."""

    action_id: str


class Nothing(Wire):
    """An empty object."""


class ActionListItem(Wire):
    """An action in a list. Secrets in `parameters_hard_coded` are masked."""

    action_id: str
    action_type: ActionType
    name: str
    description: str
    parameters_hard_coded: dict[str, Any]
    """The type's body."""


class ActionInput(Wire):
    """An input of an action."""

    name: str
    type: Literal["string", "integer", "number", "boolean"]
    description: str
    example: str


class AssistantMapping(Wire):
    """An agent that has the action."""

    model_id: str
    attachment_type: AttachmentType
    input_variables_mapping: list[dict[str, Any]]


class ActionInputs(Wire):
    """The inputs, and with `include_assistants` where agents take them from."""

    values: list[ActionInput]
    assistants: list[AssistantMapping] = Field(default_factory=list)


class ActionOut(ActionListItem):
    """One action; `assistants` is there with `include_assistants`."""

    input_variables: ActionInputs
    assistants: list[str] = Field(default_factory=list)


class ActionPage(Wire):
    """A page of actions."""

    pagination: Pagination
    actions: list[ActionListItem]


class SingleAction(Wire):
    """One action."""

    actions: list[ActionOut]


class AgentInput(Wire):
    """An input that the model fills for an agent."""

    name: str
    type: str
    description: str | None
    example: str | None
    required: bool | None


class AgentActionInputs(Wire):
    """The inputs of one of an agent's actions."""

    action_id: str
    values: list[AgentInput]
    trigger_condition: str | None
