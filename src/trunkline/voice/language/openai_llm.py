"""A language model behind any OpenAI-compatible endpoint; tools are called natively."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from trunkline.voice.conversation.profile import Tool
from trunkline.voice.endpoint import client
from trunkline.voice.language.chat import Budget, options, stream
from trunkline.voice.language.ports import ReplyPart


class OpenAILanguageModel:
    """Fulfils LanguageModel."""

    def __init__(
        self, base_url: str, api_key: str = "", upstream: str | None = None, budget: Budget | None = None
    ) -> None:
        """`upstream`: the endpoint's own name of the model, where it differs from what agents ask for."""
        self._budget = budget or Budget()
        self._client = client(base_url, api_key, self._budget.total)
        self._upstream = upstream

    async def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        name = self._upstream or model
        more = options(name)
        if tools:
            more["tools"] = [_offered(each) for each in tools]
        async with aclosing(stream(self._client, name, messages, self._budget, more)) as parts:
            async for part in parts:
                yield part

    async def warm(self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()) -> None:
        """Nothing: a prompt sent to somebody else's endpoint costs money whether or not it is kept there."""

    async def close(self) -> None:
        await self._client.close()


def _offered(tool: Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
    }
