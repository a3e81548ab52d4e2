"""Language models that stand in for each other, in the middle of a reply if need be.

A reply is handed on sentence by sentence, as it is spoken. Where a model breaks off, the unfinished sentence is dropped
unheard and the next model goes on from the last whole one; should it begin anew, what was said already is left out.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from trunkline.errors import ProviderError, ProviderTimeout
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.conversation.sentences import SentenceSplitter
from trunkline.voice.language.ports import Filled, LanguageModel, ReplyPart, TextPart
from trunkline.voice.standing import Standing

GO_ON = (
    "[The connection broke after the words above; the caller has heard them. Go on with the next sentence of the same "
    "reply. Repeat nothing.]"
)


@dataclass(frozen=True)
class ReplyBudget:
    """Seconds that a model has while another could take its place."""

    first: float = 4.0
    """To the first sentence."""
    next: float = 3.0
    """To each further one: about as long as a sentence is heard."""


@dataclass(frozen=True)
class Thinker:
    """One model of a chain."""

    llm: LanguageModel
    standing: Standing


class FallbackLanguageModel:
    """Fulfils LanguageModel: the first thinker that is well answers, those after it take over."""

    def __init__(self, thinkers: Sequence[Thinker], budget: ReplyBudget | None = None) -> None:
        self._thinkers = tuple(thinkers)
        self._budget = budget or ReplyBudget()

    async def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        order = self._order()
        said: list[str] = []
        for thinker in order:
            budget = None if thinker is order[-1] else self._budget
            parts = thinker.llm.reply(model, continued(messages, said), tools)
            left = list(said)
            try:
                async with aclosing(_by_sentence(parts, budget)) as sentences:
                    async for part in sentences:
                        if not isinstance(part, TextPart):
                            yield part
                        elif left and _same(part.text, left[0]):
                            left.pop(0)
                        else:
                            left.clear()
                            said.append(part.text)
                            yield part
                return
            except ProviderError as error:
                thinker.standing.failed(error)
                if budget is None:
                    raise

    async def fill(
        self, model: str, messages: Sequence[dict[str, Any]], schema: dict[str, Any], name: str
    ) -> Filled:
        order = self._order()
        for thinker in order[:-1]:
            try:
                return await thinker.llm.fill(model, messages, schema, name)
            except ProviderError as error:
                thinker.standing.failed(error)
        return await order[-1].llm.fill(model, messages, schema, name)

    async def warm(self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()) -> None:
        await self._order()[0].llm.warm(model, messages, tools)

    async def close(self) -> None:
        """Nothing: the thinkers are shared with other chains."""

    def _order(self) -> list[Thinker]:
        return sorted(self._thinkers, key=lambda each: not each.standing.up)


def continued(messages: Sequence[dict[str, Any]], said: Sequence[str]) -> list[dict[str, Any]]:
    """The messages for a model that shall go on after these sentences."""
    if not said:
        return list(messages)
    spoken = {"role": "assistant", "content": "".join(said).strip()}
    return [*messages, spoken, {"role": "user", "content": GO_ON}]


async def _by_sentence(
    parts: AsyncIterator[ReplyPart], budget: ReplyBudget | None
) -> AsyncGenerator[ReplyPart, None]:
    """The same parts, their text in whole sentences. Raises ProviderTimeout when one is late."""
    loop = asyncio.get_running_loop()
    splitter = SentenceSplitter()
    due = None if budget is None else loop.time() + budget.first
    try:
        while True:
            try:
                async with asyncio.timeout_at(due):
                    part = await anext(parts, None)
            except TimeoutError:
                raise ProviderTimeout("The language model is slower than speech") from None
            whole = splitter.push(part.text) if isinstance(part, TextPart) else splitter.finish()
            for sentence in whole:
                yield TextPart(f"{sentence} ")
            if whole and budget is not None:
                due = loop.time() + budget.next
            if part is None:
                return
            if not isinstance(part, TextPart):
                yield part
    finally:
        if isinstance(parts, AsyncGenerator):
            await parts.aclose()


def _same(one: str, other: str) -> bool:
    return _letters(one) == _letters(other)


def _letters(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())
