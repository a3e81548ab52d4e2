"""The OpenAI-compatible adapters against an endpoint that speaks and hears tones."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.voice.speech.contract import SpeechToTextContract, TextToSpeechContract
from trunkline.errors import ProviderError, ProviderTimeout
from trunkline.voice.scripted.script import Fault, FaultKind, HearScript, Script, Sound, SpeechScript
from trunkline.voice.scripted.server import ScriptedServer
from trunkline.voice.speech import tones
from trunkline.voice.speech.openai_stt import OpenAISpeechToText
from trunkline.voice.speech.openai_tts import OpenAITextToSpeech
from trunkline.voice.speech.ports import Voice

PATIENT = 30.0
"""Seconds that no answer ever takes."""
SCRIPT = Script(stt=HearScript(decode=True, default=""), tts=SpeechScript(voice=Sound.WORDS))


@pytest.fixture
def endpoint() -> Iterator[ScriptedServer]:
    with ScriptedServer(SCRIPT) as server:
        yield server


@pytest.fixture
async def tts(endpoint: ScriptedServer) -> AsyncIterator[OpenAITextToSpeech]:
    tts = OpenAITextToSpeech(endpoint.base_url, timeout=PATIENT)
    yield tts
    await tts.close()


@pytest.fixture
async def stt(endpoint: ScriptedServer) -> AsyncIterator[OpenAISpeechToText]:
    stt = OpenAISpeechToText(endpoint.base_url, timeout=PATIENT)
    yield stt
    await stt.close()


class TestOpenAITextToSpeech(TextToSpeechContract):
    @pytest.fixture
    async def tts(self, endpoint: ScriptedServer) -> AsyncIterator[OpenAITextToSpeech]:
        tts = OpenAITextToSpeech(endpoint.base_url, timeout=PATIENT)
        yield tts
        await tts.close()


class TestOpenAISpeechToText(SpeechToTextContract):
    @pytest.fixture
    async def stt(self, endpoint: ScriptedServer) -> AsyncIterator[OpenAISpeechToText]:
        stt = OpenAISpeechToText(endpoint.base_url, timeout=PATIENT)
        yield stt
        await stt.close()

    def sound(self, text: str) -> bytes:
        return tones.speak(text, 8000)


async def test_what_is_sent_is_what_the_endpoint_expects(
    endpoint: ScriptedServer, stt: OpenAISpeechToText, tts: OpenAITextToSpeech
) -> None:
    hearing = stt.open(8000, "de-DE", keywords=("Xarelto", "Nguyen"))
    hearing.push(bytes(16_000))
    await hearing.finish()
    [asked] = endpoint.of("stt")
    assert (asked.request["seconds"], asked.request["language"], asked.model) == (1.0, "de", "whisper-1")
    assert asked.request["prompt"] == "Xarelto, Nguyen"
    async for _ in tts.speak("Yes.", Voice(id="nova", speed=1.5)):
        pass
    [asked] = endpoint.of("tts")
    assert asked.request["voice"] == "nova"
    assert asked.request["speed"] == 1.5
    assert asked.request["response_format"] == "pcm"
    assert "instructions" not in asked.request
    async for _ in tts.speak("Yes.", Voice(id="nova", instructions="Speak softly.")):
        pass
    assert endpoint.of("tts")[-1].request["instructions"] == "Speak softly."


async def test_of_many_languages_none_is_named(endpoint: ScriptedServer, stt: OpenAISpeechToText) -> None:
    hearing = stt.open(8000, "multi")
    hearing.push(bytes(16_000))
    await hearing.finish()
    [asked] = endpoint.of("stt")
    assert "language" not in asked.request


async def test_an_unchanged_segment_is_sent_once(endpoint: ScriptedServer, stt: OpenAISpeechToText) -> None:
    hearing = stt.open(8000, "en-US")
    hearing.push(tones.speak("Yes", 8000))
    assert await hearing.words() == await hearing.finish() == "Yes"
    assert len(endpoint.of("stt")) == 1


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.BROKEN, ProviderError),
        (FaultKind.TOO_MANY, ProviderError),
        (FaultKind.HANG, ProviderTimeout),
    ],
)
async def test_faults_are_told_in_our_words(
    endpoint: ScriptedServer, kind: FaultKind, error: type[ProviderError]
) -> None:
    timeout = 0.5 if kind is FaultKind.HANG else PATIENT
    tts = OpenAITextToSpeech(endpoint.base_url, timeout=timeout)
    stt = OpenAISpeechToText(endpoint.base_url, timeout=timeout)
    fault = (Fault(kind=kind, rate=1.0),)
    endpoint.script = Script(stt=HearScript(faults=fault), tts=SpeechScript(faults=fault))
    hearing = stt.open(8000, "en-US")
    hearing.push(bytes(16_000))
    with pytest.raises(error, match="speech-to-text"):
        await hearing.finish()
    with pytest.raises(error, match="text-to-speech"):
        await anext(tts.speak("Yes.", Voice()))
    await tts.close()
    await stt.close()


async def test_a_voice_that_breaks_off_is_a_fault(endpoint: ScriptedServer, tts: OpenAITextToSpeech) -> None:
    endpoint.script = Script(tts=SpeechScript(faults=(Fault(kind=FaultKind.DIE, rate=1.0),)))
    with pytest.raises(ProviderError, match="text-to-speech"):
        async for _ in tts.speak("A long sentence that breaks off.", Voice()):
            pass
