"""A custom action as a tool: what of it is left to the model, and running it with everything else bound by us."""

import json
from collections.abc import Mapping
from typing import Any

from trunkline.platform.outbound.masking import MASK, is_secret
from trunkline.resources.actions.custom import request_of, typed
from trunkline.resources.actions.custom import run as send
from trunkline.resources.actions.results import variables_of
from trunkline.resources.actions.work import Means, Occasion, Outcome, PlannedAction
from trunkline.resources.holes import SYSTEM, as_texts, substitute
from trunkline.resources.webhooks.record import Delivery
from trunkline.voice.conversation.profile import Tool, ToolManner

_TYPES: Mapping[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "list": {"type": "array", "items": {"type": "string"}},
    "money": {"type": "number"},
    "phone_number": {"type": "string"},
    "email": {"type": "string"},
    "datetime": {"type": "string"},
    "utc_datetime": {"type": "string"},
}
_FORMS = {
    "money": "An amount, without its currency.",
    "phone_number": "A phone number such as +14155550100.",
    "email": "An email address.",
    "datetime": "A date and time such as 2026-03-01T14:30:00.",
    "utc_datetime": "A date and time in UTC such as 2026-03-01T14:30:00Z.",
}


def tool_of(action: PlannedAction) -> Tool:
    """The action with those inputs alone that the agent leaves to the model."""
    told = _told(action)
    asked = _left_to_model(action)
    parameters = {
        "type": "object",
        "properties": {each["name"]: _property(each, told.get(each["name"], {})) for each in asked},
        "required": [each["name"] for each in asked if told.get(each["name"], {}).get("required", True)],
        "additionalProperties": False,
    }
    manner = _manner(action.settings)
    about = [action.description or f"Run {action.name}."]
    if manner.natural:
        wording = (manner.start, action.settings.get("prompt") or "")
        about += [f"Before you call it, say in your own words: {each}" for each in wording if each]
    return Tool(action.name, " ".join(about), parameters, manner)


def _manner(settings: Mapping[str, Any]) -> ToolManner:
    """What is said and heard while it runs; `speech_while_using_the_tool` is the older name of the first phrase."""
    delay = settings.get("message_delay_time")
    start = settings.get("message_before_action_starts") or settings.get("speech_while_using_the_tool")
    return ToolManner(
        start=start or "",
        delay=settings.get("message_delay") or "",
        delay_after=ToolManner.delay_after if delay is None else float(delay),
        failure=settings.get("message_error") or "",
        natural=bool(settings.get("agent_speak_naturally")),
        sound=settings.get("action_sound") or "",
        timeout=float(settings["failure_timeout"]),
    )


def fixed_inputs(action: PlannedAction) -> dict[str, str]:
    """What the agent's settings say, whatever the model thinks."""
    stored = {each["key"]: each["value"] for each in action.settings.get("variables_before_the_call") or []}
    mapped = {
        each["variable_name"]: each.get("hardcoded_value") or ""
        for each in action.mapping
        if each["source"] == "hardcoded"
    }
    return {name: value for name, value in {**stored, **mapped}.items() if name not in SYSTEM}


def shown_inputs(action: PlannedAction) -> dict[str, str]:
    """The fixed inputs for the record: without secrets, as far as names tell."""
    return {name: MASK if is_secret(name) else value for name, value in fixed_inputs(action).items()}


def inputs_of(
    action: PlannedAction, arguments: Mapping[str, Any], variables: Mapping[str, Any]
) -> dict[str, Any]:
    """All inputs of one run. `arguments` give those alone that are left to the model, else the talk's variables."""
    texts = as_texts(variables)
    fixed = {name: substitute(value, texts) for name, value in fixed_inputs(action).items()}
    left = {each["name"] for each in _left_to_model(action)}
    inputs: dict[str, Any] = dict(fixed)
    for each in action.settings.get("variables_during_the_call") or []:
        name = each["name"]
        value = fixed.get(name, variables.get(name))
        if name in left and arguments.get(name) is not None:
            value = arguments[name]
        inputs[name] = typed(value, each["type"])
    return inputs


async def run(
    means: Means, action: PlannedAction, arguments: Mapping[str, Any], occasion: Occasion
) -> Outcome:
    """Send the request once; its answer is the value, and becomes variables."""
    inputs = inputs_of(action, arguments, occasion.variables)
    missing = [name for name in _demanded(action) if inputs.get(name) in (None, "")]
    if missing:
        error = f"Nothing was sent: {', '.join(missing)} is missing. Ask for it, then call this again."
        return Outcome(
            {"error": "missing_input", "message": error, "missing": missing}, ok=False, error=error
        )
    request = request_of(action.settings, occasion.variables, inputs)
    # A receiver knows by it a run that is repeated after a crash.
    request.headers.setdefault("Idempotency-Key", occasion.run_id)
    return _outcome(await send(means.outbound, request, occasion.purpose_of(action), means.given_up))


def _told(action: PlannedAction) -> dict[str, Mapping[str, Any]]:
    return {each["variable_name"]: each.get("llm_config") or {} for each in action.mapping}


def _left_to_model(action: PlannedAction) -> list[Mapping[str, Any]]:
    taken = SYSTEM | set(fixed_inputs(action))
    asked = action.settings.get("variables_during_the_call") or []
    return [each for each in asked if each["name"] not in taken]


def _demanded(action: PlannedAction) -> list[str]:
    """Inputs that an agent's settings say must be there."""
    told = _told(action)
    return [
        each["name"] for each in _left_to_model(action) if told.get(each["name"], {}).get("required") is True
    ]


def _property(variable: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    about = told.get("description") or variable["description"]
    example = told.get("example") or variable["example"]
    parts = (about, _FORMS.get(variable["type"], ""), f"For example: {example}" if example else "")
    return {**_TYPES[variable["type"]], "description": " ".join(part for part in parts if part)}


def _outcome(delivery: Delivery) -> Outcome:
    answer = delivery.answer
    if answer is None:
        kind = "timeout" if delivery.timed_out else "not_reached"
        told: dict[str, Any] = {"error": kind, "message": f"{delivery.error}."}
        return Outcome(told, ok=False, error=delivery.error, timed_out=delivery.timed_out, sent=(delivery,))
    value = _read(answer.body)
    if not delivery.succeeded:
        error = f"The address answered {answer.status}."
        told = {"error": "refused", "message": error, "status": answer.status, "answer": value}
        return Outcome(told, ok=False, error=error, sent=(delivery,))
    return Outcome(value, variables=variables_of(value), sent=(delivery,))


def _read(body: bytes) -> Any:
    """JSON where it is some, else the text."""
    try:
        return json.loads(body) if body else {}
    except (ValueError, RecursionError):
        return body.decode(errors="replace")
