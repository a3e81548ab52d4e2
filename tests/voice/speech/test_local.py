"""The local models on speech of the local voice, heard through the telephone (mu-law, 8 kHz)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.voice.speech.contract import (
    SpeechToTextContract,
    TextToSpeechContract,
    TurnModelContract,
    VoiceActivityContract,
)
from trunkline.errors import ProviderError
from trunkline.voice import g711
from trunkline.voice.models.store import Store
from trunkline.voice.onnx import single_thread_session
from trunkline.voice.speech.hibari import LocalVoice
from trunkline.voice.speech.ports import Voice
from trunkline.voice.speech.resample import resample
from trunkline.voice.speech.turn import SmartTurn
from trunkline.voice.speech.vad import SileroVad
from trunkline.voice.speech.whisper import LocalWhisper, WhisperDecoder


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture(scope="module")
def voice(pool: ThreadPoolExecutor) -> LocalVoice:
    return LocalVoice(pool)


@pytest.fixture(scope="module")
def whisper(pool: ThreadPoolExecutor, model_store: Store) -> LocalWhisper:
    return LocalWhisper(WhisperDecoder(model_store.set_folder("stt-tiny.en")), pool)


def telephone(text: str) -> bytes:
    """The words as they come over the wire, with half a second of silence before and behind."""
    from hibari import Hibari

    from trunkline.voice.speech.features import floats_to_pcm

    pcm = resample(floats_to_pcm(Hibari()(text, seed=0)), 24_000, 8000)
    return bytes(8000) + g711.ulaw_to_pcm(g711.pcm_to_ulaw(pcm)) + bytes(8000)


class TestLocalVoice(TextToSpeechContract):
    @pytest.fixture
    def tts(self, voice: LocalVoice) -> LocalVoice:
        return voice

    async def test_other_languages_are_refused(self, voice: LocalVoice) -> None:
        with pytest.raises(ProviderError, match="English only"):
            await anext(voice.speak("Hola", Voice(language="es-ES")))

    async def test_sentences_come_one_by_one_and_the_same_words_sound_the_same(
        self, voice: LocalVoice
    ) -> None:
        parts = [pcm async for pcm in voice.speak("Good morning. How are you?", Voice())]
        assert len(parts) == 2
        assert parts == [pcm async for pcm in voice.speak("Good morning. How are you?", Voice())]


@pytest.mark.models("stt-tiny.en")
class TestLocalWhisper(SpeechToTextContract):
    @pytest.fixture
    def stt(self, whisper: LocalWhisper) -> LocalWhisper:
        return whisper

    def sound(self, text: str) -> bytes:
        return telephone(text)

    @pytest.mark.parametrize(
        ("said", "keys"),
        [
            (
                "I would like to make an appointment for Tuesday afternoon.",
                {"appointment", "tuesday", "afternoon"},
            ),
            ("What are your opening hours on Saturday?", {"opening", "hours", "saturday"}),
            ("My name is Susan Miller and I have a toothache.", {"susan", "miller", "toothache"}),
            ("Do you accept health insurance?", {"accept", "health", "insurance"}),
            ("Please cancel the appointment at the pharmacy.", {"cancel", "pharmacy"}),
        ],
    )
    async def test_key_words_are_heard(self, stt: LocalWhisper, said: str, keys: set[str]) -> None:
        hearing = stt.open(8000, "en-US")
        hearing.push(telephone(said))
        assert keys <= self._words(await hearing.finish())

    async def test_a_name_is_heard_if_it_is_expected(self, stt: LocalWhisper) -> None:
        heard = []
        for keywords in ((), ("Xarelto", "Eliquis")):
            hearing = stt.open(8000, "en-US", keywords=keywords)
            hearing.push(telephone("Do you sell Xarelto and Eliquis?"))
            heard.append("Xarelto" in await hearing.finish())
        assert heard == [False, True]


@pytest.mark.models("turn")
class TestSmartTurn(TurnModelContract):
    @pytest.fixture
    def turn(self, model_store: Store, pool: ThreadPoolExecutor) -> SmartTurn:
        return SmartTurn(model_store.path("turn", "smart-turn-v3.2-cpu.onnx"), pool)

    async def test_a_whole_question_is_complete(self, turn: SmartTurn) -> None:
        heard = telephone("What are your opening hours on Saturday?")
        assert await turn.complete(heard[: len(heard) - 4000], 8000) > 0.5


@pytest.mark.models("vad")
class TestSileroVad(VoiceActivityContract):
    @pytest.fixture
    def vad(self, model_store: Store) -> SileroVad:
        return SileroVad(model_store.path("vad", "silero_vad.onnx"))

    def speech(self) -> bytes:
        return telephone("I would like to make an appointment for Tuesday afternoon.")[8000:-8000]

    def test_loud_noise_is_no_voice(self, vad: SileroVad) -> None:
        import numpy as np

        noise = np.random.default_rng(1).normal(0, 1500, 16_000).astype("<i2").tobytes()
        found = self._run(vad, vad.open(), noise)
        assert sum(each > 0.5 for each in found) < len(found) / 5

    def test_it_is_the_model_of_the_file(self, vad: SileroVad, model_store: Store) -> None:
        import numpy as np

        session = single_thread_session(model_store.path("vad", "silero_vad.onnx"))
        rate, state, context = np.array(8000, np.int64), np.zeros((2, 1, 128), np.float32), bytes(64)
        slot, differences = vad.open(), []
        speech = self.speech()
        for at in range(0, len(speech) - 511, 512):
            chunk = speech[at : at + 512]
            sound = np.frombuffer(context + chunk, "<i2").astype(np.float32)[None] / 32768.0
            found, state = session.run(None, {"input": sound, "state": state, "sr": rate})
            context = chunk[-64:]
            differences.append(abs(float(found[0, 0]) - vad.run([slot], [chunk])[0]))
        assert max(differences) < 1e-4
