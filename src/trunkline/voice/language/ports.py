"""The port of the language model."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from trunkline.voice.conversation.profile import Tool


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of the words to be spoken."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolPart:
    """A whole tool call."""

    call: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DonePart:
    """The end of a reply: which model answered, in the endpoint's own words ("" where it does not say), and the tokens
    it took (None where unknown)."""

    model: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


ReplyPart = TextPart | ToolPart | DonePart


@dataclass(frozen=True, slots=True)
class Filled:
    """A form that was filled in."""

    value: dict[str, Any]
    """Valid by the schema that was asked for."""
    done: DonePart


class LanguageModel(Protocol):
    """Streams replies, and fills in forms."""

    def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        """Parts as they come, a DonePart last. Closing the iterator stops the work at the provider.

        `model` is the name the agent asks for. Raises ProviderError, ProviderTimeout.
        """
        ...

    async def fill(
        self, model: str, messages: Sequence[dict[str, Any]], schema: dict[str, Any], name: str
    ) -> Filled:
        """An answer as JSON of this JSON schema (an object); `name` says what it is, in letters and `_`.

        Raises ProviderError, also when what came is not of the schema, and ProviderTimeout.
        """
        ...

    async def warm(self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()) -> None:
        """Put the prompt into the endpoint's cache where it has one; otherwise nothing. Never raises."""
        ...

    async def close(self) -> None: ...
