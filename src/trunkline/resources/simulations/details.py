"""What a case may hold beyond the contract: a persona in full, rules, mocked tools; and the plan of a run."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from trunkline.platform.http.wire import WireInput, example
from trunkline.resources.agents import vocabulary
from trunkline.resources.simulations.models import SimulationCase
from trunkline.resources.simulations.own_tools import OwnTool
from trunkline.resources.simulations.persona import Persona
from trunkline.resources.simulations.rules import Rule
from trunkline.resources.simulations.schemas import CallSuccess
from trunkline.resources.simulations.suite_file import Case, Judge, Level, MockedTool, Planned, Text

RUN_SECONDS = 900
"""The longest that a run may take, where nothing is said."""


class CaseDetails(WireInput):
    """What a case has beyond the contract; what is left out it does not have."""

    model_config = example(
        rules=[{"rule": "called", "action": "book_table", "arguments": {"people": 2}}],
        tools={"book_table": {"parameters": {"people": "How many"}, "stores": "bookings"}},
    )

    persona: Persona | None = None
    """Who calls, in full; in place of the case's `prompt`."""
    rules: tuple[Rule, ...] = ()
    """Decided before any judge is asked."""
    tools: dict[str, MockedTool] = Field(default_factory=dict)
    """What the agent may call, in place of its own actions, and what that gives."""
    state: dict[str, Any] = Field(default_factory=dict)
    """The world of the mocked tools before the call."""
    max_turns: Annotated[int, Field(ge=1, le=200)] | None = None
    """Of each side; null: as the session says."""
    covers: tuple[Text, ...] = ()
    """Words of the agent's prompt that the case is about: the coverage tells which sentences no case is about."""


class Plan(BaseModel):
    """All that decides a run but the agent."""

    model_config = ConfigDict(frozen=True)

    level: Level = Level.TEXT
    planned: Planned
    now: datetime
    """What the agent is told of the time."""
    tools: tuple[OwnTool, ...] = ()
    """The agent's own, as they were when the run was started."""
    real: bool = False
    """What the case does not mock of them is really run."""
    seconds: int = RUN_SECONDS
    """The longest that it may take, by the worker's clock."""

    def stored(self) -> dict[str, Any]:
        """As a row keeps it: what was not set stays unset."""
        return self.model_dump(mode="json", exclude_unset=True)


def details_of(case: SimulationCase) -> CaseDetails:
    """Those of a case; none for one that knows only the contract."""
    return CaseDetails.model_validate(case.details or {})


def planned(
    case: SimulationCase,
    language: str,
    *,
    variables: dict[str, Any],
    max_turns: int,
    number: int,
    seed: int,
    judge: Judge,
) -> Planned:
    """A trial of a case, whole. `language`: what the persona speaks where the case does not say."""
    details = details_of(case)
    spoken = vocabulary.DEFAULT_LANGUAGE if language == "multi" else language
    whole = Case(
        name=case.name,
        persona=details.persona or Persona(goal=case.prompt, language=spoken),
        max_turns=details.max_turns or max_turns,
        custom_variables=variables,
        success_criteria=tuple(case.success_criteria),
        call_success_type=CallSuccess(case.call_success_type),
        rules=details.rules,
        tools=details.tools,
        state=details.state,
        covers=details.covers,
    )
    return Planned(case=whole, number=number, seed=seed, judge=judge)
