"""One reply of the agent: the model's stream cut into sentences, its tools, and whether it counts yet."""

from dataclasses import dataclass, field

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
    aside: bool = False
    """A word in between, while a tool runs."""
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
