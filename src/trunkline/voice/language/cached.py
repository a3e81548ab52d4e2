"""A language model whose answers are kept by the content of what it was asked."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from trunkline.voice.answers import Answers, Item, digest
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.language.ports import DonePart, Filled, LanguageModel, ReplyPart, TextPart, ToolPart


class CachedLanguageModel:
    """Fulfils LanguageModel."""

    def __init__(self, inner: LanguageModel, answers: Answers, take: int = 0) -> None:
        """`take`: tells apart answers to the same question that shall be drawn anew, such as a repeat's number."""
        self._inner = inner
        self._answers = answers
        self._take = take

    async def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        offered = [[tool.name, tool.description, tool.parameters] for tool in tools]
        name = digest("reply", self._take, model, list(messages), offered)
        items = self._answers.items(name, lambda: _items(self._inner.reply(model, messages, tools)))
        async with aclosing(items):
            async for item in items:
                yield _part(item)

    async def fill(
        self, model: str, messages: Sequence[dict[str, Any]], schema: dict[str, Any], name: str
    ) -> Filled:
        async def ask() -> AsyncIterator[Item]:
            filled = await self._inner.fill(model, messages, schema, name)
            yield {"value": filled.value, "done": asdict(filled.done)}

        question = digest("fill", self._take, model, list(messages), schema, name)
        item = await self._answers.one(question, ask)
        return Filled(item["value"], DonePart(**item["done"]))

    async def warm(self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()) -> None:
        """Nothing: the answer may be kept, and warming would ask the provider."""

    async def close(self) -> None:
        await self._answers.close()
        await self._inner.close()


async def _items(parts: AsyncIterator[ReplyPart]) -> AsyncIterator[Item]:
    async for part in parts:
        yield {"kind": type(part).__name__, **asdict(part)}


_PARTS: dict[str, type[TextPart] | type[ToolPart] | type[DonePart]] = {
    each.__name__: each for each in (TextPart, ToolPart, DonePart)
}


def _part(item: Item) -> ReplyPart:
    fields = {key: value for key, value in item.items() if key != "kind"}
    return _PARTS[item["kind"]](**fields)
