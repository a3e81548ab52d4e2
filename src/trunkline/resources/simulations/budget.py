"""What runs may use up of a language model, and the count of what they did."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from trunkline.errors import BadInput
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.language.ports import DonePart, Filled, LanguageModel, ReplyPart, TextPart

_LETTERS = 4
"""Of a token, for endpoints that do not say how many there were."""


class OverBudget(BadInput):
    """Nothing is left for another question."""


class Usage(BaseModel):
    """Tokens that were read and written."""

    model_config = ConfigDict(frozen=True)

    prompt: int = 0
    completion: int = 0

    def cost(self, prompt_price: float, completion_price: float) -> float:
        """In the currency of the prices, which are for a million tokens."""
        return (self.prompt * prompt_price + self.completion * completion_price) / 1e6


class Budget(BaseModel):
    """What is left. None: as much as is wanted."""

    model_config = ConfigDict(frozen=True)

    tokens: int | None = None
    cost: float | None = None
    prompt_price: float = 0.0
    completion_price: float = 0.0

    def less(self, used: Usage) -> "Budget":
        """After this was used as well."""
        return self.model_copy(
            update={
                "tokens": None if self.tokens is None else self.tokens - used.prompt - used.completion,
                "cost": None
                if self.cost is None
                else self.cost - used.cost(self.prompt_price, self.completion_price),
            }
        )

    @property
    def spent(self) -> bool:
        """Is nothing left?"""
        return (self.tokens is not None and self.tokens <= 0) or (self.cost is not None and self.cost <= 0)


class MeteredLanguageModel:
    """Fulfils LanguageModel: another, counted, and refused when the budget is used up."""

    def __init__(self, inner: LanguageModel, budget: Budget) -> None:
        self._inner = inner
        self._budget = budget
        self.used = Usage()
        self.asked = 0
        """Questions that were put to it."""

    async def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        self._begin()
        letters = 0
        async for part in self._inner.reply(model, messages, tools):
            if isinstance(part, TextPart):
                letters += len(part.text)
            elif isinstance(part, DonePart):
                self._count(part, messages, letters)
            yield part

    async def fill(
        self, model: str, messages: Sequence[dict[str, Any]], schema: dict[str, Any], name: str
    ) -> Filled:
        self._begin()
        filled = await self._inner.fill(model, messages, schema, name)
        self._count(filled.done, messages, len(json.dumps(filled.value)))
        return filled

    async def warm(self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()) -> None:
        """Nothing: it would be work that nobody counts."""

    async def close(self) -> None:
        await self._inner.close()

    def _begin(self) -> None:
        if self._budget.less(self.used).spent:
            raise OverBudget(
                "The runs of this session have used up what they may; start it with higher caps."
            )
        self.asked += 1

    def _count(self, done: DonePart, messages: Sequence[dict[str, Any]], letters: int) -> None:
        read, written = done.prompt_tokens, done.completion_tokens
        self.used = Usage(
            prompt=self.used.prompt + (len(json.dumps(messages)) // _LETTERS if read is None else read),
            completion=self.used.completion + (letters // _LETTERS if written is None else written),
        )
