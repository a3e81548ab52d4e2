"""Parts of speech and language that answer, drip, hang and fail, as a seed decides it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from random import Random
from typing import Any
from zlib import crc32

from tests.host.rig import Twins
from trunkline.errors import ProviderError
from trunkline.voice.conversation.profile import Tool
from trunkline.voice.language.ports import ReplyPart
from trunkline.voice.language.twins import Line, ScriptedLanguageModel
from trunkline.voice.speech.ports import Voice
from trunkline.voice.speech.twins import ToneEars, ToneHearing, ToneVoice

_HANGS = 600.0
"""Seconds; longer than any call."""


class Fate:
    """What happens to whom: drawn from the seed, who asks, and how often they have. So it is no matter who asks first."""

    def __init__(self, seed: int, speed: float) -> None:
        """`speed`: how much faster than the wall clock calls are."""
        self._seed = seed
        self._asked: Counter[str] = Counter()
        self.drip = 0.2 / speed
        """Seconds from one piece to the next, for 0.2 s of a call."""

    def of(self, who: str) -> Random:
        self._asked[who] += 1
        return Random(f"{self._seed}/{who}/{self._asked[who]}")


class StormyModel(ScriptedLanguageModel):
    """Answers, ends the call, drips, fails in the middle, or never says a word."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    async def reply(
        self, model: str, messages: Sequence[dict[str, Any]], tools: Sequence[Tool] = ()
    ) -> AsyncIterator[ReplyPart]:
        dice = self._fate.of(f"model of {model}")
        [pace] = dice.choices((0.0, self._fate.drip, _HANGS), (16, 3, 1))
        said = ScriptedLanguageModel(_said(dice, messages)).reply(model, messages, tools)
        async with aclosing(said) as parts:  # type: ignore[type-var]
            async for part in parts:
                await asyncio.sleep(pace)
                yield part


def _said(dice: Random, messages: Sequence[dict[str, Any]]) -> Line:
    words = f"You said {messages[-1]['content']}."
    match dice.choices(("well", "ends", "fails"), (8, 1, 1))[0]:
        case "ends":
            return Line("Goodbye.", tool="end_call")
        case "fails":
            return Line(words, fail="The model broke off.")
    return Line(words)


class StormyVoice(ToneVoice):
    """Speaks, drips, or dies in mid-sentence."""

    def __init__(self, fate: Fate) -> None:
        super().__init__(8000)
        self._fate = fate

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        fault = self._fate.of(f"voice of {voice.id}").choices(("", "drips", "dies"), (16, 2, 1))[0]
        async for sound in super().speak(text, voice):
            if fault == "drips":
                await asyncio.sleep(self._fate.drip)
            yield sound
            if fault == "dies":
                raise ProviderError("The voice died.")


class StormyEars(ToneEars):
    """Hears, hears late, or fails when it is asked what was said."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        self._fate = fate

    def open(
        self,
        rate: int,
        language: str,
        on_partial: Callable[[str], None] | None = None,
        keywords: Sequence[str] = (),
    ) -> ToneHearing:
        dice = self._fate.of(f"ears of {' '.join(keywords)}")
        fault = dice.choices(("", "late", "hangs", "fails"), (24, 3, 1, 1))[0]
        return _StormyHearing(rate, fault, self._fate.drip)


class _StormyHearing(ToneHearing):
    def __init__(self, rate: int, fault: str, drip: float) -> None:
        super().__init__(rate, lambda words: None)
        self._fault = fault
        self._drip = drip

    async def words(self) -> str:
        match self._fault:
            case "late":
                await asyncio.sleep(self._drip)
            case "hangs":
                await asyncio.sleep(_HANGS)
            case "fails":
                raise ProviderError("The recogniser failed.")
        return await super().words()


class StormyTurn:
    """Fulfils TurnModel: judges, or hangs or fails, as the sound decides it."""

    async def complete(self, pcm: bytes, rate: int) -> float:
        dice = Random(crc32(pcm))
        match dice.choices(("", "hangs", "fails"), (24, 1, 1))[0]:
            case "hangs":
                await asyncio.sleep(_HANGS)
            case "fails":
                raise ProviderError("The turn model failed.")
        return dice.choice((0.9, 0.9, 0.9, 0.2))


def twins(fate: Fate) -> Twins:
    """Ears, voice and turn model in bad weather."""
    return Twins(StormyEars(fate), StormyVoice(fate), StormyTurn())
