"""One reply of the agent: the model's stream cut into sentences, its tools, and whether it counts yet."""

import json
from dataclasses import dataclass, field
from typing import Any

from trunkline.voice.conversation.dialogue import clean
from trunkline.voice.conversation.events import ReplyTool
from trunkline.voice.conversation.playout import Sentence
from trunkline.voice.conversation.sentences import SentenceSplitter


@dataclass
class Reply:
    """From the request to the model until its last word was heard."""

    id: int
    words: str = ""
    """The caller's words it answers."""
    committed: bool = True
    """False: made on speculation; its sound is held and its tools wait."""
    scripted: bool = False
    """Our own words (greeting, reminder, apology), not the model's."""
    greets: bool = False
    """The greeting, written by the model."""
    done: bool = False
    """The model has finished."""
    tools: list[ReplyTool] = field(default_factory=list)
    """Asked for and not yet run."""
    sentences: list[Sentence] = field(default_factory=list)
    token_ms: int | None = None
    sentence_ms: int | None = None
    audio_ms: int | None = None
    splitter: SentenceSplitter = field(default_factory=SentenceSplitter)

    def push(self, text: str) -> list[str]:
        """Sentences that are whole now."""
        return [spoken for sentence in self.splitter.push(text) if (spoken := clean(sentence))]

    def finish(self) -> list[str]:
        """The last sentence."""
        self.done = True
        return [spoken for sentence in self.splitter.finish() if (spoken := clean(sentence))]


@dataclass
class Toolbox:
    """The tools that run or ran in this call."""

    running: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    """Call id → name and arguments."""
    _ran: set[str] = field(default_factory=set)
    """In this turn: names with arguments."""

    def new_turn(self) -> None:
        """The same tool with the same arguments may run again."""
        self._ran.clear()

    def admit(self, tool: ReplyTool) -> bool:
        """May it run? Not twice with the same arguments in a turn."""
        key = f"{tool.name} {json.dumps(tool.arguments, sort_keys=True)}"
        if key in self._ran:
            return False
        self._ran.add(key)
        self.running[tool.call] = (tool.name, tool.arguments)
        return True
