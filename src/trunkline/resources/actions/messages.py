"""Messages as actions: SEND_SMS, INCALL_SMS, INCALL_WHATSAPP.

They go to the other party of the talk and to nobody else; the model fills holes of the text at most.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trunkline.resources.actions.work import Means, Occasion, Outcome, PlannedAction
from trunkline.resources.calls import phone
from trunkline.resources.holes import HOLE, MESSAGE_HOLE, SYSTEM, as_texts, fill_message
from trunkline.resources.messages.replies import Replies
from trunkline.resources.messages.sending import Sent, send
from trunkline.resources.messages.twilio import Channel, Outgoing
from trunkline.resources.vendors import VENDORS, Addresses, Vendors
from trunkline.voice.conversation.profile import Tool, ToolManner

REPLY_WITHIN = 60
"""Seconds that a reply is waited for where the action does not say."""
LONGEST_VALUE = 300
"""Characters that the model may put into one hole."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ .-]{0,63}")
_WHAT = {
    "SEND_SMS": "Send the other party a text message.",
    "INCALL_SMS": "Send the other party a text message now, while you talk.",
    "INCALL_WHATSAPP": "Send the other party a WhatsApp message now, while you talk.",
}
_SHOWN = (
    "content",
    "message_body",
    "content_sid",
    "content_variables",
    "wait_for_reply",
    "timeout_seconds",
    "fallback_message",
)
"""Settings on the record of a run."""
_REPLY_VARIABLE: Mapping[Channel, str] = {"sms": "sms_reply", "whatsapp": "whatsapp_reply"}


@dataclass(frozen=True)
class Messages:
    """The actions that are a message."""

    replies: Replies
    """Who waits in this process."""
    addresses: Addresses = VENDORS

    def tool_of(self, action: PlannedAction) -> Tool:
        """What the model sees: when to send it, and the holes that the talk has to fill."""
        settings = action.settings
        about = [_WHAT[action.type], action.description, settings.get("instructions") or ""]
        if settings.get("wait_for_reply"):
            about.append("It waits for the answer and gives it to you.")
        return Tool(
            name=action.name,
            description=" ".join(filter(None, about)),
            parameters={
                "type": "object",
                "properties": {name: _value_of(name) for name in _holes(settings)},
                "additionalProperties": False,
            },
            manner=ToolManner(start=settings.get("message_before_action") or ""),
            record={"parameters_hard_coded": {name: settings[name] for name in _SHOWN if settings.get(name)}},
        )

    async def run(
        self, means: Means, action: PlannedAction, arguments: Mapping[str, Any], occasion: Occasion
    ) -> Outcome:
        """Send the message, once for each `run_id`, and wait for the reply where the action says so.

        A reply becomes the variable `sms_reply` or `whatsapp_reply`. When none comes in time, `fallback_message` is
        the value's `say`.
        """
        message = message_of(action, arguments, occasion)
        if isinstance(message, str):
            return _failed(message)
        sent = await send(
            vendors_of(means, self.addresses),
            occasion.workspace_id,
            message,
            run_id=occasion.run_id,
            talk_id=occasion.talk_id,
            purpose=occasion.purpose_of(action),
        )
        outcome = _outcome(sent)
        if not (sent.ok and action.settings.get("wait_for_reply")) or sent.began is None:
            return outcome
        within = float(action.settings.get("timeout_seconds") or REPLY_WITHIN)
        reply = await self.replies.wait(means.database, occasion.workspace_id, message, sent.began, within)
        return _with_reply(outcome, message.channel, reply, action.settings.get("fallback_message") or "")


def vendors_of(means: Means, addresses: Addresses) -> Vendors:
    """Means, for services at these addresses."""
    return Vendors(means.database, means.secrets, means.outbound, addresses, means.given_up)


