"""What every language model does; run over the real adapters and the twin."""

from contextlib import aclosing
from typing import Any

from trunkline.voice.conversation.profile import END_CALL
from trunkline.voice.language.ports import DonePart, LanguageModel, ReplyPart, TextPart

FORM = {
    "type": "object",
    "properties": {
        "summary": {"type": "string"},
        "marks": {"type": "array", "items": {"$ref": "#/$defs/mark"}},
        "wish": {"type": "string"},
    },
    "required": ["summary", "marks"],
    "$defs": {
        "mark": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "points": {"type": "integer"}},
            "required": ["name"],
        }
    },
}
FILLED = {"summary": "Short.", "marks": [{"name": "kind", "points": 3}, {"name": "brief"}]}
SENT = {"summary": "Short.", "marks": [FILLED["marks"][0], {"name": "brief", "points": None}], "wish": None}
"""As a strict endpoint sends it: nothing left out."""
FORM_RULE = r"Answer with the call report: one JSON object"
"""Found in what is asked of a model that the schema alone does not tell."""
ASK = [{"role": "system", "content": "You are short."}, {"role": "user", "content": "When do you open?"}]


async def parts_of(llm: LanguageModel, messages: list[dict[str, Any]] | None = None) -> list[ReplyPart]:
    return [part async for part in llm.reply("any", ASK if messages is None else messages)]


class LanguageModelContract:
    """`llm` talks, `filler` answers a form with SENT."""

    async def test_words_stream_and_the_end_names_the_model(self, llm: LanguageModel) -> None:
        *words, done = await parts_of(llm)
        assert len(words) > 1
        assert "".join(each.text for each in words if isinstance(each, TextPart)).strip()
        assert isinstance(done, DonePart)
        assert done.model

    async def test_tools_on_offer_do_not_stop_the_talk(self, llm: LanguageModel) -> None:
        parts = [part async for part in llm.reply("any", ASK, [END_CALL])]
        assert any(isinstance(each, TextPart) for each in parts)
        assert isinstance(parts[-1], DonePart)

    async def test_may_be_left_early_and_used_again(self, llm: LanguageModel) -> None:
        async with aclosing(llm.reply("any", ASK)) as reply:  # type: ignore[type-var]
            assert isinstance(await anext(reply), TextPart)
        assert await parts_of(llm)

    async def test_fills_in_a_form(self, filler: LanguageModel) -> None:
        filled = await filler.fill("any", ASK, FORM, "call_report")
        assert filled.value == FILLED
        assert filled.done.model

    async def test_warm_never_raises(self, llm: LanguageModel) -> None:
        await llm.warm("any", ASK, [END_CALL])
        assert await parts_of(llm)
