"""What the tests of simulations stand on: bodies, made things, a script for both sides of a call."""

from collections.abc import Sequence
from typing import Any

from tests.resources.api import BOX, Api
from tests.resources.contract import contract
from trunkline.errors import BadInput
from trunkline.resources.actions.work import Means
from trunkline.resources.simulations.assignments import Assignment, Report, Tell, perform
from trunkline.resources.simulations.callee import Callee
from trunkline.resources.simulations.line_calls import LineCalls
from trunkline.resources.simulations.suite_file import Level
from trunkline.resources.simulations.tasks import SimulationTasks
from trunkline.resources.simulations.text_level import OnEvent
from trunkline.resources.simulations.trials import Play, Subject, in_text
from trunkline.voice.answers import Answers
from trunkline.voice.driver.ports import RunTool
from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel

CRITERIA = ["The agent greets.", "The agent books a table."]
Verdict = tuple[bool, str]


def case_body(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Books a table",
        "prompt": "You are {who}, and you want a table for two.",
        "type": "custom",
        "success_criteria": CRITERIA,
        "call_success_type": "all",
        **changes,
    }


async def make_case(api: Api, **changes: Any) -> str:
    made = await api.send("POST", "/v2/simulation_cases", json=case_body(**changes))
    return str(made["response"]["simulation_case"]["simulation_case_id"])


async def make_suite(api: Api, agent: str, **changes: Any) -> str:
    body = {"name": "Evening", "model_id": agent, **changes}
    return str((await api.send("POST", "/v2/simulation_suites", json=body))["response"]["id"])


async def start(api: Api, case: str, agent: str, **changes: Any) -> dict[str, Any]:
    body = {"simulation_case_id": case, "target_agent_id": agent, **changes}
    run: dict[str, Any] = (await api.send("POST", "/v2/simulations", json=body))["response"]
    return run


def holds(answer: Any, method: str, path: str) -> None:
    """The answer is as the contract says."""
    assert contract.faults(answer, contract.answer_schema(method, path, 200)) == []


def call_script(
    agent: Sequence[Said], persona: Sequence[Said], verdicts: Sequence[Verdict] = ((True, "It did."),) * 2
) -> ScriptedLanguageModel:
    """A model that plays both sides in turn, and gives these verdicts when it is asked for them."""
    agents, personas = iter(agent), iter(persona)

    def rule(messages: Sequence[dict[str, Any]]) -> Said:
        system = messages[0]["content"]
        if "You judge telephone calls" in system:
            return {
                f"criterion_{n}": {
                    "quote": "Hello Ann" if success and "Hello Ann" in messages[-1]["content"] else "",
                    "reasoning": reasoning,
                    "verdict": "pass" if success else "fail",
                }
                for n, (success, reasoning) in enumerate(verdicts, 1)
            }
        return next(personas if "You are a person on the telephone" in system else agents)

    return ScriptedLanguageModel(rule=rule)


class InText:
    """Fulfils assignments.Levels with one level."""

    async def play(
        self,
        level: Level,
        subject: Subject,
        model: LanguageModel,
        answers: Answers,
        on_event: OnEvent,
        callee: Callee | None,
    ) -> Play:
        if level is not Level.TEXT:
            raise BadInput("Only text is played here.")
        return in_text(model, on_event)


class Here:
    """Fulfils tasks.Player in this process, by JSON both ways as a child does."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    async def play(self, assignment: Assignment, tell: Tell, run_tool: RunTool) -> Report:
        asked = Assignment.model_validate_json(assignment.model_dump_json(exclude_unset=True))
        report = await perform(asked, InText(), self._model, tell, run_tool)
        return Report.model_validate_json(report.model_dump_json(exclude_unset=True))


def tasks_of(api: Api, model: LanguageModel) -> SimulationTasks:
    """What a worker does, with this model for both sides and the judge."""
    return SimulationTasks(means_of(api), api.blobs, Here(model), line_calls_of(api))


def means_of(api: Api) -> Means:
    """What the agents' own actions work with, where they are really run."""
    return Means(api.database, BOX, api.platform.outbound)


def line_calls_of(api: Api) -> LineCalls:
    """What announces real calls."""
    return LineCalls(api.database, BOX, api.platform.nodes)


BYE = Line("Goodbye.", tool="end_call")