async def confirm(
    vendors: Vendors, action: PlannedAction, text: str, values: Mapping[str, str], occasion: Occasion
) -> Sent:
    """A text message that belongs to another action's run, such as a booking's; it is sent once for that run."""
    parties = _parties(occasion.variables)
    if isinstance(parties, str):
        return Sent(False, error=parties)
    return await send(
        vendors,
        occasion.workspace_id,
        Outgoing("sms", *parties, text=fill_message(text, values)),
        run_id=f"{occasion.run_id}:sms",
        talk_id=occasion.talk_id,
        purpose=occasion.purpose_of(action),
    )


def message_of(action: PlannedAction, arguments: Mapping[str, Any], occasion: Occasion) -> Outgoing | str:
    """The message with its holes filled, or why there can be none. The talk's variables win over `arguments`."""
    known = {name: value for name, value in occasion.variables.items() if value is not None}
    values = {**_filled_in(action.settings, arguments), **as_texts(known)}
    if missing := [name for name in _holes(action.settings) if name not in values]:
        return "the message lacks " + ", ".join(missing) + "; ask for it, then call this again"
    parties = _parties(values)
    if isinstance(parties, str):
        return parties
    if action.type == "INCALL_WHATSAPP":
        templates = action.settings.get("content_variables") or {}
        return Outgoing(
            "whatsapp",
            *parties,
            content_sid=action.settings["content_sid"],
            content_variables={name: fill_message(text, values) for name, text in templates.items()},
        )
    return Outgoing("sms", *parties, text=fill_message(_text(action.settings), values))


def _parties(variables: Mapping[str, Any]) -> tuple[str, str] | str:
    """The agent's number and the other party's, or why there is none of them."""
    theirs = str(variables.get("user_phone_number") or "")
    if not phone.is_e164(theirs):
        return "the other party's phone number is not known"
    both = (str(variables.get(name) or "") for name in ("from_phone_number", "to_phone_number"))
    ours = next((number for number in both if number != theirs and phone.is_e164(number)), None)
    if ours is None:
        return "this talk has no number of the agent's to send from"
    return ours, theirs


def _text(settings: Mapping[str, Any]) -> str:
    return str(settings.get("content") or settings.get("message_body") or "")


def _texts(settings: Mapping[str, Any]) -> Iterable[str]:
    return (_text(settings), *(settings.get("content_variables") or {}).values())


def _holes(settings: Mapping[str, Any]) -> list[str]:
    """The names that a talk may fill: not those of the system, and nothing that merely looks like a hole."""
    found = (
        name
        for text in _texts(settings)
        for pattern in (HOLE, MESSAGE_HOLE)
        for hole in pattern.finditer(text)
        for name in hole.groups()
        if name and _NAME.fullmatch(name) and name not in SYSTEM
    )
    return list(dict.fromkeys(found))


def _filled_in(settings: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, str]:
    """What the model filled in, of what it may."""
    given = {name: arguments.get(name) for name in _holes(settings)}
    return {
        name: value.strip()[:LONGEST_VALUE]
        for name, value in given.items()
        if isinstance(value, str) and value.strip()
    }


def _value_of(name: str) -> dict[str, Any]:
    about = f"What the message says for {name}, if nobody has filled it in yet."
    return {"type": "string", "maxLength": LONGEST_VALUE, "description": about}


def _failed(error: str) -> Outcome:
    return Outcome({"status": "failed", "error": error}, ok=False, error=error)


def _outcome(sent: Sent) -> Outcome:
    requests = (sent.delivery,) if sent.delivery else ()
    if not sent.ok:
        timed_out = sent.delivery is not None and sent.delivery.timed_out
        return replace(_failed(sent.error), sent=requests, timed_out=timed_out)
    return Outcome({"status": "sent", "message_id": sent.message_id}, sent=requests)


def _with_reply(outcome: Outcome, channel: Channel, reply: str | None, fallback: str) -> Outcome:
    told = {**outcome.value, "reply": reply}
    if reply is not None:
        return replace(outcome, value=told, variables={_REPLY_VARIABLE[channel]: reply}, wrote=reply)
    if fallback:
        told["say"] = fallback
    return replace(outcome, value=told)


REPLIES = Replies()
"""Those of this process who wait; `Wakeups.listen(RECEIVED, REPLIES.heard)` spares them up to a second."""
MESSAGES = Messages(REPLIES)
