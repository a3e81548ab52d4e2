"""How rows of actions are shown."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from trunkline.resources.actions.models import Action, AgentAction
from trunkline.resources.actions.schemas import (
    ActionAdded,
    ActionCreated,
    ActionInput,
    ActionInputs,
    ActionListItem,
    ActionOut,
    AgentActionInputs,
    AgentInput,
    AssistantMapping,
)

_DISPLAYED = {
    "REAL_TIME_BOOKING": "Real-Time Booking",
    "INFORMATION_EXTRACTOR": "Information Extractor",
    "LIVE_TRANSFER": "Live Transfer",
    "SEND_SMS": "Send SMS",
    "INCALL_SMS": "In-Call SMS",
    "INCALL_WHATSAPP": "In-Call WhatsApp",
    "CUSTOM_ACTION": "Custom Action",
    "CUSTOM_EVAL": "Custom Evaluation",
}
InputType = Literal["string", "integer", "number", "boolean"]
_INPUT_TYPES: Mapping[str, InputType] = {
    "int": "integer",
    "float": "number",
    "money": "number",
    "bool": "boolean",
}


def added(action: Action) -> ActionAdded:
    """The answer to create."""
    return ActionAdded(
        status="success",
        response=ActionCreated(
            action_id=str(action.id), action_type=_DISPLAYED[action.type], prompt_variables=[]
        ),
    )


def shown_in_list(action: Action) -> ActionListItem:
    """An action in a list."""
    return ActionListItem(**_common(action))


def shown(action: Action, attached: Sequence[AgentAction] | None) -> ActionOut:
    """One action; with `attached`, where it is attached."""
    inputs = ActionInputs(values=_inputs(action.settings))
    if attached is None:
        return ActionOut(**_common(action), input_variables=inputs)
    inputs.assistants = [
        AssistantMapping.model_validate(
            {
                "model_id": str(each.agent_id),
                "attachment_type": each.attachment_type,
                "input_variables_mapping": each.input_variables_mapping,
            }
        )
        for each in attached
    ]
    agents = [str(each.agent_id) for each in attached]
    return ActionOut(**_common(action), input_variables=inputs, assistants=agents)


def inputs_of_agent(action: Action, attached: AgentAction) -> AgentActionInputs:
    """What the model fills in for an agent; fixed values are not its business."""
    mapped = {each["variable_name"]: each for each in attached.input_variables_mapping}
    values = []
    for variable in _inputs(action.settings):
        mapping = mapped.get(variable.name, {})
        if mapping.get("source") == "hardcoded":
            continue
        told = mapping.get("llm_config", {})
        values.append(
            AgentInput(
                name=variable.name,
                type=variable.type,
                description=told.get("description", variable.description),
                example=told.get("example", variable.example),
                required=told.get("required"),
            )
        )
    return AgentActionInputs(
        action_id=str(action.id), values=values, trigger_condition=attached.trigger_condition
    )


def _inputs(settings: Mapping[str, Any]) -> list[ActionInput]:
    return [
        ActionInput(
            name=each["name"],
            type=_INPUT_TYPES.get(each["type"], "string"),
            description=each["description"],
            example=each["example"],
        )
        for each in settings.get("variables_during_the_call", [])
    ]


def _common(action: Action) -> dict[str, Any]:
    body = action.settings
    if action.type == "SEND_SMS":
        body = {**body, "sms_message_text": body["content"]}
    return {
        "action_id": str(action.id),
        "action_type": action.type,
        "name": action.name,
        "description": action.description,
        "parameters_hard_coded": body,
    }
