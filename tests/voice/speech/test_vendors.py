"""The adapters of Deepgram and ElevenLabs, through their SDKs, against the vendors' wire on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.voice.speech.contract import SpeechToTextContract, TextToSpeechContract
from tests.voice.speech.vendors import KEY, Deepgram, ElevenLabs, running, split
from trunkline.errors import ProviderError, ProviderRefused, ProviderTimeout
from trunkline.voice.scripted.script import FaultKind
from trunkline.voice.speech import deepgram, elevenlabs, tones
from trunkline.voice.speech.deepgram import DeepgramSpeechToText, DeepgramTextToSpeech
from trunkline.voice.speech.elevenlabs import ElevenLabsSpeechToText, ElevenLabsTextToSpeech
from trunkline.voice.speech.ports import SpeechToText, TextToSpeech, Voice
from trunkline.voice.speech.vendor import Sdk
from trunkline.voice.speech.wanted import Style

RATE = 8000
PATIENT = 30.0
"""Seconds that no answer ever takes."""
SLOW = (FaultKind.HANG, FaultKind.DRIP)
"""Faults that a part notices by its own time limit only."""
Vendor = Deepgram | ElevenLabs


@pytest.fixture
async def dg() -> AsyncIterator[Deepgram]:
    vendor = Deepgram()
    async with running(vendor):
        yield vendor


@pytest.fixture
async def el() -> AsyncIterator[ElevenLabs]:
    vendor = ElevenLabs()
    async with running(vendor):
        yield vendor


@asynccontextmanager
async def closing(sdk: Sdk) -> AsyncIterator[Sdk]:
    yield sdk
    await sdk.close()


class TestDeepgramTextToSpeech(TextToSpeechContract):
    @pytest.fixture
    async def tts(self, dg: Deepgram) -> AsyncIterator[DeepgramTextToSpeech]:
        async with closing(deepgram.sdk(KEY, dg.url, PATIENT)) as sdk:
            yield DeepgramTextToSpeech(sdk)


class TestElevenLabsTextToSpeech(TextToSpeechContract):
    @pytest.fixture
    async def tts(self, el: ElevenLabs) -> AsyncIterator[ElevenLabsTextToSpeech]:
        async with closing(elevenlabs.sdk(KEY, el.url, PATIENT)) as sdk:
            yield ElevenLabsTextToSpeech(sdk)


class _Ears(SpeechToTextContract):
    def sound(self, text: str) -> bytes:
        return tones.speak(text, RATE)

    async def test_words_can_be_asked_for_before_the_end(self, stt: SpeechToText) -> None:
        """These tell their words by themselves: what has come so far is what they answer with."""
        told = asyncio.Event()
        hearing = stt.open(8000, "en-US", lambda text: told.set())
        hearing.push(self.sound("I need"))
        async with asyncio.timeout(PATIENT):
            await told.wait()
        assert "need" in self._words(await hearing.words())
        hearing.push(self.sound("an appointment"))
        assert "appointment" in self._words(await hearing.finish())


class TestDeepgramSpeechToText(_Ears):
    @pytest.fixture
    async def stt(self, dg: Deepgram) -> AsyncIterator[DeepgramSpeechToText]:
        async with closing(deepgram.sdk(KEY, dg.url, PATIENT)) as sdk:
            yield DeepgramSpeechToText(sdk, PATIENT)


class TestElevenLabsSpeechToText(_Ears):
    @pytest.fixture
    async def stt(self, el: ElevenLabs) -> AsyncIterator[ElevenLabsSpeechToText]:
        async with closing(elevenlabs.sdk(KEY, el.url, PATIENT)) as sdk:
            yield ElevenLabsSpeechToText(sdk, PATIENT)


Make = Callable[..., tuple[Vendor, SpeechToText, TextToSpeech]]


@pytest.fixture(params=["deepgram", "elevenlabs"])
async def make(request: pytest.FixtureRequest, dg: Deepgram, el: ElevenLabs) -> AsyncIterator[Make]:
    """Both parts of a vendor, whose SDK waits so many seconds."""
    opened: list[Sdk] = []

    def made(timeout: float = PATIENT, key: str = KEY) -> Any:
        if request.param == "deepgram":
            opened.append(sdk := deepgram.sdk(key, dg.url, timeout))
            return dg, DeepgramSpeechToText(sdk, timeout), DeepgramTextToSpeech(sdk)
        opened.append(sdk := elevenlabs.sdk(key, el.url, timeout))
        return el, ElevenLabsSpeechToText(sdk, timeout), ElevenLabsTextToSpeech(sdk)

    yield made
    for sdk in opened:
        await sdk.close()


async def hear(
    stt: SpeechToText,
    text: str = "I need an appointment",
    language: str = "en-US",
    keywords: Sequence[str] = (),
) -> str:
    hearing = stt.open(RATE, language, None, keywords)
    for frame in split(tones.speak(text, RATE), 320):
        hearing.push(frame)
    return await hearing.finish()


async def speak(tts: TextToSpeech, voice: Voice | None = None) -> str:
    pcm = b"".join([pcm async for pcm in tts.speak("We open at nine", voice or Voice())])
    return tones.hear(pcm, tts.rate)


async def test_words_come_while_they_are_spoken(make: Make) -> None:
    _, stt, _ = make()
    told: asyncio.Queue[str] = asyncio.Queue()
    hearing = stt.open(RATE, "en-US", told.put_nowait)
    hearing.push(tones.speak("I need", RATE))
    async with asyncio.timeout(PATIENT):
        assert await told.get() == "I need"
        hearing.push(tones.speak("an appointment", RATE))
        assert await told.get() == "I need an appointment"
    assert await hearing.words() == "I need an appointment"
    assert await hearing.finish() == "I need an appointment"


async def test_sound_comes_as_it_is_made(make: Make) -> None:
    vendor, _, tts = make()
    vendor.end_held = asyncio.Event()
    speech = tts.speak("We open at nine", Voice())
    async with asyncio.timeout(PATIENT):
        assert await anext(speech)
        vendor.end_held.set()
        assert [pcm async for pcm in speech]


async def test_deepgram_is_asked_as_it_wants(dg: Deepgram) -> None:
    sdk = deepgram.sdk(KEY, dg.url, PATIENT)
    stt = DeepgramSpeechToText(sdk, PATIENT)
    for language in ("de-DE", "pt-BR", "multi", "th"):
        assert await hear(stt, "Yes", language, ["Brightside"]) == "Yes"
    asked = dg.of("listen")
    assert [each["language"] for each in asked] == ["de", "pt-BR", "multi", "th"]
    assert [each["model"] for each in asked] == ["nova-3", "nova-3", "nova-3", "nova-2"]
    assert [each["keyterm"] for each in asked[:2]] == [["Brightside"]] * 2
    assert (
        await speak(DeepgramTextToSpeech(sdk), Voice("aura-2-viktoria-de", "de-DE", 1.1)) == "We open at nine"
    )
    [asked_for] = dg.of("speak")
    assert (asked_for["model"], asked_for["encoding"]) == ("aura-2-viktoria-de", "linear16")
    assert float(asked_for["speed"]) == 1.1
    await sdk.close()


async def test_elevenlabs_is_asked_as_it_wants(el: ElevenLabs) -> None:
    sdk = elevenlabs.sdk(KEY, el.url, PATIENT)
    stt = ElevenLabsSpeechToText(sdk, PATIENT)
    for language in ("de-DE", "multi"):
        terms = ["Brightside", "a term of more than twenty letters"]
        assert await hear(stt, "Yes", language, terms) == "Yes"
    one, two = el.of("speech-to-text")
    assert (one["model_id"], one["commit_strategy"]) == ("scribe_v2_realtime", "manual")
    assert (one["language_code"], one["keyterms"]) == ("de", ["Brightside"])
    assert "language_code" not in two
    style = Style(
        "eleven_flash_v2_5", stability=0.4, similarity=0.8, style=0.1, speaker_boost=True, latency=3
    )
    tts = ElevenLabsTextToSpeech(sdk, style)
    assert await speak(tts, Voice("pNInz6obpgDQGcFmaJgB", "de-DE", 0.9)) == "We open at nine"
    [asked] = el.of("text-to-speech")
    assert (asked["voice"], asked["model_id"]) == ("pNInz6obpgDQGcFmaJgB", "eleven_flash_v2_5")
    assert (asked["language_code"], asked["optimize_streaming_latency"]) == ("de", "3")
    assert asked["voice_settings"] == {
        "stability": 0.4,
        "similarity_boost": 0.8,
        "style": 0.1,
        "use_speaker_boost": True,
        "speed": 0.9,
    }
    tagged = ElevenLabsTextToSpeech(sdk, Style("eleven_v3", tags="[calm]"))
    await speak(tagged, Voice())
    assert str(el.of("text-to-speech")[-1]["text"]).startswith("[calm] ")
    await sdk.close()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.TOO_MANY, ProviderError),
        (FaultKind.BROKEN, ProviderError),
        (FaultKind.HANG, ProviderTimeout),
        (FaultKind.DIE, ProviderError),
        (FaultKind.GARBAGE, ProviderError),
        (FaultKind.DRIP, ProviderTimeout),
    ],
)
async def test_faults_of_ears_are_told_in_our_words(
    make: Make, kind: FaultKind, error: type[ProviderError]
) -> None:
    vendor, stt, _ = make()
    _, hurried, _ = make(timeout=0.4)
    vendor.fault = kind
    with pytest.raises(error):
        await hear(hurried if kind in SLOW else stt)
    vendor.fault = None
    assert await hear(stt) == "I need an appointment"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.TOO_MANY, ProviderError),
        (FaultKind.BROKEN, ProviderError),
        (FaultKind.HANG, ProviderTimeout),
        (FaultKind.DIE, ProviderError),
        (FaultKind.DRIP, ProviderTimeout),
    ],
)
async def test_faults_of_voices_are_told_in_our_words(
    make: Make, kind: FaultKind, error: type[ProviderError]
) -> None:
    vendor, _, tts = make()
    _, _, hurried = make(timeout=0.4)
    vendor.fault = kind
    with pytest.raises(error):
        await speak(hurried if kind in SLOW else tts)
    assert len(vendor.asked) <= 1  # nothing is tried twice: a call does not wait
    vendor.fault = None
    assert await speak(tts) == "We open at nine"


async def test_a_wrong_key_is_a_fault_of_the_provider_and_a_wrong_voice_of_the_request(make: Make) -> None:
    _, stt, tts = make(key="another")
    with pytest.raises(ProviderError) as told:
        await hear(stt)
    assert not isinstance(told.value, ProviderRefused)
    with pytest.raises(ProviderError) as told:
        await speak(tts)
    assert not isinstance(told.value, ProviderRefused)
    assert "another" not in str(told.value)
    _, _, tts = make()
    with pytest.raises(ProviderRefused):
        await speak(tts, Voice("nobody"))


def test_which_languages_they_have() -> None:
    assert deepgram.hears("de-DE")
    assert deepgram.hears("zh-CN")
    assert not deepgram.hears("he")
    assert deepgram.speaks("aura-2-viktoria-de", "de-DE")
    assert not deepgram.speaks("aura-2-thalia-en", "de-DE")
    assert elevenlabs.hears("he")
    assert elevenlabs.speaks("eleven_flash_v2_5", "de-DE")
    assert not elevenlabs.speaks("eleven_flash_v2_5", "he")
    assert elevenlabs.speaks("eleven_v3", "he")
    assert not elevenlabs.speaks("eleven_turbo_v2", "de-DE")
