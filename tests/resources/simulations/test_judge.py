"""The judge's verdicts: quoted, or not at all."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from trunkline.resources.simulations import wire
from trunkline.resources.simulations.judge import judge, overall
from trunkline.resources.simulations.schemas import CallSuccess
from trunkline.resources.simulations.trials import Demand, Trial
from trunkline.resources.simulations.verdicts import Outcome, Verdict, cannot_tell, failed, passed
from trunkline.voice.language.twins import ScriptedLanguageModel

TALK = "agent: Is that Tuesday at ten?\ncaller: Yes, that's right.\n(line): The agent ended the call."


def said(verdict: str, quote: str = "", reasoning: str = "Because.") -> dict[str, Any]:
    return {"quote": quote, "reasoning": reasoning, "verdict": verdict}


async def judged(*members: dict[str, Any]) -> Verdict:
    model = ScriptedLanguageModel(*({"criterion_1": each} for each in members))
    [verdict] = await judge(model, "gpt-4.1", TALK, ["It asks."], panel=len(members))
    return verdict


@pytest.mark.parametrize(
    "quote", ["Tuesday at ten", "agent: Is that Tuesday at ten?", "“is that tuesday, at TEN”", "that's right"]
)
async def test_what_holds_is_quoted(quote: str) -> None:
    verdict = await judged(said("pass", quote))
    assert verdict.outcome is Outcome.PASS
    assert verdict.evidence != ()


@pytest.mark.parametrize(
    ("outcome", "quote", "told"),
    [
        ("pass", "", "nothing is quoted"),
        ("pass", "Wednesday", "nobody said it"),
        ("fail", "Wednesday", "nobody said it"),
        ("pass", "day at te", "nobody said it"),
        ("cannot_tell", "Tuesday", "Because."),
    ],
)
async def test_what_nobody_said_decides_nothing(outcome: str, quote: str, told: str) -> None:
    verdict = await judged(said(outcome, quote))
    assert verdict.outcome is Outcome.CANNOT_TELL
    assert told in verdict.reason


async def test_what_is_missing_cannot_be_quoted() -> None:
    assert await judged(said("fail")) == failed("Because.")


@pytest.mark.parametrize(
    ("votes", "outcome"),
    [("pass pass fail", "pass"), ("fail pass fail", "fail"), ("pass fail cannot_tell", "cannot_tell")],
)
async def test_more_than_half_of_a_panel_decide(votes: str, outcome: str) -> None:
    verdict = await judged(*(said(each, "Tuesday") for each in votes.split()))
    assert verdict.outcome.value == outcome


async def test_many_criteria_are_asked_in_parts_and_stay_in_order() -> None:
    outcomes = ["pass", "fail", "pass", "fail", "fail", "fail", "pass"]
    left: Iterator[str] = iter(outcomes)

    def rule(messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
        asked = messages[-1]["content"].split("Criteria:\n")[1].split("\n\n")[0].count("\n") + 1
        return {f"criterion_{n}": said(next(left), "ten") for n in range(1, asked + 1)}

    model = ScriptedLanguageModel(rule=rule)
    verdicts = await judge(model, "", TALK, [f"It does {n}." for n in range(7)])
    assert [each.outcome.value for each in verdicts] == outcomes
    assert len(model.asked) == 2


def trial(outcomes: Sequence[Verdict], success: CallSuccess) -> Trial:
    demands = tuple(Demand("judge", "It does.", each) for each in outcomes)
    return Trial("A", 1, 0, demands=demands, outcome=overall([each.outcome for each in outcomes], success))


def test_the_wire_has_no_word_for_cannot_tell() -> None:
    both = [passed("ten"), cannot_tell("Nobody asked.")]
    found = wire.analysis(trial(both, CallSuccess.ALL))
    assert found is not None
    assert (found.success, found.evaluations[1].success) == (False, False)
    assert found.evaluations[1].reasoning == "Cannot tell: Nobody asked."
    any_of_them = wire.analysis(trial(both, CallSuccess.ANY))
    assert any_of_them is not None
    assert any_of_them.success
    assert wire.analysis(trial([], CallSuccess.ALL)) is None
