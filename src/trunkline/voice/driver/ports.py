"""What a driver works with: the providers of one call."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.speech.ports import SpeechToText, TextToSpeech, TurnModel


@dataclass(frozen=True)
class ToolAnswer:
    """What came of a tool."""

    text: str
    """What the model reads."""
    ok: bool = True
    error: str = ""
    """What went wrong, for the record."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What holes such as `{name}` are filled with from now on."""
    wrote: str = ""
    """What the other party wrote meanwhile, by a message."""
    failure: str = ""
    """Said in place of what the tool's manner has for a failure."""


RunTool = Callable[[str, dict[str, Any]], Awaitable[ToolAnswer]]
"""Runs a tool by name with its arguments. An exception is a result too: not ok."""


@dataclass(frozen=True)
class Providers:
    """Who does the work."""

    stt: SpeechToText
    tts: TextToSpeech
    llm: LanguageModel
    turn: TurnModel
    run_tool: RunTool
