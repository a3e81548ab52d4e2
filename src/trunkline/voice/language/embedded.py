"""The language model behind the installation's own local server: a small model, kept on a rail.

Small models do not call tools the native way (measured: none of ten). Here every reply of an agent with tools
begins with one word out of a closed list, held by a grammar (GBNF), then the words to be spoken:

    talk: We open at nine. Would you like to come in?
    end_call: Goodbye!

The choice costs three tokens before the first word, and what is said is said in the knowledge of it. Arguments of
a tool that has any are fetched afterwards, by its JSON schema, while the words are spoken. Once a tool has answered,
only `talk` is on the list until the caller has spoken again (decision 16).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import structlog

from trunkline.errors import ProviderError
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.endpoint import client
from trunkline.voice.language import forms
from trunkline.voice.language.chat import Budget, parse_arguments, stream, whole
from trunkline.voice.language.ports import DonePart, Filled, ReplyPart, TextPart, ToolPart

log = structlog.get_logger(__name__)

TALK = "talk"
_MAX_TOKENS = 120
_FORM_TOKENS = 800
_LIVE = Budget(first_token=30.0, total=90.0)
_BACKGROUND = Budget(first_token=900.0, total=900.0)
"""At the gate, work in the background waits until nobody speaks, and its answer comes whole."""
_Messages = Sequence[Mapping[str, Any]]


class EmbeddedLanguageModel:
    """Fulfils LanguageModel. `background`: give way to live turns at the server's gate."""

    def __init__(self, base_url: str, budget: Budget | None = None, background: bool = False) -> None:
        self._budget = budget or (_BACKGROUND if background else _LIVE)
        headers = {"X-Trunkline-Priority": "background"} if background else {}
        self._client = client(base_url, "local", self._budget.total).with_options(default_headers=headers)
        self._warming: dict[str, asyncio.Event] = {}
        """System prompts that the server reads just now."""

    async def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        prompt = plain(messages, tools)
        # Asked at the same time, another slot would read the same prompt from the start.
        if (warming := self._warming.get(prompt[0]["content"])) is not None:
            await warming.wait()
        more = _options(_MAX_TOKENS, {"grammar": grammar(possible(messages, tools))} if tools else {})
        reader = Reader() if tools else None
        said = ""
        async with aclosing(stream(self._client, model, prompt, self._budget, more)) as parts:
            async for part in parts:
                match part:
                    case TextPart(text) if reader is not None:
                        if words := reader.push(text):
                            said += words
                            yield TextPart(words)
                    case DonePart() if reader is not None:
                        async for call in self._call(model, prompt, tools, reader.action, said):
                            yield call
                        yield part
                    case _:
                        yield part

    async def fill(
        self, model: str, messages: Sequence[dict[str, Any]], schema: dict[str, Any], name: str
    ) -> Filled:
        # The grammar holds the model to the schema but does not show it: what members mean has to be said in words.
        asked = forms.instructed(messages, schema, name)
        patient = Budget(self._budget.total, self._budget.total)
        more = _held(_FORM_TOKENS, name, forms.strict(schema))
        text, done = await whole(self._client, model, asked, patient, more)
        return Filled(forms.read(text, schema, name), done)

    async def warm(self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()) -> None:
        prompt = plain(messages, tools)
        ready = self._warming[prompt[0]["content"]] = asyncio.Event()
        try:
            async for _ in stream(self._client, model, prompt, self._budget, _options(1, {})):
                pass
        except ProviderError as error:
            log.warning("prompt_not_warmed", error=str(error))
        finally:
            self._warming.pop(prompt[0]["content"], None)
            ready.set()

    async def close(self) -> None:
        await self._client.close()

    async def _call(
        self, model: str, prompt: _Messages, tools: Sequence[Tool], action: str, said: str
    ) -> AsyncIterator[ToolPart]:
        """The tool that was chosen, if one was."""
        tool = next((each for each in tools if each.name == action), None)
        if tool is None:
            return
        arguments: dict[str, Any] = {}
        if tool.parameters.get("properties"):
            asked = [
                *prompt,
                {"role": "assistant", "content": f"{action}: {said}"},
                {"role": "user", "content": f"[Arguments of {action} as JSON; null for what was not said.]"},
            ]
            arguments = await self._arguments(model, asked, tool)
        # The server has no names for calls; the length of the talk tells them apart.
        yield ToolPart(f"call_{len(prompt)}", tool.name, arguments)

    async def _arguments(self, model: str, prompt: _Messages, tool: Tool) -> dict[str, Any]:
        more = _held(_MAX_TOKENS, tool.name, nullable(tool.parameters))
        async with asyncio.timeout(self._budget.total):
            text, _ = await whole(self._client, model, prompt, self._budget, more)
        return {name: value for name, value in parse_arguments(text).items() if value is not None}


