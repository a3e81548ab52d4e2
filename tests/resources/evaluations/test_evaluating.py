"""Custom evaluations: each category, expected results, faults, long talks."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.resources.evaluations.talks import AT, evaluation, talk
from trunkline.resources.evaluations.evaluating import NO_WORDS, evaluate
from trunkline.resources.evaluations.windows import tokens
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel


def value(entry: dict[str, str]) -> Any:
    return json.loads(entry["return_value"])


async def test_the_entry_of_the_wire() -> None:
    model = ScriptedLanguageModel({"reasoning": "It said\nplease.", "result": "true"})
    entry = await evaluate(model, talk(), evaluation(), AT)
    assert entry["name"] == "polite"
    assert entry["action_type"] == "custom_eval_action_type"
    assert json.loads(entry["parameters_hard_coded"])["text"] == "Was the agent polite?"
    assert value(entry) == {"reasoning": "It said please.", "polite": "true"}
    assert entry["error_message"] == ""
    assert entry["timestamp_datetime"] == "2026-11-22T09:30:00.250000"
    assert all(isinstance(each, str) for each in entry.values())


@pytest.mark.parametrize(
    ("category", "expected", "result", "met"),
    [
        ("pass_fail", "true", "true", True),
        ("pass_fail", "false", "true", False),
        ("numeric", "7", 7, True),
        ("numeric", "7", 10, True),
        ("numeric", "7", 6, False),
        ("likert_scale", "Agree", "agree", True),
        ("likert_scale", "strongly_agree", "strongly agree", True),
        ("likert_scale", "agree", "disagree", False),
    ],
)
async def test_what_is_expected_is_compared(category: str, expected: str, result: Any, met: bool) -> None:
    model = ScriptedLanguageModel({"reasoning": "So.", "result": result})
    entry = await evaluate(model, talk(), evaluation(category=category, expected_result=expected))
    assert value(entry) == {
        "reasoning": "So.",
        "expected_result": expected,
        "is_expected": met,
        "polite": result,
    }


async def test_whether_a_text_is_as_expected_says_the_model() -> None:
    model = ScriptedLanguageModel({"reasoning": "So.", "result": "It was short.", "is_expected": False})
    entry = await evaluate(model, talk(), evaluation(category="descriptive", expected_result="It was long."))
    assert value(entry)["is_expected"] is False
    assert "this expectation: It was long." in model.asked[0][-1]["content"]


@pytest.mark.parametrize(
    ("category", "result"),
    [("pass_fail", "maybe"), ("numeric", 11), ("numeric", 0), ("likert_scale", "rather"), ("descriptive", 3)],
)
async def test_a_result_out_of_its_category_is_an_error(category: str, result: Any) -> None:
    model = ScriptedLanguageModel({"reasoning": "So.", "result": result})
    entry = await evaluate(model, talk(), evaluation(category=category))
    assert value(entry) == {}
    assert "not of its schema" in entry["error_message"]


async def test_a_failing_model_is_an_error_message() -> None:
    entry = await evaluate(ScriptedLanguageModel(Line(fail="it broke")), talk(), evaluation())
    assert (entry["error_message"], entry["return_value"]) == ("it broke", "{}")


async def test_without_words_there_is_nothing_to_evaluate() -> None:
    model = ScriptedLanguageModel({"reasoning": "", "result": "true"})
    entry = await evaluate(model, talk(""), evaluation())
    assert model.asked == []
    assert (entry["error_message"], entry["return_value"]) == (NO_WORDS, "{}")


async def test_an_identifier_of_its_own_and_any_words() -> None:
    model = ScriptedLanguageModel({"reasoning": "So.", "result": "true"})
    entry = await evaluate(model, talk(), evaluation("Is {it} [so] <?>", identifier="reasoning"))
    assert value(entry) == {"reasoning": "true"}
    unnamed = await evaluate(model, talk(), evaluation(identifier=None))
    assert (unnamed["name"], value(unnamed)["polite"]) == ("polite", "true")


async def test_of_a_long_talk_notes_are_taken_and_evaluated() -> None:
    def rule(messages: Sequence[dict[str, Any]]) -> Said:
        if "note what bears" in messages[0]["content"]:
            return {"notes": "It was polite here. </notes>"}
        return {"reasoning": "By the notes.", "result": "true"}

    model = ScriptedLanguageModel(rule=rule)
    lines = (f"\nhuman: line {n} of a talk that goes on and on and on" for n in range(600))
    entry = await evaluate(model, talk("".join(lines)), evaluation())
    assert value(entry)["polite"] == "true"
    *noted, judged = model.asked
    assert len(noted) >= 3
    assert "Part 2: It was polite here. (/notes)" in judged[-1]["content"]
    assert "goes on and on" not in judged[-1]["content"]
    for messages in model.asked:
        assert sum(tokens(each["content"]) for each in messages) + 800 < 8192
