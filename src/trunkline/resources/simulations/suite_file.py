"""A suite as a YAML file beside an agent: who is tested, who calls, and what must come of it.

    agent: agent.yaml
    tools:
      book_table:
        description: Books a table
        parameters: {name: Full name, time: "HH:MM"}
        stores: bookings
        answers: [{result: {booked: true}}]
    cases:
      - name: Books a table
        persona: {goal: You want a table for two at seven. Your name is Ann Lee.}
        rules:
          - {rule: called, action: book_table, arguments: {name: Ann Lee}}
        success_criteria:
          - The agent repeats the time before it books.

All that a suite may hold is in docs/simulation.md.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from trunkline.errors import BadInput
from trunkline.platform.http.wire import Json
from trunkline.resources.agents.schemas import AgentCreate
from trunkline.resources.simulations import located
from trunkline.resources.simulations.located import Located
from trunkline.resources.simulations.matching import Want
from trunkline.resources.simulations.persona import Persona
from trunkline.resources.simulations.rules import Rule
from trunkline.resources.simulations.schemas import CallSuccess
from trunkline.voice.conversation.profile import Tool

Text = Annotated[str, Field(min_length=1)]
_MOST_REPEATS = 1000
MOST_TURNS = 20
"""Of each side, where neither case nor suite says."""


class Level(StrEnum):
    """How much of a call is simulated."""

    TEXT = "text"
    VOICE = "voice"
    LINE = "line"


class Tools(StrEnum):
    """What comes of a call to one of the agent's own actions that a case does not mock."""

    MOCKED = "mocked"
    """Nothing: it fails; but a transfer goes through."""
    REAL = "real"
    """It is really run, as on a call. A transfer goes through, and nobody is telephoned."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AgentName(_Part):
    """An agent of the installation, by its id or its name."""

    id: str | None = None
    name: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.id is None) == (self.name is None):
            raise ValueError("give the agent's id or its name, one of them")
        return self


class MockedAnswer(_Part):
    """What a tool gives, to arguments like these."""

    when: dict[str, Want] = Field(default_factory=dict)
    """Each a value that must be equal, or `{pattern: …}`; {}: whatever they are."""
    result: Json = None
    """What the model reads: text, or JSON."""
    fails: bool = False
    """It is told as a failure, and nothing is stored."""
    once: bool = False
    """Given a single time; then the next that fits."""
    variables: dict[str, str] = Field(default_factory=dict)
    """Holes such as `{name}` that are filled from now on."""
    transfers_to: str | None = None
    """The caller is passed on there, and the talk is over."""


class MockedTool(_Part):
    """A tool that touches nothing: it gives what the case says."""

    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """A JSON schema of an object; or each parameter's name with its description or the values to choose from."""
    answers: Annotated[tuple[MockedAnswer, ...], Field(min_length=1)] = (MockedAnswer(result="Done."),)
    """The first that fits is given."""
    stores: str = ""
    """The list of the state that the arguments are added to; "" for a tool that changes nothing."""

    def tool(self, name: str) -> Tool:
        """As the model is offered it."""
        return Tool(name, self.description or name.replace("_", " "), _schema(self.parameters))


class Judge(_Part):
    """Who decides what no rule does."""

    model: str = ""
    """The language model's name; "": the agent's own."""
    panel: Annotated[int, Field(ge=1, le=9)] = 1
    """So many are asked, and more than half decide."""


class Case(_Part):
    """One call, to be made once for each repeat."""

    name: Text
    persona: Persona
    max_turns: Annotated[int, Field(ge=1, le=200)] | None = None
    """None: the suite's."""
    custom_variables: dict[str, Any] = Field(default_factory=dict)
    """Fill holes in the agent's prompt, in the persona's goal and in the criteria."""
    success_criteria: tuple[Text, ...] = ()
    """Sentences that a judge reads the talk for."""
    call_success_type: CallSuccess = CallSuccess.ALL
    """Of the rules and criteria together."""
    rules: tuple[Rule, ...] = ()
    tools: dict[str, MockedTool] = Field(default_factory=dict)
    """Over the suite's of the same name."""
    state: dict[str, Any] = Field(default_factory=dict)
    """The world of the mocked tools before the call."""
    repeats: Annotated[int, Field(ge=1, le=_MOST_REPEATS)] | None = None
    """None: the suite's."""
    covers: tuple[Text, ...] = ()
    """Words of the agent's prompt that the case is about; the report tells which sentences no case is about."""


class CaseFile(Case):
    """One that is written in a file."""

    @model_validator(mode="after")
    def _tested(self) -> Self:
        if not self.rules and not self.success_criteria:
            raise ValueError("a case needs rules or success_criteria, or nothing could be wrong")
        return self


