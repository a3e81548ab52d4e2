"""What a transfer is to do, read off its action when it is asked for: the holes are filled with what is known then."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from trunkline.errors import BadInput
from trunkline.resources.actions.filling import in_line
from trunkline.resources.actions.work import PHONE_BOOK_ENTRIES, PlannedAction
from trunkline.resources.holes import as_texts, fill_message
from trunkline.resources.transfers.outcome import Failure, Reason
from trunkline.resources.weekly_hours import is_open
from trunkline.voice.conversation.profile import Tool, ToolManner

MOST_HEADERS = 2048
"""Characters of all headers that a transfer adds: a longer INVITE is cut into pieces over UDP, and pieces get lost."""
SUMMARY = "{summary}"
"""The hole in a header's value for what the call was about; it is filled when the model has told."""
_HEADER = re.compile(r"X-[A-Za-z0-9\-_]+")
_DESTINATION = "destination"
_SHOWN = ("transfer_mode", "phone", "phone_book_id", "timeout", "digits")
"""Settings that stand on the record of a transfer."""


class Mode(StrEnum):
    """How a person takes over."""

    BLIND = "cold_transfer"
    """At once, by REFER on the caller's line."""
    WARM = "warm_transfer"
    """After they have heard a message."""
    WARM_WITH_CONTEXT = "warm_transfer_with_context"
    """After they have heard what the call was about."""


@dataclass(frozen=True)
class Choice:
    """One destination that the model may choose."""

    name: str
    destination: str
    condition: str = ""
    """In plain words, when it is the right one."""


@dataclass(frozen=True)
class TransferOrder:
    """One transfer, everything decided. Times are in seconds."""

    mode: Mode
    destination: str
    ring_timeout: float = 30.0
    message: str = ""
    """What the person hears before they are joined."""
    summary_prompt: str = ""
    """Steers the summary."""
    goodbye: str = ""
    """Said to the caller before they are joined."""
    digits: str = ""
    """Keys to press once somebody has answered; a comma or a `w` is a pause."""
    detect_human: bool = True
    detect_timeout: float = 30.0
    screened: bool = False
    """The person is asked whether they take the call."""
    preserve_caller_id: bool = False
    record: bool = True
    """Go on recording once they are joined."""
    music: bool = True
    """The caller hears music while waiting; else silence."""
    headers: Mapping[str, str] | None = None
    release_media: bool = False
    """Ask the caller's system to join them without us; a bridge where it will not."""
    chosen: str = ""
    """The name of the choice, where there were several …"""
    others: tuple[str, ...] = ()
    """… and the names of those that are left."""


def choices_of(action: PlannedAction) -> tuple[Choice, ...]:
    """Where the action may lead: its own destination, or the entries of its phone book."""
    entries: Sequence[Mapping[str, Any]] | None = action.settings.get(PHONE_BOOK_ENTRIES)
    if entries is None:
        return (Choice("", str(action.settings.get("phone") or "")),)
    return tuple(
        Choice(f"destination_{n}", entry["phone_number"], entry["transfer_condition"])
        for n, entry in enumerate(entries, 1)
    )


def tool_of(action: PlannedAction) -> Tool:
    """What the model sees: when to transfer, and of several destinations when each is right; no number or address."""
    description = str(action.settings.get("instructions") or action.description)
    choices = choices_of(action)
    record = {"parameters_hard_coded": {name: action.settings.get(name) for name in _SHOWN}}
    manner = ToolManner(
        start=str(action.settings.get("initiating_msg") or ""),
        failure=str(action.settings.get("failed_msg") or ""),
    )
    if PHONE_BOOK_ENTRIES not in action.settings:
        nothing = {"type": "object", "properties": {}, "additionalProperties": False}
        return Tool(action.name, description, nothing, manner, record)
    conditions = "\n".join(f"{choice.name}: {choice.condition}" for choice in choices)
    one = {"type": "string", "enum": [choice.name for choice in choices]}
    return Tool(
        action.name,
        f"{description}\nChoose the destination whose condition holds:\n{conditions}",
        {
            "type": "object",
            "properties": {_DESTINATION: one},
            "required": [_DESTINATION],
            "additionalProperties": False,
        },
        manner,
        record,
    )


