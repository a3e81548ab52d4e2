"""A language model behind any OpenAI-compatible endpoint; tools are called natively."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import openai
import structlog

from trunkline.errors import ProviderError
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.endpoint import client
from trunkline.voice.language import forms
from trunkline.voice.language.chat import Budget, options, stream, whole
from trunkline.voice.language.ports import Filled, ReplyPart

log = structlog.get_logger(__name__)

FORM_TOKENS = 2000
"""Of a filled form."""


class OpenAILanguageModel:
    """Fulfils LanguageModel."""

    def __init__(
        self, base_url: str, api_key: str = "", upstream: str | None = None, budget: Budget | None = None
    ) -> None:
        """`upstream`: the endpoint's own name of the model, where it differs from what agents ask for."""
        self._budget = budget or Budget()
        self._client = client(base_url, api_key, self._budget.total)
        self._upstream = upstream
        self._free: set[str] = set()
        """Names of models whose endpoint refuses to be held to a schema."""

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

    async def fill(
        self, model: str, messages: Sequence[dict[str, Any]], schema: dict[str, Any], name: str
    ) -> Filled:
        asked_for = self._upstream or model
        if asked_for not in self._free:
            form = {"name": name, "strict": True, "schema": forms.strict(schema)}
            held = {"response_format": {"type": "json_schema", "json_schema": form}}
            try:
                return await self._filled(asked_for, messages, schema, name, held)
            except ProviderError as error:
                if not isinstance(error.__cause__, openai.BadRequestError | openai.UnprocessableEntityError):
                    raise
                log.warning("schema_refused", model=asked_for, error=str(error))
        filled = await self._filled(asked_for, forms.instructed(messages, schema, name), schema, name, {})
        self._free.add(asked_for)  # not before: it may have been the messages that were refused
        return filled

    async def _filled(
        self,
        model: str,
        messages: Sequence[dict[str, Any]],
        schema: dict[str, Any],
        name: str,
        more: dict[str, Any],
    ) -> Filled:
        # A schema is prepared by the endpoint when it first comes, which takes longer than a first word may.
        patient = Budget(self._budget.total, self._budget.total)
        asking = options(model, FORM_TOKENS) | more
        text, done = await whole(self._client, model, messages, patient, asking)
        return Filled(forms.read(text, schema, name), done)

    async def warm(self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()) -> None:
        """Nothing: a prompt sent to somebody else's endpoint costs money whether or not it is kept there."""

    async def close(self) -> None:
        await self._client.close()


def _offered(tool: Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
    }
