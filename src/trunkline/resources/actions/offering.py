"""Which module does actions of which type, and what of an agent's actions its model is offered."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from trunkline.resources.actions import custom_tool, server_tool
from trunkline.resources.actions.booking import BOOKING
from trunkline.resources.actions.messages import MESSAGES
from trunkline.resources.actions.work import PlannedAction, Work
from trunkline.resources.knowledge import answering
from trunkline.resources.transfers import work as transfers
from trunkline.voice.conversation.profile import END_CALL, SEND_DIGITS, Tool

WORK: Mapping[str, Work] = {
    "CUSTOM_ACTION": custom_tool,
    answering.TYPE: answering,
    server_tool.TYPE: server_tool,
    "LIVE_TRANSFER": transfers,
    "SEND_SMS": MESSAGES,
    "INCALL_SMS": MESSAGES,
    "INCALL_WHATSAPP": MESSAGES,
    "REAL_TIME_BOOKING": BOOKING,
}
"""By type; what is not here is no tool: extractors and evaluations are of after the talk."""
WIRE_TYPES = {
    "REAL_TIME_BOOKING": "calcom_booking_action_type",
    "SEND_SMS": "send_sms_action_type",
    "INCALL_SMS": "incall_sms_action_type",
    "INCALL_WHATSAPP": "incall_whatsapp_action_type",
    "CUSTOM_ACTION": "custom_function_action_type",
    answering.TYPE: "knowledge_base_action_type",
    server_tool.TYPE: "mcp_action_type",
    "LIVE_TRANSFER": "transfer_call_action_type",
}
"""`action_type` of the record (contract, section 5.5)."""
_LONGEST_NAME = 64
_TIMEOUT = 60.0
"""Seconds that an action has which does not say; one that waits for a reply has those of its waiting beside them."""
CALLS_ONLY = frozenset({"LIVE_TRANSFER", "INCALL_SMS", "INCALL_WHATSAPP"})
"""Types that mean something on calls alone."""
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True)
class OfferedAction:
    """An action as the model sees it."""

    tool: Tool
    action: PlannedAction


def offered(actions: Iterable[PlannedAction]) -> dict[str, OfferedAction]:
    """The actions that may run during a talk, by the name that the model calls; in their order."""
    found: dict[str, OfferedAction] = {}
    taken = {END_CALL.name, SEND_DIGITS.name}
    for action in actions:
        work = WORK.get(action.type)
        if work is None or action.phase != "during":
            continue
        tool = work.tool_of(action)
        name = unused(_safe(action), taken)
        taken.add(name)
        about = tool.description
        if action.trigger_condition:
            about = f"{about} Use it only in this case: {action.trigger_condition}"
        manner = tool.manner
        if manner.timeout is None and action.type != "LIVE_TRANSFER":
            manner = replace(manner, timeout=_TIMEOUT + float(action.settings.get("timeout_seconds") or 0))
        record = {**recorded(action), **tool.record}
        tool = replace(tool, name=name, description=about, manner=manner, record=record)
        found[name] = OfferedAction(tool, action)
    return found


def recorded(action: PlannedAction) -> dict[str, object]:
    """What the record of a run says of the action itself; no secret is in it."""
    return {
        "action": action.name,
        "action_type": WIRE_TYPES[action.type],
        "description": action.description,
        "parameters_hard_coded": custom_tool.shown_inputs(action),
    }


def _safe(action: PlannedAction) -> str:
    """The action's name in the letters that a tool's may have, or its type's."""
    return _NO_NAME.sub("_", action.name).strip("_") or action.type.lower()


def unused(name: str, taken: Iterable[str]) -> str:
    """The name, or one with a number behind it that is not taken."""
    others = set(taken)
    number, free = 1, name[:_LONGEST_NAME]
    while free in others:
        number += 1
        free = f"{name[: _LONGEST_NAME - 4]}_{number}"
    return free