def order_of(
    action: PlannedAction, arguments: Mapping[str, Any], variables: Mapping[str, Any]
) -> TransferOrder:
    """The transfer that the model asked for; of its arguments only the name of a configured choice counts.

    Raises BadInput for a choice that there is not, a destination that stayed empty, or headers that cannot travel.
    """
    settings = action.settings
    choices = choices_of(action)
    choice = _chosen(choices, arguments)
    filled = as_texts(variables)
    destination = in_line(choice.destination, variables).strip()
    if not destination or "{" in destination:
        raise BadInput(
            f"The destination {choice.destination!r} was not filled; does the action before give that result?"
        )

    def words(name: str) -> str:
        return fill_message(str(settings.get(name) or ""), filled)

    detect_human = settings.get("human_detection")
    return TransferOrder(
        mode=Mode(settings["transfer_mode"]),
        destination=destination,
        ring_timeout=float(settings.get("timeout") or TransferOrder.ring_timeout),
        message=words("message_to_transfer_target"),
        summary_prompt=words("summarization_prompt"),
        goodbye=words("goodbye_msg"),
        digits=str(settings.get("digits") or ""),
        detect_human=True if detect_human is None else bool(detect_human),
        detect_timeout=float(settings.get("human_detection_timeout_seconds") or TransferOrder.detect_timeout),
        screened=bool(settings.get("screened")),
        preserve_caller_id=bool(settings.get("preserve_caller_id")),
        record=not settings.get("stop_recording_after_transfer"),
        music=settings.get("enable_background_music") is not False,
        headers=_headers(settings.get("sip_headers") or (), variables),
        release_media=bool(settings.get("release_media")),
        chosen=choice.name,
        others=tuple(each.name for each in choices if each is not choice),
    )


def with_summary(headers: Mapping[str, str], summary: str) -> dict[str, str]:
    """The headers with the summary in each of its holes, on one line, cut to what headers may hold."""
    room = MOST_HEADERS - sum(len(name) + len(value) + 4 for name, value in headers.items())
    holes = sum(value.count(SUMMARY) for value in headers.values())
    told = in_line(SUMMARY, {"summary": summary})[: max(room, 0) // max(holes, 1)]
    return {name: value.replace(SUMMARY, told) for name, value in headers.items()}


def closed(action: PlannedAction, now: datetime, variables: Mapping[str, Any]) -> Failure | None:
    """Why nobody is there at this hour; None where somebody is, or no hours are set."""
    hours = action.settings.get("human_availability")
    if not hours or not hours.get("active"):
        return None
    if is_open(hours["schedule"], now, hours["timezone"]):
        return None
    said = fill_message(str(hours.get("unavailable_message") or ""), as_texts(variables))
    return Failure(Reason.OUTSIDE_AVAILABILITY, text=said or "Nobody is available at this hour.", said=said)


def _chosen(choices: Sequence[Choice], arguments: Mapping[str, Any]) -> Choice:
    if len(choices) == 1:
        return choices[0]
    name = arguments.get(_DESTINATION)
    for choice in choices:
        if choice.name == name:
            return choice
    names = ", ".join(choice.name for choice in choices) or "none: the phone book is empty"
    raise BadInput(f"{_DESTINATION}: choose one of {names}.")


def _headers(sent: Sequence[Mapping[str, str]], variables: Mapping[str, Any]) -> dict[str, str]:
    headers = {each["name"]: in_line(each["value"], variables) for each in sent}
    for name in headers:
        if not _HEADER.fullmatch(name):
            raise BadInput(f"sip_headers: {name!r} is no name of an X- header.")
    if sum(len(name) + len(value) + 4 for name, value in headers.items()) > MOST_HEADERS:
        raise BadInput(f"sip_headers: they hold more than {MOST_HEADERS} characters once filled; send less.")
    return headers
