"""Which ears and which voices serve which agent: the installation's own, and those of vendors with a key."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from trunkline.errors import SetupError
from trunkline.voice.speech import deepgram, elevenlabs
from trunkline.voice.speech.fallback_stt import FallbackSpeechToText, Listener
from trunkline.voice.speech.fallback_tts import FallbackTextToSpeech, Speaker
from trunkline.voice.speech.ports import SpeechToText, TextToSpeech, Voice
from trunkline.voice.speech.vendor import Sdk, short
from trunkline.voice.speech.wanted import ELEVENLABS_MODEL, Keys, Style, Wanted
from trunkline.voice.standing import Standing

OWN = "own"
"""What `TRUNKLINE_STT_BASE_URL` and `TRUNKLINE_TTS_BASE_URL` name, or the local models."""
DEEPGRAM = "deepgram"
ELEVENLABS = "elevenlabs"
_TRANSCRIBERS = {"deepgram": DEEPGRAM, "deepgram-nova-3": DEEPGRAM, "synthflow-stt": OWN}
"""By the agent's setting transcriber_provider."""
_SPEAKERS = {"deepgram": DEEPGRAM, "elevenlabs": ELEVENLABS, "synthflow": OWN}
"""By the agent's setting fallback_provider."""
_ELEVENLABS_ID = re.compile(r"[A-Za-z0-9]{20}")
_UNHEARD = (
    "No speech-to-text here hears the agent's language {language}: set DEEPGRAM_API_KEY, ELEVENLABS_API_KEY or "
    "TRUNKLINE_STT_BASE_URL, or the workspace's secret deepgram or elevenlabs."
)
_UNSPOKEN = (
    "No text-to-speech here speaks the agent's language {language}: set ELEVENLABS_API_KEY, DEEPGRAM_API_KEY or "
    "TRUNKLINE_TTS_BASE_URL, or the workspace's secret elevenlabs or deepgram."
)


@dataclass(frozen=True)
class Own:
    """What the installation hears and speaks with by itself."""

    stt: SpeechToText
    tts: TextToSpeech
    local_stt: bool = False
    """The local models know English only; of an endpoint it is not known."""
    local_tts: bool = False


@dataclass(frozen=True)
class Addresses:
    """Where the vendors are reached."""

    deepgram: str = deepgram.API
    elevenlabs: str = elevenlabs.API


@dataclass(frozen=True)
class _Vendor:
    sdk: Sdk
    ears: Standing
    voice: Standing


