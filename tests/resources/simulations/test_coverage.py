"""What was tried of an agent: actions, transfers, sentences of the prompt, ends."""

from pathlib import Path
from typing import Any

import pytest

from trunkline.resources.agents.schemas import AgentCreate
from trunkline.resources.simulations.coverage import Part, coverage, sentences
from trunkline.resources.simulations.happenings import Called, Happenings
from trunkline.resources.simulations.suite_file import Suite, SuiteFile
from trunkline.resources.simulations.trials import Observed, Subject, Trial
from trunkline.resources.simulations.verdicts import Outcome

PROMPT = """# Who you are
You are Ada. Never give medical
advice to anyone.
- Ask for the name first.
"""
AGENT = {
    "type": "inbound",
    "name": "Desk",
    "agent": {"prompt": PROMPT, "greeting_message": "Hi.", "end_call_reasons": ["The caller is rude"]},
}


def suite() -> Suite:
    case = {
        "name": "One",
        "persona": {"goal": "You want a visit."},
        "covers": ["never give  MEDICAL advice"],
        "tools": {"passes": {"answers": [{"transfers_to": "+1555"}]}},
        "rules": [{"rule": "transferred_to", "target": "sales"}],
    }
    other = {**case, "name": "Two", "covers": []}
    file = SuiteFile.model_validate({"agent": AGENT, "tools": {"book": {}}, "cases": [case, other]})
    assert isinstance(file.agent, AgentCreate)
    return Suite("Desk", Path("suite.yaml"), file, file.agent)


def trial(case: str, outcome: Outcome | None = Outcome.FAIL, **happened: Any) -> Trial:
    return Trial(case, 1, 1, Observed(Happenings(**happened)), (), outcome)


def test_each_part_is_counted_by_trials() -> None:
    what = suite()
    assert isinstance(what.agent, AgentCreate)
    called = (Called("book"), Called("book"))
    cases = {case.name: what.planned(case, 1, 0).case for case in what.file.cases}
    trials = [
        trial("One", calls=called, end_reason="human_ended"),
        trial("One", transfers=("+1555",), end_reason="transferred"),
        trial("Two", end_reason="custom_end_call", end_detail="The caller is rude"),
        trial("Two", None, calls=called, end_reason="agent_ended"),
    ]
    found = coverage(Subject.of(what.agent), [(cases[each.case], each) for each in trials])
    assert found.actions == (Part("book", 1), Part("passes", 0))
    assert found.transfers == (Part("+1555", 1), Part("sales", 0))
    assert found.prompt_rules == (
        Part("You are Ada.", 0),
        Part("Never give medical advice to anyone.", 2),
        Part("Ask for the name first.", 0),
    )
    assert found.end_reasons == (
        Part("agent_ended", 0),
        Part("human_ended", 1),
        Part("transferred", 1),
        Part("The caller is rude", 1),
    )


@pytest.mark.parametrize(
    ("prompt", "told"),
    [
        ("", []),
        ('Say "No." Then hang up.', ['Say "No." Then hang up.']),
        ("We close at 5 p.m. on Friday.", ["We close at 5 p.m. on Friday."]),
        ("1. Greet.\n2) Ask.\n* Book.", ["Greet.", "Ask.", "Book."]),
        ("Öffnen Sie. Über Nacht zu.", ["Öffnen Sie.", "Über Nacht zu."]),
    ],
    ids=["empty", "quoted", "abbreviation", "bullets", "umlauts"],
)
def test_a_prompt_is_told_in_sentences(prompt: str, told: list[str]) -> None:
    assert sentences(prompt) == told
