"""Real calls become cases: what their notes say, and that the case runs and passes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from trunkline.errors import BadInput
from trunkline.resources.agents.schemas import AgentCreate
from trunkline.resources.simulations import located, trials
from trunkline.resources.simulations.from_call import case_of
from trunkline.resources.simulations.suite_file import CaseFile, Suite, SuiteFile
from trunkline.resources.simulations.trials import Subject
from trunkline.resources.simulations.verdicts import Outcome
from trunkline.voice.conversation.events import Note
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel


def said(who: str, text: str, start: int, end: int, **more: Any) -> Note:
    return Note(end, f"{who}_said", {"text": text, "start_ms": start, "end_ms": end, **more})


def ran(call: str, name: str, result: str, ok: bool = True, **arguments: Any) -> list[Note]:
    return [
        Note(
            5000, "tool_started", {"call": call, "name": name, "arguments": arguments, "description": "Books"}
        ),
        Note(5100, "tool_finished", {"call": call, "name": name, "result": result, "ok": ok}),
    ]


ENDED = Note(9000, "ended", {"reason": "human_ended", "detail": ""})
CALL = [
    said("agent", "How may I help you?", 200, 1500),
    said("caller", "A visit: 10:30,", 2100, 3000),
    said("caller", "on the 1st, please.", 3300, 4000),
    *ran("a", "book", '{"booked": true}', day="Monday", time="10:30"),
    said("agent", "Booked. We are open from", 5200, 7000, cut=True),
    said("caller", "Yes, thanks. Bye.", 6200, 7400),
    ENDED,
]


def test_a_call_is_told_as_script_tools_and_rules() -> None:
    assert case_of("Call", CALL, {"who": "Miller"}) == {
        "name": "Call",
        "persona": {
            "script": [
                {"say": "A visit: 10:30, on the 1st, please.", "after_ms": 600},
                {"say": "Yes, thanks. Bye.", "breaks_in_ms": 1000, "hang_up": True},
            ]
        },
        "custom_variables": {"who": "Miller"},
        "tools": {
            "book": {
                "parameters": {"day": "day", "time": "time"},
                "answers": [{"result": {"booked": True}}],
                "description": "Books",
            }
        },
        "rules": [
            {"rule": "called", "action": "book", "arguments": {"day": "Monday", "time": "10:30"}},
            {"rule": "ended_by", "reason": ["human_ended", "agent_ended"]},
        ],
    }


def test_tools_give_in_order_what_they_gave() -> None:
    notes = [
        *CALL[:3],
        *ran("a", "book", "No.", ok=False, day="Monday"),
        *ran("b", "book", "Yes.", day="Tuesday"),
        ENDED,
    ]
    answers = case_of("Call", notes, {})["tools"]["book"]["answers"]
    assert answers == [{"result": "No.", "fails": True, "once": True}, {"result": "Yes."}]


def test_who_speaks_first_does_so_in_the_case_too() -> None:
    script = case_of("Call", [said("caller", "Hello?", 100, 500), *CALL], {})["persona"]["script"]
    assert script[0] == {"to": "^$", "say": "Hello?"}


@pytest.mark.parametrize(
    ("notes", "told"),
    [([CALL[0], ENDED], "words are not on its record"), (CALL[:-1], "has not ended")],
    ids=["no words", "not over"],
)
def test_what_is_no_case_is_refused(notes: list[Note], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        case_of("Call", notes, {})


async def test_the_case_is_yaml_that_runs_and_passes(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(yaml.safe_dump([case_of("Call", CALL, {})], sort_keys=False, allow_unicode=True))
    case = CaseFile.model_validate(located.read(path).value[0])
    agent = {"type": "inbound", "name": "Desk", "agent": {"greeting_message": "How may I help you?"}}
    file = SuiteFile.model_validate({"agent": agent, "cases": [case]})
    assert isinstance(file.agent, AgentCreate)

    def answers(messages: Any) -> Said:
        if "visit" in str(messages[-1]["content"]):
            return Line("", "book", {"day": "Monday", "time": "10:30"})
        return "Booked. We are open from nine to five."

    model = ScriptedLanguageModel(rule=answers)
    play = trials.in_text(model)
    what = Suite("Desk", path, file, file.agent)
    [trial] = [each async for each in trials.run(what, Subject.of(file.agent), play, model, 0)]
    assert trial.outcome is Outcome.PASS, trial.demands
