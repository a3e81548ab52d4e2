"""What the calls of a run are heard and spoken with."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from trunkline.errors import Unavailable
from trunkline.host.parts import load
from trunkline.resources.agents.speech import speech_of
from trunkline.resources.simulations.levels import VoiceParts
from trunkline.resources.simulations.trials import Subject
from trunkline.resources.simulations.voice_level import Side
from trunkline.roles.simulate.plan import Speech
from trunkline.roles.simulate.run_folder import SpeechFacts
from trunkline.roles.voice import choice
from trunkline.settings import Settings
from trunkline.voice.answers import Answers
from trunkline.voice.language.ports import LanguageModel
from trunkline.voice.models.store import Store
from trunkline.voice.speech.cached import CachedSpeechToText, CachedTextToSpeech, CachedTurnModel
from trunkline.voice.speech.ports import Hearing, SpeechToText, TextToSpeech, TurnModel, Voice, VoiceActivity
from trunkline.voice.speech.twins import FixedTurn, LevelActivity, ToneEars, ToneVoice
from trunkline.voice.speech.vad import SileroVad

_SURE = 0.99
_NOBODY = "http://127.0.0.1:9/v1"
"""Stands for the address of a language model where a script thinks; it is never asked."""
_NOT_KEPT = "This run is made from kept answers, and nobody is asked for others."


@dataclass(frozen=True)
class Ensemble:
    """Parts for both ends of the calls of a run."""

    ours: Callable[[Subject], tuple[SpeechToText, TextToSpeech]]
    """Those that the agent's settings ask for."""
    theirs: tuple[SpeechToText, TextToSpeech]
    turn: TurnModel
    vad: VoiceActivity
    thinking_deadline: float
    measured: bool

    def facts(self, subject: Subject) -> SpeechFacts:
        """What a run from kept answers has to know of them."""
        return SpeechFacts(self.ours(subject)[1].rate, self.theirs[1].rate, self.thinking_deadline)

    def person(self, mind: LanguageModel) -> Side:
        """For a persona on a real line, where answers are of their moment."""
        return Side(*self.theirs, mind, self.turn)

    def parts(self, subject: Subject, mind: LanguageModel, answers: Answers) -> VoiceParts:
        """For one call. What takes time is kept, with the time that it took."""
        ends = [self.ours(subject), self.theirs]
        turn = self.turn
        if self.measured:
            turn = CachedTurnModel(turn, answers, "turn")
            ends = [
                (CachedSpeechToText(ears, answers, who), CachedTextToSpeech(voice, answers, who))
                for who, (ears, voice) in zip(("agent", "persona"), ends, strict=True)
            ]
        ours, theirs = (Side(ears, voice, mind, turn) for ears, voice in ends)
        return VoiceParts(ours, theirs, self.vad, self.measured, thinking_deadline=self.thinking_deadline)


def tones() -> Ensemble:
    """Nothing is loaded, and nothing takes time but what the seed says."""
    pair = (ToneEars(), ToneVoice())
    return Ensemble(
        lambda _: pair, pair, FixedTurn(_SURE), LevelActivity(), VoiceParts.thinking_deadline, measured=False
    )


def kept(settings: Settings, facts: SpeechFacts) -> Ensemble:
    """For a run from kept answers: nobody can be asked. The voice activity is computed anew. Raises ModelMissing."""
    vad = SileroVad(Store(settings.models_folder).path("vad", "silero_vad.onnx"))
    ears = _NoEars()
    ours = (ears, _NoVoice(facts.ours_rate))
    return Ensemble(
        lambda _: ours,
        (ears, _NoVoice(facts.theirs_rate)),
        _NoTurn(),
        vad,
        facts.thinking_deadline,
        measured=True,
    )


@asynccontextmanager
async def ensemble(settings: Settings, speech: Speech, scripted: bool) -> AsyncIterator[Ensemble]:
    """For as long as a run goes on. `scripted`: a script thinks. Raises ModelMissing, SetupError, ProviderError."""
    if speech is Speech.TONES:
        yield tones()
        return
    chosen = choice(settings.model_copy(update={"llm_base_url": _NOBODY}) if scripted else settings)
    parts = await asyncio.to_thread(load, chosen)
    try:
        await parts.warm()

        def ours(subject: Subject) -> tuple[SpeechToText, TextToSpeech]:
            found = parts.speech_for(speech_of(subject.row.settings))
            return found.stt, found.tts

        yield Ensemble(
            ours, (parts.stt, parts.tts), parts.turn, parts.vad, parts.thinking_deadline, measured=True
        )
    finally:
        await parts.close()


class _NoEars:
    """Fulfils SpeechToText where every answer is kept."""

    has_partials = False

    def open(
        self,
        rate: int,
        language: str,
        on_partial: Callable[[str], None] | None = None,
        keywords: Sequence[str] = (),
    ) -> Hearing:
        raise Unavailable(_NOT_KEPT)

    async def warm(self) -> None:
        return

    async def close(self) -> None:
        return


class _NoVoice:
    """Fulfils TextToSpeech where every answer is kept."""

    def __init__(self, rate: int) -> None:
        self.rate = rate

    async def speak(self, text: str, voice: Voice) -> AsyncIterator[bytes]:
        for never in self._pieces():
            yield never

    async def warm(self) -> None:
        return

    async def close(self) -> None:
        return

    def _pieces(self) -> Sequence[bytes]:
        raise Unavailable(_NOT_KEPT)


class _NoTurn:
    """Fulfils TurnModel where every answer is kept."""

    async def complete(self, pcm: bytes, rate: int) -> float:
        raise Unavailable(_NOT_KEPT)
