"""What an agent of the benchmark is: its house, how its model behaves, who calls, and what is wrong with it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, TypeVar

from trunkline.resources.simulations.persona import Cue, Persona
from trunkline.resources.simulations.suite_file import MockedAnswer, MockedTool
from trunkline.voice.conversation.profile import Profile, Tool
from trunkline.voice.language.twins import Line, Rule

NOT_UNDERSTOOD = "I am sorry, I did not get that. Could you say it again?"
"""What every agent says to words that it has no answer for; of a tool's result it says nothing then."""


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

    @property
    def mocked(self) -> MockedTool:
        """As a suite would have it."""
        passed_on = tuple(
            MockedAnswer(when={"destination": name}, result=self.result, transfers_to=number)
            for name, number in self.transfers.items()
        )
        return MockedTool(
            description=self.tool.description,
            parameters=self.tool.parameters,
            answers=passed_on or (MockedAnswer(result=self.result),),
            stores=self.stores,
        )


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
    caller: Mapping[str, Cue]
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
    lines: Mapping[str, Cue] = field(default_factory=dict)
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

    @property
    def persona(self) -> Persona:
        """Who calls, or is called."""
        return Persona(script=tuple(_merged(self.house.caller, self.lines).values()))

    @property
    def mocks(self) -> dict[str, MockedTool]:
        """What its tools give."""
        return {each.tool.name: each.mocked for each in self.house.mocks}


@dataclass(frozen=True, kw_only=True)
class Defect(Variant):
    """An agent with one thing wrong."""

    kind: DefectClass
    decided_by: DecidedBy = DecidedBy.RULES


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


def line(to: str, say: str, **more: Any) -> Cue:
    """One thing that the caller says to what the agent has just said."""
    return Cue(to=to, say=say, **more)


def passed_on(read: str, say: str, destination: str) -> Answer:
    """An answer that passes the caller on."""
    return Answer(read, say, "transfer_call", {"destination": destination})


def passing_on(**numbers: str) -> Mock:
    """The tool that passes callers on; destination → number."""
    about = tool("transfer_call", "Passes the caller on", destination=tuple(numbers))
    return Mock(about, '{"status": "transferred"}', transfers=numbers)


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
