"""What an agent of the benchmark is: its house, how its model behaves, who calls, and what is wrong with it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar

from trunkline.voice.conversation.profile import Profile, Tool
from trunkline.voice.language.twins import Line, Rule

NOT_UNDERSTOOD = "I am sorry, I did not get that. Could you say it again?"
"""What every agent says to words that it has no answer for; of a tool's result it says nothing then."""
WHAT = "Sorry, what was that?"
"""What every caller says to what it has no line for."""
PATIENCE = 4
"""A caller hangs up rather than say the same line once more."""


_T = TypeVar("_T")


class DefectClass(StrEnum):
    """What kind of thing is wrong."""

    FORGETS_TO_CONFIRM = "forgets_to_confirm"
    WRONG_ARGUMENT = "wrong_argument"
    TALKS_OVER = "talks_over"
    LOOPS = "loops"
    LEAKS_DATA = "leaks_data"
    PROMISES = "promises"
    """What it cannot keep."""
    NEVER_ENDS = "never_ends"
    BREAKS_INSTRUCTION = "breaks_instruction"
    """Leaves out what it must say or do, or says what is forbidden."""
    WRONG_TOOL = "wrong_tool"
    """One that it must not call, or one too often, or too early."""
    WRONG_TRANSFER = "wrong_transfer"


class DecidedBy(StrEnum):
    """What is needed to see it."""

    RULES = "rules"
    JUDGE = "judge"
    """It is in the meaning of the words; no pattern that a case's author would write in advance finds it."""


class Level(StrEnum):
    """The lowest level of simulation at which it shows."""

    TEXT = "text"
    VOICE = "voice"


@dataclass(frozen=True)
class Answer:
    """What the model says or calls when it reads something."""

    read: str
    """A pattern in what it read last: the caller's turn or, where it begins with `^\\[`, `[tool {arguments}] result`."""
    say: str = ""
    tool: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mock:
    """A tool and what it gives."""

    tool: Tool
    result: str
    stores: str = ""
    """The list in the state of the world to which its arguments are added; "" for a tool that changes nothing."""
    transfers: Mapping[str, str] = field(default_factory=dict)
    """Argument `destination` → the number to which the call goes; the talk is over then."""


@dataclass(frozen=True)
class CallerLine:
    """One thing that the caller says."""

    to: str
    """A pattern in what the agent has just said; `^$` where the caller speaks first."""
    say: str
    after_ms: int = 600
    """From the agent's last sound to the caller's first."""
    breaks_in_ms: int | None = None
    """From the agent's first sound, whether it goes on or not; instead of `after_ms`."""
    pause_ms: int = 0
    """Silence before `rest`."""
    rest: str = ""
    """What follows the pause, still the same turn."""

    @property
    def text(self) -> str:
        """The whole turn."""
        return f"{self.say} {self.rest}".strip()


@dataclass(frozen=True)
class House:
    """A clean agent: its settings, its tools, the talk it is made for."""

    name: str
    profile: Profile
    mocks: tuple[Mock, ...]
    requirements: tuple[str, ...]
    """What its prompt demands, a sentence each: all that a case's author knows."""
    answers: Mapping[str, Answer]
    """By a name, so that a defect can change one; the first that fits is given."""
    caller: Mapping[str, CallerLine]
    persona: str
    outbound: bool = False


@dataclass(frozen=True)
class Variant:
    """An agent of a house that differs from it; without a defect unless it is a Defect."""

    name: str
    house: House
    about: str
    changed: Mapping[str, Answer] = field(default_factory=dict)
    """Answers in place of the house's of the same name; new names are tried before all others."""
    lines: Mapping[str, CallerLine] = field(default_factory=dict)
    """Likewise of the caller."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the profile."""
    level: Level = Level.TEXT

    @property
    def profile(self) -> Profile:
        """The agent as it talks."""
        tools = tuple(each.tool for each in self.house.mocks)
        return replace(self.house.profile, tools=tools, **self.settings)

    @property
    def rule(self) -> Rule:
        """How its model behaves, for a ScriptedLanguageModel."""
        return rule_of(tuple(_merged(self.house.answers, self.changed).values()))

    def caller(self) -> "Caller":
        """A fresh caller."""
        return Caller(tuple(_merged(self.house.caller, self.lines).values()))


@dataclass(frozen=True, kw_only=True)
class Defect(Variant):
    """An agent with one thing wrong."""

    kind: DefectClass
    decided_by: DecidedBy = DecidedBy.RULES


class Caller:
    """Says its lines as the agent gives occasion; deterministic."""

    def __init__(self, lines: Sequence[CallerLine]) -> None:
        self._lines = lines
        self._said: dict[CallerLine, int] = {}

    def reply(self, heard: str) -> CallerLine | None:
        """What is said to these words of the agent; None: hangs up.

        The first line that fits and was not said yet, else the last said one that fits: who is asked again answers again.
        """
        fitting = [line for line in self._lines if re.search(line.to, heard, re.IGNORECASE)]
        fresh = [line for line in fitting if line not in self._said]
        spent = [line for line in self._said if line in fitting]
        chosen = fresh[0] if fresh else spent[-1] if spent else CallerLine("", WHAT)
        if self._said.get(chosen, 0) >= PATIENCE:
            return None
        self._said[chosen] = self._said.pop(chosen, 0) + 1
        return chosen


def rule_of(answers: Sequence[Answer]) -> Rule:
    """A rule that gives the first answer that fits what the model read last; it remembers nothing."""

    def rule(messages: Sequence[dict[str, Any]]) -> Line:
        read = _last_read(messages)
        for answer in answers:
            of_tool = answer.read.startswith(r"^\[")
            if of_tool == read.startswith("[") and re.search(answer.read, read, re.IGNORECASE):
                return Line(answer.say, answer.tool, dict(answer.arguments))
        return Line("" if read.startswith("[") else NOT_UNDERSTOOD)

    return rule


def _last_read(messages: Sequence[dict[str, Any]]) -> str:
    calls: dict[str, str] = {}
    read = ""
    for message in messages:
        for call in message.get("tool_calls") or ():
            arguments = json.dumps(json.loads(call["function"]["arguments"]), sort_keys=True)
            calls[call["id"]] = f"{call['function']['name']} {arguments}"
        if message["role"] == "tool":
            read = f"[{calls[message['tool_call_id']]}] {message['content']}"
        elif message["role"] == "user":
            read = message["content"]
    return read


def _merged(usual: Mapping[str, _T], changed: Mapping[str, _T]) -> dict[str, _T]:
    new = {name: value for name, value in changed.items() if name not in usual}
    return new | {name: changed.get(name, value) for name, value in usual.items()}


def tool(name: str, description: str, /, **parameters: str | tuple[str, ...]) -> Tool:
    """A tool whose parameters are all strings that it needs: a description each, or the values to choose from."""
    properties = {
        key: {"type": "string", "description": value}
        if isinstance(value, str)
        else {"type": "string", "enum": list(value)}
        for key, value in parameters.items()
    }
    return Tool(
        name,
        description,
        {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        },
    )