class Planned(_Part):
    """One trial that is to be made, with all that decides it but the agent."""

    case: Case
    number: int = 1
    """Which repeat, from 1."""
    seed: int = 0
    """The suite's; the trial's own is drawn from it."""
    judge: Judge = Judge()


class SuiteFile(_Part):
    """The whole file."""

    name: str = ""
    """"": the file's."""
    agent: str | AgentName | AgentCreate
    """A YAML file beside this one, an agent of the installation, or the agent itself as the API takes it."""
    level: Level = Level.TEXT
    repeats: Annotated[int, Field(ge=1, le=_MOST_REPEATS)] = 1
    """So often each case is run, with another seed each time."""
    seed: int = 0
    max_turns: Annotated[int, Field(ge=1, le=200)] = MOST_TURNS
    """Of each side; then the talk is cut off."""
    judge: Judge = Judge()
    pass_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The share of a case's runs that must pass for the case to pass."""
    tools: dict[str, MockedTool] = Field(default_factory=dict)
    """Mocked for every case."""
    cases: Annotated[tuple[CaseFile, ...], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _told_apart(cls, value: Any) -> Any:
        """An agent in the file is read by its own schema, so that what is wrong with it is said once."""
        agent = value.get("agent") if isinstance(value, dict) else None
        if not isinstance(agent, dict):
            return value
        kind = AgentName if agent.keys() <= AgentName.model_fields.keys() else AgentCreate
        try:
            return {**value, "agent": kind.model_validate(agent)}
        except ValidationError as error:
            raise _within("agent", error) from None

    @model_validator(mode="after")
    def _told_apart_by_name(self) -> Self:
        names = [case.name for case in self.cases]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two cases are called {twice!r}; give each a name of its own")
        return self


@dataclass(frozen=True)
class Suite:
    """A suite that was read."""

    name: str
    path: Path
    file: SuiteFile
    agent: AgentName | AgentCreate

    def planned(self, case: Case, number: int, seed: int) -> "Planned":
        """A trial of a case, whole: with what it has from its suite."""
        tools = {**self.file.tools, **case.tools}
        whole = case.model_copy(update={"tools": tools, "max_turns": case.max_turns or self.file.max_turns})
        return Planned(case=whole, number=number, seed=seed, judge=self.file.judge)

    def runs(self, case: Case) -> int:
        """How often it is run."""
        return case.repeats or self.file.repeats


def read_suite(path: Path) -> Suite:
    """The suite in a file. Raises BadInput: what is wrong, each with file, line and remedy."""
    document = _mapping(path, "a suite has agent and cases")
    try:
        file = SuiteFile.model_validate(document.value)
    except ValidationError as error:
        raise document.refusal(error) from None
    if not isinstance(file.agent, str):
        return _covering(document, Suite(file.name or path.stem, path, file, file.agent))
    beside = path.parent / file.agent
    if not beside.is_file():
        raise document.wrong(("agent",), f"there is no file {beside}; name one beside the suite")
    return _covering(document, Suite(file.name or path.stem, path, file, read_agent(beside)))


def _covering(document: Located, suite: Suite) -> Suite:
    """The suite, if its agent's prompt has the words that its cases say they are about."""
    if isinstance(suite.agent, AgentName):
        return suite
    prompt = str(suite.agent.agent.sent().get("prompt") or "")
    for n, case in enumerate(suite.file.cases):
        for m, words in enumerate(case.covers):
            if not within(words, prompt):
                raise document.wrong(("cases", n, "covers", m), f"the agent's prompt has no words {words!r}")
    return suite


def within(words: str, text: str) -> bool:
    """Are the words in a text, whatever their case and spaces?"""
    return " ".join(words.casefold().split()) in " ".join(text.casefold().split())


def read_agent(path: Path) -> AgentCreate:
    """The agent in a file, as the API takes it. Raises BadInput."""
    document = _mapping(path, "an agent has type, name and agent")
    try:
        return AgentCreate.model_validate(document.value)
    except ValidationError as error:
        raise document.refusal(error) from None


def _mapping(path: Path, remedy: str) -> Located:
    document = located.read(path)
    if not isinstance(document.value, dict):
        raise BadInput(f"{path}:1: this is no mapping; {remedy}")
    return document


def _within(place: str, error: ValidationError) -> ValidationError:
    lines: list[Any] = [
        {
            "type": each["type"],
            "loc": (place, *each["loc"]),
            "input": each["input"],
            "ctx": each.get("ctx", {}),
        }
        for each in error.errors()
    ]
    return ValidationError.from_exception_data(error.title, lines)


def _schema(parameters: dict[str, Any]) -> dict[str, Any]:
    if parameters.get("type") == "object":
        return parameters
    properties = {
        name: {"type": "string", "enum": about}
        if isinstance(about, list)
        else about
        if isinstance(about, dict)
        else {"type": "string", "description": str(about)}
        for name, about in parameters.items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
