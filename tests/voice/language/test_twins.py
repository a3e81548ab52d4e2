from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import pytest

from tests.voice.language.contract import ASK, FILLED, FORM, SENT, LanguageModelContract, parts_of
from trunkline.errors import ProviderError
from trunkline.voice.conversation.profile import END_CALL
from trunkline.voice.language.ports import DonePart, TextPart, ToolPart
from trunkline.voice.language.twins import Line, Said, ScriptedLanguageModel


class TestScriptedLanguageModel(LanguageModelContract):
    @pytest.fixture
    def llm(self) -> ScriptedLanguageModel:
        return ScriptedLanguageModel("We open at nine.")

    @pytest.fixture
    def filler(self) -> ScriptedLanguageModel:
        return ScriptedLanguageModel(SENT)


async def test_lines_come_in_turn_and_the_last_one_stays() -> None:
    llm = ScriptedLanguageModel("One.", Line("Two, bye.", tool="end_call"))
    assert await parts_of(llm) == [TextPart("One."), DonePart("any", completion_tokens=1)]
    for _ in range(2):
        parts = [part async for part in llm.reply("any", ASK, [END_CALL])]
        assert parts[:2] == [TextPart("Two,"), TextPart(" bye.")]
        assert isinstance(parts[2], ToolPart)
    assert len(llm.asked) == 3


async def test_a_rule_answers_by_what_was_asked() -> None:
    llm = ScriptedLanguageModel(rule=lambda messages: Line(str(messages[-1]["content"]).upper()))
    assert TextPart("WHEN") in await parts_of(llm)


async def test_a_rule_fills_in_a_form_by_its_name() -> None:
    def rule(messages: Sequence[dict[str, Any]]) -> dict[str, Any] | str:
        return FILLED if "the call report" in messages[-1]["content"] else '{"summary": "Long.", "marks": []}'

    llm = ScriptedLanguageModel(rule=rule)
    assert (await llm.fill("any", ASK, FORM, "call_report")).value == FILLED
    assert (await llm.fill("any", ASK, FORM, "note")).value["summary"] == "Long."
    assert llm.asked[0][-1]["content"].startswith("When do you open?")


@pytest.mark.parametrize(
    "said", ["No.", {"summary": "Short."}, {"summary": 1, "marks": []}, Line(fail="gone")]
)
async def test_what_is_no_such_form_is_a_fault(said: Said) -> None:
    with pytest.raises(ProviderError, match=r"call_report|gone"):
        await ScriptedLanguageModel(said).fill("any", ASK, FORM, "call_report")


async def test_told_faults_and_early_leaving_are_seen() -> None:
    llm = ScriptedLanguageModel(Line("Well then.", fail="gone"))
    with pytest.raises(ProviderError, match="gone"):
        await parts_of(llm)
    async with aclosing(llm.reply("any", ASK)) as reply:  # type: ignore[type-var]
        await anext(reply)
    assert llm.left_early == 1
