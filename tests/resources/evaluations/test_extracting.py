"""Extractors: what is asked, what goes onto the wire, and that none of them blocks."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.resources.evaluations.talks import AT, extractor, talk
from trunkline.errors import ProviderTimeout, Unavailable
from trunkline.resources.actions.work import PlannedAction
from trunkline.resources.evaluations.extracting import answers, collected, extract, extract_all
from trunkline.voice.language.ports import Filled
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel


def value(entry: dict[str, str]) -> Any:
    return json.loads(entry["return_value"])


def asked(model: ScriptedLanguageModel) -> list[str]:
    return [str(messages[-1]["content"]) for messages in model.asked]


async def test_the_entry_of_the_wire() -> None:
    action = extractor("colour", condition="Which colour?", examples=["red"])
    entry = await extract(ScriptedLanguageModel({"answer_1": " blue "}), talk(), action, AT)
    assert entry == {
        "name": "info_extractor_colour",
        "action_type": "extract_info_action_type",
        "description": "",
        "parameters_hard_coded": json.dumps(dict(action.settings)),
        "parameters_from_llm": "{}",
        "return_value": '{"colour": "blue"}',
        "return_value_status": "",
        "error_message": "",
        "is_relevant_action": "true",
        "timestamp_datetime": "2026-11-22T09:30:00.250000",
        "timestamp": f"{AT.timestamp():.6f}",
    }


@pytest.mark.parametrize(
    ("action", "answer", "expected"),
    [
        (extractor(type_="YES_NO"), "yes", "yes"),
        (extractor(type_="YES_NO"), None, None),
        (extractor(type_="SINGLE_CHOICE", choices=["red", "blue"]), "blue", "blue"),
        (extractor(type_="SINGLE_CHOICE", choices=["red", "blue"]), None, None),
        (extractor(type_="SINGLE_CHOICE", choices=[]), "green", "green"),
        (extractor(), "", None),
    ],
    ids=["yes", "open yes or no", "choice", "no choice", "no choices given", "empty"],
)
async def test_an_answer(action: PlannedAction, answer: str | None, expected: str | None) -> None:
    entry = await extract(ScriptedLanguageModel({"answer_1": answer}), talk(), action)
    assert value(entry) == {"colour": expected}
    assert entry["error_message"] == ""


@pytest.mark.parametrize(
    ("action", "answer"),
    [
        (extractor(type_="YES_NO"), "perhaps"),
        (extractor(type_="SINGLE_CHOICE", choices=["red", "blue"]), "green"),
        (extractor(), 7),
    ],
    ids=["neither yes nor no", "no choice of the list", "no text"],
)
async def test_an_answer_out_of_form_is_an_error_and_no_value(action: PlannedAction, answer: Any) -> None:
    entry = await extract(ScriptedLanguageModel({"answer_1": answer}), talk(), action)
    assert value(entry) == {}
    assert "not of its schema" in entry["error_message"]


async def test_identifiers_and_texts_may_hold_anything() -> None:
    odd = 'What {is} [it] <called>, "really"? }{ ]['
    action = extractor(
        odd, "SINGLE_CHOICE", condition="{x} [y] <z>", choices=["{a}", "[b]", "<c>", 'say "d"']
    )
    model = ScriptedLanguageModel({"answer_1": "<c>"})
    entry = await extract(model, talk(), action)
    assert (entry["name"], value(entry)) == (f"info_extractor_{odd}", {odd: "<c>"})
    assert f"{odd}: {{x}} [y] <z>" in asked(model)[0]


async def test_all_are_asked_in_one_request() -> None:
    actions = [
        extractor("a", "YES_NO", condition="Is it so?"),
        extractor("b", "SINGLE_CHOICE", choices=["x", "y"]),
        extractor("c", examples=["Monday"]),
    ]
    model = ScriptedLanguageModel({"answer_1": "no", "answer_2": "y", "answer_3": None})
    entries = await extract_all(model, talk(), actions)
    assert len(model.asked) == 1
    assert answers(entries) == {"a": "no", "b": "y", "c": None}
    assert list(entries) == ["info_extractor_a", "info_extractor_b", "info_extractor_c"]
    for words in ("Is it so? (yes or no)", '(one of: ["x", "y"]', 'look like ["Monday"]'):
        assert words in asked(model)[0]


async def test_many_are_asked_ten_at_a_time() -> None:
    model = ScriptedLanguageModel({f"answer_{n}": str(n) for n in range(1, 11)}, {"answer_1": "last"})
    entries = await extract_all(model, talk(), [extractor(f"q{n}") for n in range(11)])
    assert len(model.asked) == 2
    assert answers(entries) == {**{f"q{n}": str(n + 1) for n in range(10)}, "q10": "last"}


async def test_one_that_fails_does_not_take_the_others_along() -> None:
    def rule(messages: Sequence[dict[str, Any]]) -> Said:
        said = messages[-1]["content"]
        if "wicked" in said:
            return "No form."
        return {"answer_1": "fine"}

    actions = [extractor("good"), extractor("wicked"), extractor("too")]
    entries = await extract_all(ScriptedLanguageModel(rule=rule), talk(), actions)
    assert answers(entries) == {"good": "fine", "too": "fine"}
    assert "not JSON" in entries["info_extractor_wicked"]["error_message"]


@pytest.mark.parametrize("fault", [ProviderTimeout("too slow"), Unavailable("none is set")], ids=str)
async def test_a_model_that_is_away_is_asked_once_and_is_every_ones_error(fault: Exception) -> None:
    class Away(ScriptedLanguageModel):
        times = 0

        async def fill(self, *arguments: Any) -> Filled:
            self.times += 1
            raise fault

    model = Away()
    entries = await extract_all(model, talk(), [extractor("a"), extractor("b")])
    assert {each["error_message"] for each in entries.values()} == {str(fault)}
    assert model.times == 1


async def test_a_failing_model_is_an_error_message() -> None:
    entry = await extract(ScriptedLanguageModel(Line(fail="it broke")), talk(), extractor())
    assert (entry["error_message"], entry["return_value"]) == ("it broke", "{}")


async def test_without_words_nothing_is_asked_and_nothing_found() -> None:
    model = ScriptedLanguageModel({"answer_1": "made up"})
    entry = await extract(model, talk(""), extractor())
    assert model.asked == []
    assert value(entry) == {"colour": None}


async def test_in_a_long_talk_what_is_said_later_counts_and_yes_stays_yes() -> None:
    lines = (f"\nhuman: line {n} of a talk that goes on and on and on" for n in range(600))
    found: list[Said] = [
        {"answer_1": "yes", "answer_2": "Monday"},
        {"answer_1": "no", "answer_2": "Friday"},
        {"answer_1": None, "answer_2": None},
    ]
    model = ScriptedLanguageModel(*found)
    entries = await extract_all(model, talk("".join(lines)), [extractor("a", "YES_NO"), extractor("b")])
    assert len(model.asked) >= 3
    assert answers(entries) == {"a": "yes", "b": "Friday"}


async def test_a_question_without_end_is_cut() -> None:
    model = ScriptedLanguageModel({"answer_1": "x"})
    await extract(model, talk(), extractor(condition="why " * 5000))
    assert len(asked(model)[0]) < 6000


def test_collected_variables() -> None:
    assert collected("agent", {"day": "Monday", "time": None}) == {
        "agent": {
            "day": {"value": "Monday", "collected": True},
            "time": {"value": None, "collected": False},
        }
    }
    assert collected("agent", {}) == {}
