"""The in-tree twin of the language model: says what it is told, deterministically."""

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from trunkline.errors import ProviderError
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.language import forms
from trunkline.voice.language.ports import DonePart, Filled, ReplyPart, TextPart, ToolPart


@dataclass(frozen=True)
class Line:
    """One reply: words, then perhaps a tool call."""

    text: str = ""
    tool: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    fail: str | None = None
    """Raise ProviderError with this, after the words."""


Said = Line | str | dict[str, Any]
"""What is answered: a reply, its words alone, or a filled form."""
Rule = Callable[[Sequence[dict[str, Any]]], Said]
"""Messages → what is answered. The last message of a form ends with its name and schema (`forms.instructed`)."""


class ScriptedLanguageModel:
    """Fulfils LanguageModel: its lines in turn (the last one from then on), or what a rule answers."""

    def __init__(self, *lines: Said, rule: Rule | None = None) -> None:
        self._lines = [_line(each) for each in lines]
        self._rule = rule
        self.asked: list[tuple[dict[str, Any], ...]] = []
        """The messages of every reply or form that was begun."""
        self.warmed = 0
        self.left_early = 0
        """Replies whose iterator was closed before the end."""

    async def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        self.asked.append(tuple(messages))
        line = self._next(messages)
        try:
            for token in re.findall(r"\s*\S+", line.text):
                yield TextPart(token)
            if line.fail is not None:
                raise ProviderError(line.fail)
            if line.tool is not None and any(each.name == line.tool for each in tools):
                yield ToolPart(f"call_{len(self.asked)}", line.tool, dict(line.arguments))
            yield DonePart(model or "scripted", completion_tokens=len(line.text.split()))
        except GeneratorExit:
            self.left_early += 1
            raise

    async def fill(
        self, model: str, messages: Sequence[dict[str, Any]], schema: dict[str, Any], name: str
    ) -> Filled:
        asked = forms.instructed(messages, schema, name)
        self.asked.append(tuple(asked))
        line = self._next(asked)
        if line.fail is not None:
            raise ProviderError(line.fail)
        done = DonePart(model or "scripted", completion_tokens=len(line.text.split()))
        return Filled(forms.read(line.text, schema, name), done)

    def _next(self, messages: Sequence[dict[str, Any]]) -> Line:
        if self._rule is not None:
            return _line(self._rule(messages))
        if not self._lines:
            return Line()
        return self._lines.pop(0) if len(self._lines) > 1 else self._lines[0]

    async def warm(self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()) -> None:
        self.warmed += 1

    async def close(self) -> None:
        return


def _line(said: Said) -> Line:
    match said:
        case Line():
            return said
        case str():
            return Line(said)
        case _:
            return Line(json.dumps(said))
