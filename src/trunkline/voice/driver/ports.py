"""What a driver works with: the providers of one call."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.speech.ports import SpeechToText, TextToSpeech, TurnModel

RunTool = Callable[[str, dict[str, Any]], Awaitable[str]]
"""Runs a tool by name with its arguments; what it answers the model reads. An exception is a result too: not ok."""


@dataclass(frozen=True)
class Providers:
    """Who does the work."""

    stt: SpeechToText
    tts: TextToSpeech
    llm: LanguageModel
    turn: TurnModel
    run_tool: RunTool
