"""What the scripted server does: a plain document, from JSON or built in a test. Times are in milliseconds."""

import math
import random
import re
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Spread(_Document):
    """A log-normal delay given by its median and its 95th percentile."""

    p50: Annotated[float, Field(gt=0)]
    p95: Annotated[float, Field(gt=0)]

    def draw(self, dice: random.Random) -> float:
        sigma = math.log(self.p95 / self.p50) / 1.6449
        return dice.lognormvariate(math.log(self.p50), max(sigma, 0.0))


Delay = Annotated[float, Field(ge=0)] | Spread


class FaultKind(StrEnum):
    """What may go wrong with an answer."""

    TOO_MANY = "429"
    BROKEN = "500"
    HANG = "hang"  # no answer until the client leaves
    GARBAGE = "garbage"  # status 200 and nonsense
    DRIP = "drip"  # right, but a piece each `drip_ms`
    DIE = "die"  # right, but the connection breaks in the middle


class Fault(_Document):
    """When an answer goes wrong: at these requests of its part (the first is 1), or at random at this rate."""

    kind: FaultKind
    requests: tuple[int, ...] = ()
    rate: Annotated[float, Field(ge=0, le=1)] = 0.0
    retry_after: int = 1
    """Seconds, sent with a 429."""
    drip_ms: Annotated[float, Field(ge=0)] = 1000.0

    def strikes(self, number: int, dice: random.Random) -> bool:
        drawn = dice.random()
        return number in self.requests or drawn < self.rate


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


class ToolUse(_Document):
    """A call of a tool in a reply."""

    name: str
    arguments: dict[str, Any] = {}


class Rule(_Document):
    """What to reply when `pattern` (a regular expression, case ignored) is found in the user's last message.

    In `text` and `then`, `{user}` stands for that message, in `then` also `{result}` for the tool's result.
    """

    pattern: Annotated[str, AfterValidator(_pattern)]
    text: str = ""
    tools: tuple[ToolUse, ...] = ()
    then: str = "Done."
    """Said when the tool's result has come."""

    def fits(self, message: str) -> bool:
        return re.search(self.pattern, message, re.IGNORECASE) is not None


class _Part(_Document):
    faults: tuple[Fault, ...] = ()


class ChatScript(_Part):
    """The language model."""

    first_ms: Delay = 0.0
    token_ms: Annotated[float, Field(ge=0)] = 0.0
    """Between one token (here: one word) and the next."""
    rules: tuple[Rule, ...] = ()
    replies: tuple[str, ...] = ()
    """Where no rule fits: the first, second … reply of a conversation, by the assistant's messages in it."""
    default: str = "I see. Is there anything else I can do for you?"


class HearScript(_Part):
    """The speech-to-text."""

    first_ms: Delay = 0.0
    decode: bool = False
    """Read the words out of sound that carries them (of the voice `words`); where there are none, as below."""
    texts: tuple[str, ...] = ()
    """Of the first, second … request; after these, `default`."""
    default: str = "Hello."


class Sound(StrEnum):
    """What speech sounds like."""

    TONE = "tone"  # a drone that is loud from its first sample and lasts as long as the text
    WORDS = "words"  # tones that carry the text, as of voice.speech.tones
    HIBARI = "hibari"  # the local voice


class SpeechScript(_Part):
    """The text-to-speech."""

    first_ms: Delay = 0.0
    piece_ms: Annotated[float, Field(ge=20)] = 100.0
    """Sound in each piece sent."""
    gap_ms: Annotated[float, Field(ge=0)] = 0.0
    """Between one piece and the next."""
    voice: Sound = Sound.TONE


class Script(_Document):
    """The whole document. The same script, seed and requests in the same order give the same answers and delays."""

    seed: int = 0
    llm: ChatScript = ChatScript()
    stt: HearScript = HearScript()
    tts: SpeechScript = SpeechScript()

    def changed(self, changes: dict[str, Any]) -> Self:
        """This script with parts of it replaced; raises pydantic.ValidationError."""
        return type(self).model_validate(_merged(self.model_dump(mode="json"), changes))


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """`new` over `old`, descending into the parts only; a delay or list is replaced whole."""
    out = dict(old)
    for key, value in new.items():
        before = old.get(key)
        out[key] = before | value if isinstance(before, dict) and isinstance(value, dict) else value
    return out
