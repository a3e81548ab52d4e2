"""Suites that are run: rules and judge together, errors, and what it all adds up to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trunkline.resources.agents.schemas import AgentCreate
from trunkline.resources.simulations import trials
from trunkline.resources.simulations.results import collected
from trunkline.resources.simulations.suite_file import Suite, SuiteFile
from trunkline.resources.simulations.trials import Subject, Trial
from trunkline.resources.simulations.verdicts import Outcome
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel

AGENT = {"type": "inbound", "name": "Desk", "agent": {"prompt": "Serve {who}.", "greeting_message": "Hi."}}


def suite(*cases: dict[str, Any], **changes: Any) -> Suite:
    file = SuiteFile.model_validate({"agent": AGENT, "cases": cases, **changes})
    assert isinstance(file.agent, AgentCreate)
    return Suite("Desk", Path("suite.yaml"), file, file.agent)


def case(name: str, **changes: Any) -> dict[str, Any]:
    script = [{"to": "Hi", "say": f"I am {name}."}, {"say": "Bye.", "hang_up": True}]
    rules = [{"rule": "said", "pattern": f"hello {name}"}]
    return {"name": name, "persona": {"script": script}, "rules": rules, **changes}


def greets(messages: Sequence[dict[str, Any]]) -> Said:
    said = str(messages[-1]["content"])
    if "You judge" in messages[0]["content"]:
        return {"criterion_1": {"quote": "Hello", "reasoning": "It does.", "verdict": "pass"}}
    if "Zoe" in said:
        return Line("", fail="the model is away")
    return Line(said.replace("I am", "Hello"))


async def ran(what: Suite, at_once: int = 1) -> tuple[list[Trial], ScriptedLanguageModel]:
    assert isinstance(what.agent, AgentCreate)
    model = ScriptedLanguageModel(rule=greets)
    play = trials.in_text(model)
    found = trials.run(what, Subject.of(what.agent), play, model, what.file.seed, at_once)
    return [each async for each in found], model


async def test_a_trial_that_cannot_be_made_says_so_and_stops_none() -> None:
    what = suite(case("Ann"), case("Zoe"), case("Bob"))
    found, _ = await ran(what, at_once=2)
    result = collected(what, "Desk", "text", 0, found)
    assert [each.passed for each in result.cases] == [True, False, True]
    assert result.errors == ["the model is away"]


async def test_rules_come_first_then_criteria_with_their_variables() -> None:
    variables = {"who": "Miller"}
    what = suite(case("Ann", success_criteria=["It greets for {who}."], custom_variables=variables))
    [trial], model = await ran(what)
    assert [(each.by, each.what) for each in trial.demands] == [
        ("rule", "said pattern: hello Ann"),
        ("judge", "It greets for Miller."),
    ]
    assert trial.outcome is Outcome.PASS
    assert "caller: I am Ann.\nagent: Hello Ann." in model.asked[-1][-1]["content"]
    assert model.asked[0][0]["content"].startswith("Serve Miller.")


async def test_any_demand_may_do_and_shares_may_be_less_than_all() -> None:
    never = [{"rule": "said", "pattern": "never"}, {"rule": "said", "pattern": "hello"}]
    what = suite(case("Ann", rules=never), case("Bob", rules=never, call_success_type="any"), repeats=2)
    found, _ = await ran(what)
    result = collected(what, "Desk", "text", 0, found)
    assert [each.share for each in result.cases] == [0.0, 1.0]
    assert result.pass_hat(2) == 0.5


def test_a_seed_is_a_trials_own() -> None:
    seeds = {trials.seed_of(1, "Ann", 1), trials.seed_of(1, "Ann", 2), trials.seed_of(1, "Bob", 1)}
    assert len(seeds | {trials.seed_of(2, "Ann", 1)}) == 4
    assert trials.seed_of(1, "Ann", 1) in seeds