class Reader:
    """Splits "action: words" as it streams."""

    def __init__(self) -> None:
        self._head: str | None = ""
        self.action = TALK

    def push(self, text: str) -> str:
        """The words of this piece."""
        if self._head is None:
            return text
        self._head += text
        action, colon, words = self._head.partition(":")
        if not colon or not words.strip():
            return ""
        self.action = action.strip()
        self._head = None
        return words.lstrip()


def grammar(tools: Sequence[Tool]) -> str:
    """GBNF: one of the actions, a colon, and one line of words."""
    actions = " | ".join(json.dumps(name) for name in (TALK, *(each.name for each in tools)))
    return f'root ::= ({actions}) ": " [^\\n]+'


def possible(messages: _Messages, tools: Sequence[Tool]) -> Sequence[Tool]:
    """The tools that may be called now.

    Once one has answered, what it gave has to be told first: the model would rather hang up (decision 16).
    """
    roles = [each["role"] for each in messages]
    since = roles[::-1].index("user") if "user" in roles else len(roles)
    return () if "tool" in roles[len(roles) - since :] else tools


def plain(messages: Sequence[Mapping[str, Any]], tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """The talk as a small model reads it: tools told in the system prompt, calls and results as words.

    A message is always written the same way, so that a prompt stays a prefix of the next one.
    """
    if not tools:
        return [dict(each) for each in messages]
    return [_plain(each, tools) for each in messages]


def _plain(message: Mapping[str, Any], tools: Sequence[Tool]) -> dict[str, Any]:
    content = message.get("content") or ""
    match message["role"]:
        case "system":
            return {"role": "system", "content": f"{content}\n\n{_rules(tools)}"}
        case "assistant" if message.get("tool_calls"):
            names = ", ".join(each["function"]["name"] for each in message["tool_calls"])
            return {"role": "assistant", "content": f"{names}: {content or 'One moment.'}"}
        case "assistant":
            return {"role": "assistant", "content": f"{TALK}: {content}"}
        case "tool":
            return {"role": "user", "content": f"[Result: {content}]"}
        case role:
            return {"role": role, "content": content}


def _rules(tools: Sequence[Tool]) -> str:
    listed = "\n".join(f"- {each.name}: {each.description}" for each in tools)
    # Measured: where talking stands in a list beside the tools, a tool is chosen for almost every question.
    return (
        "Begin every answer with one word and a colon, then what you say to the caller. "
        f"The word is {TALK}, unless one of these is due right now:\n{listed}"
    )


def nullable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with every property allowed to be null and none left out: small models fill what they do not know."""
    properties: dict[str, Any] = {
        name: {"anyOf": [each, {"type": "null"}]} for name, each in schema.get("properties", {}).items()
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _options(tokens: int, extra: dict[str, Any]) -> dict[str, Any]:
    return {"max_tokens": tokens, "temperature": 0.0, "cache_prompt": True, **extra}


def _held(tokens: int, name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Options that hold the answer to a schema."""
    form = {"name": name, "strict": True, "schema": schema}
    return _options(tokens, {}) | {"response_format": {"type": "json_schema", "json_schema": form}}