class SpeechServices:
    """Puts ears and voices together for each call. Belongs to the loop it is used on."""

    def __init__(self, own: Own, keys: Keys | None = None, addresses: Addresses | None = None) -> None:
        self._own = own
        self._keys = keys or Keys()
        self._addresses = addresses or Addresses()
        self._own_ears = Standing("own_stt", lambda: _listen(own.stt))
        self._own_voice = Standing("own_tts", lambda: _talk(own.tts))
        self._vendors: dict[tuple[str, str], _Vendor] = {}
        self._paces: dict[str, float] = {}

    def ears(self, wanted: Wanted) -> SpeechToText:
        """Those of the agent, and all others that hear its language to stand in. Raises SetupError without any."""
        keys = wanted.keys.or_else(self._keys)
        names = self._names(keys, self._own.local_stt)
        chosen = _TRANSCRIBERS.get(wanted.transcriber)
        names.sort(key=lambda name: name != chosen)
        listeners = [
            each for name in names if (each := self._listener(name, wanted.language, keys)) is not None
        ]
        if not listeners:
            raise SetupError(_UNHEARD.format(language=wanted.language))
        return listeners[0].stt if len(listeners) == 1 else FallbackSpeechToText(listeners)

    def voice(self, wanted: Wanted) -> TextToSpeech:
        """The agent's, its fallback voice, then all others that speak its language. Raises SetupError without any."""
        keys = wanted.keys.or_else(self._keys)
        names = self._names(keys, self._own.local_tts)
        first = _home_of(wanted.voice_id, names)
        second = _SPEAKERS.get(wanted.fallback_provider) or _home_of(wanted.fallback_voice_id, names)
        tried = [(first, wanted.voice_id, wanted.style)]
        if wanted.fallback_voice_id or wanted.fallback_provider:
            model = wanted.fallback_model or ELEVENLABS_MODEL
            tried.append((second, wanted.fallback_voice_id, Style(model)))
        tried += [(name, "", Style()) for name in names if name not in (each[0] for each in tried)]
        speakers = [
            speaker
            for name, voice_id, style in tried
            if name in names
            and (speaker := self._speaker(name, voice_id, style, wanted.language, keys)) is not None
        ]
        if not speakers:
            raise SetupError(_UNSPOKEN.format(language=wanted.language))
        return FallbackTextToSpeech(speakers, paces=self._paces)

    @property
    def vendors(self) -> list[str]:
        """Those whose SDKs are loaded."""
        return sorted({name for name, _ in self._vendors})

    def load(self) -> None:
        """Load the SDKs of the installation's own keys, which takes up to two seconds and blocks."""
        for name in self._names(self._keys, local=True):
            if name != OWN:
                self._vendor(name, self._keys)

    async def close(self) -> None:
        """No more probes; let go of connections. The installation's own parts are their owner's to close."""
        for standing in (self._own_ears, self._own_voice):
            await standing.close()
        for vendor in self._vendors.values():
            await vendor.ears.close()
            await vendor.voice.close()
            await vendor.sdk.close()

    def _names(self, keys: Keys, local: bool) -> list[str]:
        """Who there is, in the order of choice: whoever the operator set before the local models."""
        vendors = [name for name, key in ((DEEPGRAM, keys.deepgram), (ELEVENLABS, keys.elevenlabs)) if key]
        return [*vendors, OWN] if local else [OWN, *vendors]

    def _listener(self, name: str, language: str, keys: Keys) -> Listener | None:
        if name == DEEPGRAM and deepgram.hears(language):
            vendor = self._vendor(name, keys)
            return Listener(deepgram.DeepgramSpeechToText(vendor.sdk), vendor.ears)
        if name == ELEVENLABS:
            vendor = self._vendor(name, keys)
            return Listener(elevenlabs.ElevenLabsSpeechToText(vendor.sdk), vendor.ears)
        if name == OWN and (not self._own.local_stt or _is_english(language)):
            return Listener(self._own.stt, self._own_ears)
        return None

    def _speaker(self, name: str, voice_id: str, style: Style, language: str, keys: Keys) -> Speaker | None:
        if name == DEEPGRAM:
            voice_id = voice_id if voice_id.startswith("aura-") else deepgram.voice_for(language)
            if deepgram.speaks(voice_id, language):
                vendor = self._vendor(name, keys)
                return Speaker(deepgram.DeepgramTextToSpeech(vendor.sdk), voice_id, vendor.voice)
        if name == ELEVENLABS and elevenlabs.speaks(style.model, language):
            vendor = self._vendor(name, keys)
            voice_id = voice_id or elevenlabs.DEFAULT_VOICE
            return Speaker(elevenlabs.ElevenLabsTextToSpeech(vendor.sdk, style), voice_id, vendor.voice)
        if name == OWN and (not self._own.local_tts or _is_english(language)):
            return Speaker(self._own.tts, "" if _is_vendors(voice_id) else voice_id, self._own_voice)
        return None

    def _vendor(self, name: str, keys: Keys) -> _Vendor:
        """The SDK of a vendor with this key, and how it stands: one for all calls."""
        key = keys.deepgram if name == DEEPGRAM else keys.elevenlabs
        if (found := self._vendors.get((name, key))) is None:
            found = self._vendors[name, key] = self._opened(name, key)
        return found

    def _opened(self, name: str, key: str) -> _Vendor:
        stt: Callable[[Sdk], SpeechToText]
        tts: Callable[[Sdk], TextToSpeech]
        if name == DEEPGRAM:
            sdk = deepgram.sdk(key, self._addresses.deepgram)
            stt, tts = deepgram.DeepgramSpeechToText, deepgram.DeepgramTextToSpeech
        else:
            sdk = elevenlabs.sdk(key, self._addresses.elevenlabs)
            stt, tts = elevenlabs.ElevenLabsSpeechToText, elevenlabs.ElevenLabsTextToSpeech
        return _Vendor(
            sdk,
            Standing(f"{name}_stt", lambda: _listen(stt(sdk))),
            Standing(f"{name}_tts", lambda: _talk(tts(sdk))),
        )


def _home_of(voice_id: str, names: list[str]) -> str:
    """Whose voice it is, as its form says; the first there is where it does not, or where that one is not here."""
    if voice_id.startswith("aura-"):
        home = DEEPGRAM
    elif _ELEVENLABS_ID.fullmatch(voice_id):
        home = ELEVENLABS
    else:
        home = OWN if voice_id else names[0]
    return home if home in names else names[0]


def _is_vendors(voice_id: str) -> bool:
    return voice_id.startswith("aura-") or _ELEVENLABS_ID.fullmatch(voice_id) is not None


def _is_english(language: str) -> bool:
    """`multi` as well: who hears many languages by choice is served in the one that there is."""
    return short(language) in ("en", "multi")


async def _listen(stt: SpeechToText) -> None:
    """The least that shows whether it hears: half a second of silence."""
    hearing = stt.open(8000, "en-US")
    hearing.push(bytes(8000))
    await hearing.finish()


async def _talk(tts: TextToSpeech) -> None:
    """The least that shows whether it speaks."""
    async for _ in tts.speak("Yes.", Voice()):
        pass
