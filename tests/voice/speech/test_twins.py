import random
import sys

import pytest

from tests.voice.speech.contract import (
    SpeechToTextContract,
    TextToSpeechContract,
    TurnModelContract,
    VoiceActivityContract,
)
from trunkline.errors import ProviderError
from trunkline.voice import g711
from trunkline.voice.speech import tones
from trunkline.voice.speech.ports import Voice
from trunkline.voice.speech.resample import resample
from trunkline.voice.speech.twins import FixedTurn, LevelActivity, ToneEars, ToneVoice


class TestToneVoice(TextToSpeechContract):
    @pytest.fixture
    def tts(self) -> ToneVoice:
        return ToneVoice()


class TestToneEars(SpeechToTextContract):
    @pytest.fixture(params=[False, True])
    def stt(self, request: pytest.FixtureRequest) -> ToneEars:
        return ToneEars(has_partials=request.param)

    def sound(self, text: str) -> bytes:
        return tones.speak(text, 8000)


class TestFixedTurn(TurnModelContract):
    @pytest.fixture
    def turn(self) -> FixedTurn:
        return FixedTurn(0.8)


class TestLevelActivity(VoiceActivityContract):
    @pytest.fixture
    def vad(self) -> LevelActivity:
        return LevelActivity()

    def speech(self) -> bytes:
        return tones.speak("I need an appointment", 8000)


async def test_the_turns_of_a_fixed_turn_come_in_order() -> None:
    turn = FixedTurn(0.1, 0.9)
    assert [await turn.complete(bytes(320), 8000) for _ in range(3)] == [0.1, 0.9, 0.9]
    assert turn.judged == [160, 160, 160]


async def test_told_faults_are_provider_errors() -> None:
    with pytest.raises(ProviderError):
        await anext(ToneVoice(fail_on="boom").speak("and boom", Voice()))
    hearing = ToneEars(fail_on="boom").open(8000, "en-US")
    hearing.push(tones.speak("and boom", 8000))
    with pytest.raises(ProviderError):
        await hearing.finish()


async def test_partials_grow_word_by_word() -> None:
    told: list[str] = []
    hearing = ToneEars(has_partials=True).open(8000, "en-US", told.append)
    sound = tones.speak("please cancel my appointment", 8000)
    for at in range(0, len(sound), 320):
        hearing.push(sound[at : at + 320])
    assert len(told) > 2
    assert told[-1].startswith("please cancel my")
    assert await hearing.finish() == "please cancel my appointment"


@pytest.mark.parametrize("law", ["none", "ulaw", "alaw"])
@pytest.mark.parametrize("rate", [8000, 16_000, 24_000, 48_000])
def test_tones_survive_the_telephone(rate: int, law: str) -> None:
    seed = random.randrange(1 << 30)
    sys.stdout.write(f"seed {seed}\n")
    text = "Zürich: 3:30 pm, I'd like an appointment!"
    shifted = bytes(2 * random.Random(seed).randrange(rate)) + tones.speak(text, rate)
    sound = resample(shifted, rate, 8000)
    if law == "ulaw":
        sound = g711.ulaw_to_pcm(g711.pcm_to_ulaw(sound))
    elif law == "alaw":
        sound = g711.alaw_to_pcm(g711.pcm_to_alaw(sound))
    assert tones.hear(sound, 8000) == text


def test_a_listener_that_joins_late_hears_the_words_from_then_on() -> None:
    sound = tones.speak("one two three four", 8000)
    assert tones.hear(sound[len(sound) // 6 * 2 :], 8000).endswith("three four")


def test_what_was_cut_is_not_heard() -> None:
    sound = tones.speak("one two three four", 8000)
    assert tones.hear(sound[: len(tones.speak("one two", 8000)) + 640], 8000) == "one two"
