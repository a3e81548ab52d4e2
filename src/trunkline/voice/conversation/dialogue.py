"""What is said in a conversation, as the model sees it: prompt, history, tools, rules of the end.

Serves voice sessions, chats and text simulations alike; it knows nothing of sound. History never holds words that
were not heard.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trunkline.voice.conversation.ending import end_call
from trunkline.voice.conversation.profile import SEND_DIGITS, Medium, Profile, Tool

Message = dict[str, Any]

CUT_MARK = "… [interrupted]"
"""Ends what the agent said when the caller heard no more of it."""
_BEGIN = {
    Medium.CALL: "[The call has just been connected. Greet the caller.]",
    Medium.CHAT: "[The chat has just begun. Greet the user.]",
}
_RULES = {
    Medium.CALL: (
        "You are on a phone call. Answer in one or two short spoken sentences, without lists, markup or emoji. "
        "Ask at most one question at a time. If you do not know something, say so."
    ),
    Medium.CHAT: (
        "You are in a text chat. Answer in a few short sentences, without markup. "
        "Ask at most one question at a time. If you do not know something, say so."
    ),
}


_HOLE = re.compile(r"\{\s*([^{}]+?)\s*\}")
_FILLERS = " Speak as people do: now and then begin an answer with one short filler word of your language."
_BEGAN = {Medium.CALL: "The call began on", Medium.CHAT: "The chat began on"}


@dataclass
class Dialogue:
    """One conversation's words. Append-only but for the last turn of the user, which may be retracted."""

    profile: Profile
    history: list[Message] = field(default_factory=list)

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What the model may call."""
        profile = self.profile
        own = (
            (end_call(profile.end_conditions), profile.can_end_call),
            (SEND_DIGITS, profile.can_send_digits),
        )
        return (*profile.tools, *(tool for tool, offered in own if offered))

    def messages(self) -> tuple[Message, ...]:
        """The whole prompt. Each is a strict prefix of the next, so that an endpoint's cache holds."""
        head: Message = {"role": "system", "content": self._system()}
        first = next((message["role"] for message in self.history if message["role"] != "system"), None)
        if first != "user":
            return (head, {"role": "user", "content": _BEGIN[self.profile.medium]}, *self.history)
        return (head, *self.history)

    def _system(self) -> str:
        """What differs from call to call comes last: an endpoint's cache holds up to there."""
        profile = self.profile
        rules = _RULES[profile.medium] + (_FILLERS if profile.fillers else "")
        parts = (profile.prompt.strip(), rules, profile.memory, _when(profile))
        return "\n\n".join(part for part in parts if part)

    def preview(self, text: str) -> tuple[Message, ...]:
        """The prompt as it would be if the user's turn were this (a reply made on speculation)."""
        self.user_said(text)
        messages = self.messages()
        self.retract_user()
        return messages

    def user_said(self, text: str) -> None:
        """The user's turn is taken."""
        self.history.append({"role": "user", "content": text})

    def retract_user(self) -> None:
        """The user goes on speaking: the last turn was not whole. What the model was told meanwhile stays."""
        for index in reversed(range(len(self.history))):
            role = self.history[index]["role"]
            if role == "user":
                del self.history[index]
            if role != "system":
                return

    def told(self, text: str) -> None:
        """A note from outside that the model reads and the user does not hear."""
        self.history.append({"role": "system", "content": text})

    def agent_said(self, text: str, cut: bool = False) -> None:
        """What was heard of the agent's turn; `cut` when there was more."""
        content = f"{text.rstrip('.!?, ')}{CUT_MARK}" if cut and text else text
        if content:
            self.history.append({"role": "assistant", "content": content})

    def tool_called(self, call: str, name: str, arguments: dict[str, Any]) -> None:
        """The agent's turn asked for a tool; until it answers, the model reads that it still runs."""
        function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False, sort_keys=True)}
        calls = [{"id": call, "type": "function", "function": function}]
        self.history.append({"role": "assistant", "content": None, "tool_calls": calls})
        self.history.append({"role": "tool", "tool_call_id": call, "content": "(still running)"})

    def tool_answered(self, call: str, result: str) -> None:
        """What a tool gave back."""
        for message in self.history:
            if message["role"] == "tool" and message["tool_call_id"] == call:
                message["content"] = result

    def learned(self, variables: Mapping[str, str]) -> None:
        """Values for holes that the prompt still had; the model is told, for a prompt is never written anew."""
        for name in dict.fromkeys(_HOLE.findall(self.profile.prompt)):
            if name in variables:
                self.told(f"In your instructions, {{{name}}} now stands for: {variables[name]}")


def _when(profile: Profile) -> str:
    return f"{_BEGAN[profile.medium]} {profile.began}." if profile.began else ""


def clean(text: str) -> str:
    """The model's words as they may be said: no markup, no mark of ours that it copied."""
    for mark in (CUT_MARK, "[interrupted]"):
        text = text.replace(mark, "")
    return text.replace("**", "").replace("`", "").replace("#", "").strip()
